// Stochastic depth and factors of rows: what the kept elements of each row of a branch are multiplied by, and which rows are left out.
// Source: Huang et al., "Deep networks with stochastic depth", 2016.

import type { Params } from "../engine/memory.js";
import type { Taken } from "../engine/operand.js";
import type { Running, Taking } from "../engine/pass.js";
import { checkInteger, checkProbability, wrongValue } from "../ground/check.js";
import { byteLength, type Dtype } from "../ground/dtypes.js";
import type { Draw } from "../stream/draw.js";
import { scale, threshold } from "../stream/probability.js";

/** The index in a stream from which on it decides on samples: elements, whose indices a call with samples ends here, never meet them. */
const SAMPLES = 2 ** 52;

/** The rows that share a decision. */
export interface PathPlan {
  /** Probability that the branch of a sample is left out. */
  readonly p: number;
  /** Number of samples, or undefined for one a row. */
  readonly samples: number | undefined;
}

/** Checks the probability and the number of samples; `prefix` is what goes before names. */
export function readPath(p: unknown, samples: unknown, training: boolean, prefix = ""): PathPlan | undefined {
  if (samples !== undefined) checkInteger(samples, `${prefix}samples`, 1, Number.MAX_SAFE_INTEGER);
  if (p === undefined) return undefined;
  checkProbability(p, `${prefix}dropPath`);
  return { p: training ? p : 0, samples: samples as number | undefined };
}

/** Factors of rows, and their decisions, as kernels read them. */
export interface RowFactors {
  /** Address of the factors. */
  readonly pointer: number;
  /** Takes the scales, which are settled by now. */
  readonly begin: (run: Running) => void;
  /** Writes those of `count` rows from row `row` on. Returns the address of their decisions, a byte each, or 0 where no row is left out. */
  readonly fill: (run: Running, row: number, count: number) => number;
}

/**
 * Takes room for the factors of at most `most` of `rows` rows. A sample's decision is that of element 2^52 + its index of the draw's stream, so that parts
 * of a batch decide as the whole does. Throws RangeError where samples do not divide rows, or the draw does not begin with one.
 */
export function takeRowFactors(
  pass: Taking,
  path: PathPlan | undefined,
  rowScale: Taken | undefined,
  rows: number,
  most: number,
  dtype: Dtype,
  prefix = "",
): RowFactors {
  const { draw, engine } = pass;
  const { memory } = engine;
  const samples = path?.samples ?? rows;
  const first = path === undefined ? 0 : firstSample(draw, rows, samples, prefix);
  const rowsOfFactor = rowScale === undefined || rowScale.length === 0 ? 1 : rows / rowScale.length;
  const rowsOfSample = samples === 0 ? 1 : rows / samples;
  const some = Math.min(most, rows);
  const pointer = pass.scratch(byteLength(dtype, some));
  const factors = rowScale === undefined ? undefined : pass.stage(rowScale);
  // A byte for each row, and behind them one for each of their samples.
  const paths = path === undefined || path.p === 0 ? 0 : pass.scratch(2 * some);
  const drawn = paths + some;
  let kept = 1;
  let params: Params;
  return {
    pointer,
    begin(run) {
      const { seed, stream, kind } = draw;
      const t = path === undefined ? 0 : threshold(path.p, kind);
      // Nothing is kept if a scale is infinite, and no factor is used.
      kept = run.scale * scale(t, kind, dtype);
      params = { seed, stream, start: SAMPLES + first, threshold: t, scale: 1 };
    },
    fill(run, row, count) {
      const to = memory.view(dtype, pointer, count);
      if (factors === undefined) to.fill(kept);
      else {
        const { from, length } = spanOf(row, count, rowsOfFactor);
        const given = memory.view(dtype, factors.enter(from, length), length);
        for (let k = 0; k < count; ++k) to[k] = kept * (given[Math.floor((row + k) / rowsOfFactor) - from] as number);
      }
      if (paths === 0) return 0;
      const { from, length } = spanOf(row, count, rowsOfSample);
      const address = run.params(0);
      memory.writeParams(params, from);
      engine.kernels.mask[draw.kind].bytes(drawn, length, address);
      const decisions = memory.view("bytes", drawn, length);
      const flags = memory.view("bytes", paths, count);
      for (let k = 0; k < count; ++k) flags[k] = decisions[Math.floor((row + k) / rowsOfSample) - from] as number;
      return paths;
    },
  };
}

/** The groups of `size` rows that `count` rows from row `row` on belong to. */
function spanOf(row: number, count: number, size: number): { readonly from: number; readonly length: number } {
  const from = Math.floor(row / size);
  return { from, length: Math.floor((row + count - 1) / size) - from + 1 };
}

/** The index of the sample that a draw begins with. */
function firstSample({ start, length }: Draw, rows: number, samples: number, prefix: string): number {
  if (samples === 0 ? rows > 0 : rows % samples !== 0)
    throw wrongValue(`${prefix}samples`, `divisor of ${rows}, the number of rows`, samples);
  if (length === 0) return 0;
  const each = length / samples;
  if (start % each !== 0) throw wrongValue(`${prefix}start`, `multiple of ${each}, the elements of a sample, with "dropPath"`, start);
  if (start + length > SAMPLES) throw wrongValue(`${prefix}start`, `at most 2^52 - ${length} with "dropPath"`, start);
  return start / each;
}
