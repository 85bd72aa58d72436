// y = s (W masked) x + b, for rows of W and examples x: Wan, Zeiler, Zhang, LeCun, Fergus, "Regularization of neural networks using
// DropConnect", ICML 2013.
// Invariant: a dot product is summed in one order. Of the first inputs - inputs mod 8 products, number i is added to lane i mod L, L being
// 4 for f32 and 2 for f64; the lanes are added as (l0 + l1) + (l2 + l3), or l0 + l1; the products left, up to 7, are added one by one.

import { All, Bytes, STEP } from "./keep";

/** The lanes of a dot product, added. */
// @ts-ignore: decorator
@inline
function sumOfLanes<T>(v: v128): T {
  if (sizeof<T>() == 4) {
    return <T>(f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3)));
  }
  return <T>(f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1));
}

/** acc + the products of a step; x holds the step's inputs, x2 and x3 only for f64. */
// @ts-ignore: decorator
@inline
function addStep<T, M>(acc: v128, w: usize, keep: usize, x0: v128, x1: v128, x2: v128, x3: v128): v128 {
  const decide = changetype<M>(0);
  const step = decide.step(keep);
  acc = v128.add<T>(acc, v128.mul<T>(decide.vector<T>(v128.load(w), step, 0), x0));
  acc = v128.add<T>(acc, v128.mul<T>(decide.vector<T>(v128.load(w, 16), step, 1), x1));
  if (sizeof<T>() == 8) {
    acc = v128.add<T>(acc, v128.mul<T>(decide.vector<T>(v128.load(w, 32), step, 2), x2));
    acc = v128.add<T>(acc, v128.mul<T>(decide.vector<T>(v128.load(w, 48), step, 3), x3));
  }
  return acc;
}

/** Writes a result from the sum over whole steps, adding the products from number `i` on. */
function finish<T, M>(y: usize, sum: T, w: usize, x: usize, keep: usize, i: usize, inputs: usize, bias: usize, scale: T): void {
  const decide = changetype<M>(0);
  for (; i < inputs; ++i) {
    sum += decide.one<T>(load<T>(w + i * sizeof<T>()), decide.at(keep, i)) * load<T>(x + i * sizeof<T>());
  }
  sum *= scale;
  store<T>(y, bias ? sum + load<T>(bias) : sum);
}

/** One result. */
function dot<T, M>(y: usize, w: usize, x: usize, keep: usize, inputs: usize, bias: usize, scale: T): void {
  const decide = changetype<M>(0);
  const whole = inputs & ~(STEP - 1);
  let sum: T = 0;
  if (ASC_FEATURE_SIMD) {
    let acc = i32x4.splat(0);
    for (let i: usize = 0; i < whole; i += STEP) {
      const from = x + i * sizeof<T>();
      const x0 = v128.load(from);
      const x1 = v128.load(from, 16);
      const x2 = sizeof<T>() == 8 ? v128.load(from, 32) : x0;
      const x3 = sizeof<T>() == 8 ? v128.load(from, 48) : x0;
      acc = addStep<T, M>(acc, w + i * sizeof<T>(), decide.at(keep, i), x0, x1, x2, x3);
    }
    sum = sumOfLanes<T>(acc);
  } else {
    let l0: T = 0;
    let l1: T = 0;
    let l2: T = 0;
    let l3: T = 0;
    for (let i: usize = 0; i < whole; i += 4) {
      const a = w + i * sizeof<T>();
      const b = x + i * sizeof<T>();
      const k = decide.at(keep, i);
      l0 += decide.one<T>(load<T>(a), k) * load<T>(b);
      l1 += decide.one<T>(load<T>(a, sizeof<T>()), decide.at(k, 1)) * load<T>(b, sizeof<T>());
      const p2 = decide.one<T>(load<T>(a, 2 * sizeof<T>()), decide.at(k, 2)) * load<T>(b, 2 * sizeof<T>());
      const p3 = decide.one<T>(load<T>(a, 3 * sizeof<T>()), decide.at(k, 3)) * load<T>(b, 3 * sizeof<T>());
      if (sizeof<T>() == 4) {
        l2 += p2;
        l3 += p3;
      } else {
        l0 += p2;
        l1 += p3;
      }
    }
    sum = sizeof<T>() == 4 ? l0 + l1 + (l2 + l3) : l0 + l1;
  }
  finish<T, M>(y, sum, w, x, keep, whole, inputs, bias, scale);
}

/** Writes the results of four rows of W. */
// @ts-ignore: decorator
@inline
function finish4<T, M>(
  y: usize,
  a0: v128,
  a1: v128,
  a2: v128,
  a3: v128,
  w: usize,
  x: usize,
  keep: usize,
  whole: usize,
  inputs: usize,
  bias: usize,
  scale: T,
): void {
  const decide = changetype<M>(0);
  const row = inputs * sizeof<T>();
  const next = bias ? sizeof<T>() : 0;
  finish<T, M>(y, sumOfLanes<T>(a0), w, x, keep, whole, inputs, bias, scale);
  finish<T, M>(y + sizeof<T>(), sumOfLanes<T>(a1), w + row, x, decide.at(keep, inputs), whole, inputs, bias + next, scale);
  finish<T, M>(y + 2 * sizeof<T>(), sumOfLanes<T>(a2), w + 2 * row, x, decide.at(keep, 2 * inputs), whole, inputs, bias + 2 * next, scale);
  finish<T, M>(y + 3 * sizeof<T>(), sumOfLanes<T>(a3), w + 3 * row, x, decide.at(keep, 3 * inputs), whole, inputs, bias + 3 * next, scale);
}

/** Four results: those of four rows of W, which share the loads of x and hide each other's latency. */
function dots4<T, M>(y: usize, w: usize, x: usize, keep: usize, inputs: usize, bias: usize, scale: T): void {
  const decide = changetype<M>(0);
  const whole = inputs & ~(STEP - 1);
  const row = inputs * sizeof<T>();
  let a0 = i32x4.splat(0);
  let a1 = i32x4.splat(0);
  let a2 = i32x4.splat(0);
  let a3 = i32x4.splat(0);
  for (let i: usize = 0; i < whole; i += STEP) {
    const from = x + i * sizeof<T>();
    const x0 = v128.load(from);
    const x1 = v128.load(from, 16);
    const x2 = sizeof<T>() == 8 ? v128.load(from, 32) : x0;
    const x3 = sizeof<T>() == 8 ? v128.load(from, 48) : x0;
    const v = w + i * sizeof<T>();
    a0 = addStep<T, M>(a0, v, decide.at(keep, i), x0, x1, x2, x3);
    a1 = addStep<T, M>(a1, v + row, decide.at(keep, i + inputs), x0, x1, x2, x3);
    a2 = addStep<T, M>(a2, v + 2 * row, decide.at(keep, i + 2 * inputs), x0, x1, x2, x3);
    a3 = addStep<T, M>(a3, v + 3 * row, decide.at(keep, i + 3 * inputs), x0, x1, x2, x3);
  }
  finish4<T, M>(y, a0, a1, a2, a3, w, x, keep, whole, inputs, bias, scale);
}

/** Eight results: those of four rows of W and two examples. Only without decisions, which need registers. */
function dots8<T>(y: usize, stride: usize, w: usize, x: usize, inputs: usize, bias: usize, scale: T): void {
  const whole = inputs & ~(STEP - 1);
  const row = inputs * sizeof<T>();
  let a0 = i32x4.splat(0);
  let a1 = i32x4.splat(0);
  let a2 = i32x4.splat(0);
  let a3 = i32x4.splat(0);
  let b0 = i32x4.splat(0);
  let b1 = i32x4.splat(0);
  let b2 = i32x4.splat(0);
  let b3 = i32x4.splat(0);
  const end = x + whole * sizeof<T>();
  let v = w;
  for (let from = x; from < end; from += 16, v += 16) {
    const x0 = v128.load(from);
    const x1 = v128.load(from + row);
    const w0 = v128.load(v);
    a0 = v128.add<T>(a0, v128.mul<T>(w0, x0));
    b0 = v128.add<T>(b0, v128.mul<T>(w0, x1));
    const w1 = v128.load(v + row);
    a1 = v128.add<T>(a1, v128.mul<T>(w1, x0));
    b1 = v128.add<T>(b1, v128.mul<T>(w1, x1));
    const w2 = v128.load(v + 2 * row);
    a2 = v128.add<T>(a2, v128.mul<T>(w2, x0));
    b2 = v128.add<T>(b2, v128.mul<T>(w2, x1));
    const w3 = v128.load(v + 3 * row);
    a3 = v128.add<T>(a3, v128.mul<T>(w3, x0));
    b3 = v128.add<T>(b3, v128.mul<T>(w3, x1));
  }
  finish4<T, All>(y, a0, a1, a2, a3, w, x, 0, whole, inputs, bias, scale);
  finish4<T, All>(y + stride * sizeof<T>(), b0, b1, b2, b3, w, x + row, 0, whole, inputs, bias, scale);
}

function product<T, M>(
  y: usize,
  stride: usize,
  x: usize,
  w: usize,
  bias: usize,
  keep: usize,
  examples: usize,
  outputs: usize,
  inputs: usize,
  scale: T,
): void {
  const decide = changetype<M>(0);
  const row = inputs * sizeof<T>();
  const next = bias ? sizeof<T>() : 0;
  // Rows of W outside, so that they stay in the L1 cache over all examples.
  let o: usize = 0;
  if (ASC_FEATURE_SIMD) {
    for (; o + 4 <= outputs; o += 4) {
      let n: usize = 0;
      if (decide.all()) {
        for (; n + 2 <= examples; n += 2) {
          dots8<T>(y + (n * stride + o) * sizeof<T>(), stride, w + o * row, x + n * row, inputs, bias + o * next, scale);
        }
      }
      for (; n < examples; ++n) {
        const k = decide.at(keep, (n * outputs + o) * inputs);
        dots4<T, M>(y + (n * stride + o) * sizeof<T>(), w + o * row, x + n * row, k, inputs, bias + o * next, scale);
      }
    }
  }
  for (; o < outputs; ++o) {
    for (let n: usize = 0; n < examples; ++n) {
      const k = decide.at(keep, (n * outputs + o) * inputs);
      dot<T, M>(y + (n * stride + o) * sizeof<T>(), w + o * row, x + n * row, k, inputs, bias + o * next, scale);
    }
  }
}

/**
 * y[n, o] = scale * sum over i of (keep[n, o, i] ? w[o, i] : +0) * x[n, i] + bias[o]; the rows of y lie `stride` elements apart. No bias if
 * that is 0, all kept if keep is 0.
 */
export function forward<T>(
  y: usize,
  stride: usize,
  x: usize,
  w: usize,
  bias: usize,
  keep: usize,
  examples: usize,
  outputs: usize,
  inputs: usize,
  scale: f64,
): void {
  if (keep) product<T, Bytes>(y, stride, x, w, bias, keep, examples, outputs, inputs, <T>scale);
  else product<T, All>(y, stride, x, w, bias, keep, examples, outputs, inputs, <T>scale);
}
