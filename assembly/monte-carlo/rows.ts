// Functions of each row of class probabilities or logits: softmax, entropy, and the vote for the most probable class.
// Invariant: a row's sums are those of its elements at even places plus those at odd places, each in ascending order, in both builds.

import { exp, xlogx } from "../math/elementary";
import { One, Two } from "../math/lanes";

/** The largest of a row, NaN left aside; -Infinity if there is none. */
// @ts-ignore: decorator
@inline
function largest<S>(src: usize, classes: usize): f64 {
  const one = changetype<One>(0);
  let most = -Infinity;
  let c: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const two = changetype<Two>(0);
    let pair = f64x2.splat(-Infinity);
    for (; c + 2 <= classes; c += 2) pair = two.max(pair, two.load<S>(src + c * sizeof<S>()));
    most = one.max(f64x2.extract_lane(pair, 0), f64x2.extract_lane(pair, 1));
  }
  for (; c < classes; ++c) most = one.max(most, one.load<S>(src + c * sizeof<S>()));
  return most;
}

/** dst = softmax of each row, in f64: e^(x - max) divided by the sum of these. NaN in rows with NaN or +Infinity, or of -Infinity alone. */
export function softmax<S>(dst: usize, src: usize, rows: usize, classes: usize): void {
  const one = changetype<One>(0);
  for (let r: usize = 0; r < rows; ++r) {
    const most = largest<S>(src, classes);
    let even = 0.0;
    let odd = 0.0;
    let c: usize = 0;
    if (ASC_FEATURE_SIMD) {
      const two = changetype<Two>(0);
      const mosts = f64x2.splat(most);
      let sums = f64x2.splat(0);
      for (; c + 2 <= classes; c += 2) {
        const e = exp<v128, Two>(f64x2.sub(two.load<S>(src + c * sizeof<S>()), mosts));
        v128.store(dst + c * 8, e);
        sums = f64x2.add(sums, e);
      }
      even = f64x2.extract_lane(sums, 0);
      odd = f64x2.extract_lane(sums, 1);
    }
    for (; c < classes; ++c) {
      const e = exp<f64, One>(one.load<S>(src + c * sizeof<S>()) - most);
      store<f64>(dst + c * 8, e);
      if (c & 1) odd += e;
      else even += e;
    }
    const sum = even + odd;
    c = 0;
    if (ASC_FEATURE_SIMD) {
      const sums = f64x2.splat(sum);
      for (; c + 2 <= classes; c += 2) v128.store(dst + c * 8, f64x2.div(v128.load(dst + c * 8), sums));
    }
    for (; c < classes; ++c) store<f64>(dst + c * 8, load<f64>(dst + c * 8) / sum);
    src += classes * sizeof<S>();
    dst += classes * 8;
  }
}

/** Adds the entropy -sum x ln x of each row, in nats, the `count`-th of its kind, to the mean in dst: dst[row] += (entropy - dst[row]) / count. */
export function entropy<S>(dst: usize, src: usize, rows: usize, classes: usize, count: f64): void {
  const one = changetype<One>(0);
  for (let r: usize = 0; r < rows; ++r) {
    let even = 0.0;
    let odd = 0.0;
    let c: usize = 0;
    if (ASC_FEATURE_SIMD) {
      const two = changetype<Two>(0);
      let sums = f64x2.splat(0);
      for (; c + 2 <= classes; c += 2) sums = f64x2.sub(sums, xlogx<v128, Two>(two.load<S>(src + c * sizeof<S>())));
      even = f64x2.extract_lane(sums, 0);
      odd = f64x2.extract_lane(sums, 1);
    }
    for (; c < classes; ++c) {
      const x = xlogx<f64, One>(one.load<S>(src + c * sizeof<S>()));
      if (c & 1) odd -= x;
      else even -= x;
    }
    const at = dst + r * 8;
    const mean = load<f64>(at);
    store<f64>(at, mean + (even + odd - mean) / count);
    src += classes * sizeof<S>();
  }
}

/** Adds 1 to dst[row, c] for the first c at which the row is largest, NaN left aside; for class 0 if nothing is larger than -Infinity. */
export function vote<S>(dst: usize, src: usize, rows: usize, classes: usize): void {
  for (let r: usize = 0; r < rows; ++r) {
    let most = -Infinity;
    let best: usize = 0;
    for (let c: usize = 0; c < classes; ++c) {
      const x = <f64>load<S>(src + c * sizeof<S>());
      if (x > most) {
        most = x;
        best = c;
      }
    }
    const at = dst + best * 8;
    store<f64>(at, load<f64>(at) + 1);
    src += classes * sizeof<S>();
    dst += classes * 8;
  }
}
