// Whether an output is dropout of its input: only what computes the same is worth a comparison.

/** How far, in standard deviations, the share of kept elements may lie from 1 - p. */
const MOST_SIGMAS = 5;
/** How far, relatively, a kept element may lie from x / (1 - p): some roundings to f32. */
const TOLERANCE = 1e-6;

/** What is wrong with y as dropout of x, which is positive; undefined if nothing is. */
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
