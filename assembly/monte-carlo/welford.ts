// Mean and sum of squared deviations of a stream of vectors, updated by one vector at a time (Welford, Technometrics 4, 1962):
//
//   d = x - mean        mean += d / count        deviations += d (x - mean)
//
// in f64 whatever the type S of x. Invariant: an element's update depends on that element alone.

import { One, Two } from "../math/lanes";

// @ts-ignore: decorator
@inline
function update<T, L, S>(mean: usize, deviations: usize, src: usize, i: usize, count: T): void {
  const l = changetype<L>(0);
  const m = mean + i * 8;
  const d = deviations + i * 8;
  const x = l.load<S>(src + i * sizeof<S>());
  const old = l.load<f64>(m);
  const difference = l.sub(x, old);
  const now = l.add(old, l.div(difference, count));
  store<T>(m, now);
  store<T>(d, l.add(l.load<f64>(d), l.mul(difference, l.sub(x, now))));
}

/** Adds the n elements at `src`, the `count`-th vector, to means and deviations. */
export function welford<S>(mean: usize, deviations: usize, src: usize, n: usize, count: f64): void {
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const counts = f64x2.splat(count);
    for (; i + 4 <= n; i += 4) {
      update<v128, Two, S>(mean, deviations, src, i, counts);
      update<v128, Two, S>(mean, deviations, src, i + 2, counts);
    }
  }
  for (; i < n; ++i) update<f64, One, S>(mean, deviations, src, i, count);
}
