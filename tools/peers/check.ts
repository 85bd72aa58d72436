// Checks that an output is dropout of its input: a comparison needs programs that compute the same.

/** The largest distance of the share of kept elements from 1 - p, in standard deviations. */
const MOST_SIGMAS = 5;
/** The largest relative distance of a kept element from x / (1 - p): some roundings to f32. */
const TOLERANCE = 1e-6;

/** Returns the fault of y as dropout of x, which is positive; undefined if there is none. */
export function faultIn(y: Float32Array, x: Float32Array, p: number): string | undefined {
  if (!(y instanceof Float32Array)) return "the output is no Float32Array";
  if (y.length !== x.length) return `the output has ${y.length} elements, not ${x.length}`;
  let kept = 0;
  for (let i = 0; i < x.length; ++i) {
    const value = y[i] as number;
    if (value === 0) continue;
    ++kept;
    const expected = (x[i] as number) / (1 - p);
    if (!(Math.abs(value - expected) <= TOLERANCE * expected)) return `element ${i} is ${value}, neither 0 nor ${expected}`;
  }
  const sigmas = (kept - x.length * (1 - p)) / Math.sqrt(x.length * p * (1 - p));
  if (Math.abs(sigmas) > MOST_SIGMAS) return `it kept a share of ${kept / x.length}, ${sigmas.toFixed(1)} sigmas from ${1 - p}`;
  return undefined;
}
