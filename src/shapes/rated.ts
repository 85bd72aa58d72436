// The work of a call with several probabilities: random integers, one a decision, and rates, one a probability, are broadcast over the data. What each
// element has its own of is made piece by piece, so that it takes constant memory; the rest is complete before the kernels run.

import type { Memory } from "../engine/memory.js";
import type { Taken } from "../engine/operand.js";
import type { Running, Taking } from "../engine/pass.js";
import { PIECE, parts } from "../engine/pieces.js";
import { RateField, RatesField, RatesLevelField } from "../ground/abi.js";
import { byteLength } from "../ground/dtypes.js";
import { productOf } from "../ground/shape.js";
import { threshold } from "../stream/probability.js";
import type { ShapesKernels } from "./kernels.js";
import { isElementwise, type Noise } from "./noise-shape.js";
import { type Rates, type Use, writeRate } from "./rates.js";
import { type Data, fillKept, type Work } from "./work.js";

/** A call with several probabilities. */
export interface RatedCall {
  readonly noise: Noise;
  readonly rates: Rates;
  readonly values: ArrayLike<number>;
  readonly use: Use;
  /** The mask to write, or a stored one that decides. */
  readonly mask?: Taken | undefined;
  readonly stored?: Taken | undefined;
}

/** A dimension of a walk. */
interface Level {
  readonly size: number;
  /** From one place to the next; 0 where integers or rates are broadcast. */
  readonly integers: number;
  readonly rates: number;
}

/** An array with broadcast integers and rates, as runs and the dimensions outside them from the inside out. */
interface RatesWalk {
  readonly run: Level;
  readonly levels: readonly Level[];
}

/** The walk over an array of `shape`; neighbouring dimensions of the same sort are one, and those of size 1 none. */
function walkOf(shape: readonly number[], integers: readonly number[], rates: readonly number[]): RatesWalk {
  const merged: { size: number; integers: boolean; rates: boolean }[] = [];
  shape.forEach((size, k) => {
    if (size === 1) return;
    const [ownInteger, ownRate] = [integers[k] !== 1, rates[k] !== 1];
    const last = merged[merged.length - 1];
    if (last?.integers === ownInteger && last.rates === ownRate) last.size *= size;
    else merged.push({ size, integers: ownInteger, rates: ownRate });
  });
  let [integerStep, rateStep] = [1, 1];
  const [run = { size: 1, integers: 1, rates: 1 }, ...levels] = merged.reverse().map(({ size, integers: ownInteger, rates: ownRate }) => {
    const level = { size, integers: ownInteger ? integerStep : 0, rates: ownRate ? rateStep : 0 };
    if (ownInteger) integerStep *= size;
    if (ownRate) rateStep *= size;
    return level;
  });
  return { run, levels };
}

function recordLength({ levels }: RatesWalk): number {
  return RatesField.fields + RatesLevelField.fields * levels.length;
}

/** Writes the kernel's record of a walk, which is to start with the array's first element. */
function writeRecord(memory: Memory, pointer: number, walk: RatesWalk): void {
  const record = memory.view("f64", pointer, recordLength(walk)).fill(0);
  record[RatesField.run] = walk.run.size;
  record[RatesField.eachInteger] = walk.run.integers;
  record[RatesField.eachRate] = walk.run.rates;
  record[RatesField.levels] = walk.levels.length;
  walk.levels.forEach((level, k) => {
    const at = RatesField.fields + RatesLevelField.fields * k;
    record[at + RatesLevelField.size] = level.size;
    record[at + RatesLevelField.integers] = level.integers;
    record[at + RatesLevelField.rates] = level.rates;
  });
}

/** The place of a walk's integers or rates, and the way that parts of them are made. */
interface Table {
  readonly pointer: number;
  /** True if each element has its own, made piece by piece. */
  readonly piecewise: boolean;
  readonly length: number;
  readonly make: (run: Running, at: number, count: number) => void;
}

/** Takes the work on data of a call with several probabilities. */
export function takeRated(pass: Taking, kernels: ShapesKernels, { input, output }: Data, call: RatedCall): Work {
  const { noise, rates, mask } = call;
  const { shape, noiseShape, decisions } = noise;
  const src = pass.stage(input);
  const dst = pass.stage(output);
  const integers = takeIntegers(pass, kernels, call);
  const rateTable = takeRateTable(pass, call, input.computed);
  const walk = walkOf(shape, noiseShape, rates.shape);
  const record = pass.scratch(byteLength("f64", recordLength(walk)));
  const kernel = kernels.rated.integers[input.computed];
  const staged = mask === undefined ? undefined : pass.stage(mask, decisions);
  const maskWalk = walkOf(noiseShape, noiseShape, rates.shape);
  const maskRecord = staged === undefined ? 0 : pass.scratch(byteLength("f64", recordLength(maskWalk)));
  // A mask's first decision is that of the first element only in pieces, where decisions and elements are the same.
  const writeMask = ({ engine }: Running, bits: number, at: number, count: number) => {
    if (at === 0) {
      engine.memory.view("bits", bits, decisions).fill(0);
      writeRecord(engine.memory, maskRecord, maskWalk);
    }
    rewind(engine.memory, maskRecord, integers, rateTable);
    kernels.rated.integers.bits(bits + at / 8, 0, count, integers.pointer, rateTable.pointer, maskRecord);
  };
  return (run) => {
    const { memory } = run.engine;
    const tables = [integers, rateTable];
    for (const { piecewise, length, make } of tables) if (!piecewise) for (const { at, count } of parts(length)) make(run, at, count);
    const bits = staged?.enter(0, decisions);
    const kept = call.use === "test";
    if (bits !== undefined && kept) fillKept(memory, bits, decisions);
    if (bits !== undefined && !kept && !integers.piecewise && decisions > 0) writeMask(run, bits, 0, decisions);
    writeRecord(memory, record, walk);
    for (const { at, count } of parts(src.length)) {
      for (const { piecewise, make } of tables) if (piecewise) make(run, at, count);
      rewind(memory, record, integers, rateTable);
      const from = src.enter(at, count);
      kernel(dst.enter(at, count), from, count, integers.pointer, rateTable.pointer, record);
      dst.leave(at, count);
      if (bits !== undefined && !kept && integers.piecewise) writeMask(run, bits, at, count);
    }
    staged?.leave(0, decisions);
  };
}

/** Has a walk take what is made piece by piece from the beginning of its table. */
function rewind(memory: Memory, pointer: number, integers: Table, rates: Table): void {
  const record = memory.view("f64", pointer, RatesField.fields);
  if (integers.piecewise) record[RatesField.integer] = 0;
  if (rates.piecewise) record[RatesField.rate] = 0;
}

/** Takes the random integers of the decisions, or those that stand for a stored mask. */
function takeIntegers(pass: Taking, kernels: ShapesKernels, { noise, use, stored }: RatedCall): Table {
  const { decisions } = noise;
  const { kind } = pass.draw;
  const piecewise = isElementwise(noise);
  const pointer = pass.scratch(byteLength("f64", piecewise ? Math.min(PIECE, decisions) : decisions));
  const staged = stored === undefined || use === "test" ? undefined : pass.stage(stored, decisions);
  const bits = staged?.enter(0, decisions) ?? 0;
  // Above all thresholds but that of probability 1.
  const kept = threshold(1, kind) - 1;
  const draw = kernels.integers[kind].f64;
  return {
    pointer,
    piecewise,
    length: decisions,
    make(run, at, count) {
      const to = piecewise ? pointer : pointer + byteLength("f64", at);
      // Outside training nothing is random: all is kept, but at probability 1.
      if (use === "test") run.engine.memory.view("f64", to, count).fill(0);
      else if (staged === undefined) draw(to, count, run.params(at));
      else kernels.certain.bits.f64(to, bits, at, count, kept);
    },
  };
}

/** Takes the rates of the probabilities. */
function takeRateTable(pass: Taking, { noise, rates, values, use }: RatedCall, dtype: "f32" | "f64"): Table {
  const { kind } = pass.draw;
  const length = productOf(rates.shape);
  const piecewise = rates.shape.every((size, k) => size === noise.shape[k]);
  const pointer = pass.scratch(byteLength("f64", RateField.fields * (piecewise ? Math.min(PIECE, length) : length)));
  return {
    pointer,
    piecewise,
    length,
    make({ engine }, at, count) {
      const to = piecewise ? pointer : pointer + byteLength("f64", RateField.fields * at);
      const table = engine.memory.view("f64", to, RateField.fields * count);
      for (let k = 0; k < count; ++k) writeRate(table, RateField.fields * k, values[at + k] as number, use, kind, dtype);
    },
  };
}
