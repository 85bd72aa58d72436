// The one place that turns a drop probability into the threshold T and the scale 1 / (1 - P(drop)) of the kernels, P(drop) being the
// realised probability (docs/keep-streams.md, "Probability").

import { checkChoice, checkProbability } from "../ground/check.js";
import type { DataDtype } from "../ground/dtypes.js";
import { STREAM_KINDS, type StreamKind } from "./kinds.js";

/** The number of values that the random integers compared with T can have. */
const RANGE: Record<StreamKind, number> = { tile: 2 ** 48, philox: 2 ** 32 };

/** T: an element is dropped where its random integer is below T. Exact: p times a power of two, rounded once, halves up. */
export function threshold(p: number, kind: StreamKind): number {
  return Math.round(p * RANGE[kind]);
}

/**
 * Returns the probability that an element is kept at drop probability `p`: 1 - T / 2^48 for "tile", 1 - T / 2^32 for "philox".
 * It differs from 1 - p by at most 2^-49 or 2^-33; inverted dropout divides by it.
 *
 * @param p drop probability in [0, 1]
 * @param kind the keep stream, "tile" by default
 * @throws TypeError if p is no number or kind no string; RangeError if p lies outside [0, 1] or kind is unknown
 * @example
 * keepProbability(0.1, "philox"); // 0.8999999999068677, as p became 429496730 / 2^32
 */
export function keepProbability(p: number, kind: StreamKind = "tile"): number {
  checkProbability(p, "p");
  checkChoice(kind, "kind", STREAM_KINDS);
  return 1 - threshold(p, kind) / RANGE[kind];
}

/** Returns 1 - T / range, rounded once to the dtype: the factor of the classic form at test time. */
export function keepFactor(t: number, kind: StreamKind, dtype: DataDtype): number {
  const kept = 1 - t / RANGE[kind];
  return dtype === "f64" ? kept : Math.fround(kept);
}

/** Returns 1 / (1 - T / range), rounded once to the dtype; Infinity where everything is dropped. */
export function scale(t: number, kind: StreamKind, dtype: DataDtype): number {
  const range = RANGE[kind];
  const kept = range - t;
  const quotient = range / kept;
  if (dtype === "f64") return quotient;
  const single = Math.fround(quotient);
  const other = single + 2 * (quotient - single);
  if (quotient === single || Math.fround(other) !== other) return single;
  // The quotient, already rounded to f64, lies halfway between two f32 values, so that its last bit no longer says on which side the true
  // one is. It has 25 bits: its products with the 24-bit halves of `kept` are exact.
  const half = 2 ** 24;
  const high = Math.floor(kept / half);
  const excess = (quotient * high - range / half) * half + quotient * (kept - high * half);
  if (excess === 0) return single;
  return excess > 0 ? Math.min(single, other) : Math.max(single, other);
}
