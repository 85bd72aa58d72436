// The results of the passes of a run: plain data, that can be posted between threads, gone on from, and merged.
// Invariant: all that is needed to go on is exact: a run cut in two and resumed gives the bits of the run in one.

import { makeArray } from "../engine/operand.js";
import {
  bufferOf,
  checkAttached,
  checkChoice,
  checkInteger,
  checkObject,
  describe,
  isArray,
  lengthOf,
  offsetOf,
  tagOf,
  wrongKind,
  wrongValue,
} from "../ground/check.js";
import { showShape } from "../ground/shape.js";
import { Words } from "../ground/words.js";
import { STREAM_KINDS, type StreamKind } from "../stream/kinds.js";
import { MAX_INDEX } from "../stream/ticket.js";
import { CLASS_OUTPUTS, type ClassOutput, MASKS, type Masks } from "./choices.js";
import { inLayout } from "./kept.js";
import { fromRows, type Layout, type LayoutFields, readLayout, toRows } from "./layout.js";
import { checkFirstSample, checkSamples, MOST_PASSES } from "./streams.js";

/** The fields that predictions must have in common to be merged: the masks that they drew, and the kind of their outputs. */
export interface Run extends LayoutFields {
  /** Keep stream of all masks. */
  readonly kind: StreamKind;
  /** Seed of all masks, decimal digits of an integer in [0, 2^64). */
  readonly seed: string;
  /** "perPass" if the examples of a pass shared masks, "perExample" if each had its own. */
  readonly masks: Masks;
  /** Number of examples. */
  readonly samples: number;
  /** Number of the first example. */
  readonly firstSample: number;
  /** Number of classes; undefined for what is no classifier. */
  readonly classes?: number | undefined;
  /** The kind of a classifier's outputs. */
  readonly output?: ClassOutput | undefined;
  /** Shape of a classifier's outputs, if the options gave it. */
  readonly outputShape?: readonly number[] | undefined;
  /** Axis of the classes in a classifier's outputs, if the options gave it. */
  readonly classAxis?: number | undefined;
}

/** A stopping rule, once checked. */
export interface Until {
  readonly standardError: number;
  readonly leastPasses: number;
}

/**
 * Result of {@link MonteCarlo.predict}: structured-cloneable, its size independent of the number of passes. Arrays are as long as an output, in its
 * layout. {@link MonteCarlo.merge} and `resume` also take it back from JSON, where arrays have become objects, and NaN null.
 */
export interface Prediction extends Run {
  /** T, the number of passes. */
  readonly passes: number;
  /** The numbers of the passes, as [first, end): ascending, apart from each other. */
  readonly ranges: readonly (readonly [first: number, end: number])[];
  /** Mean of each output element; of a classifier's probabilities, also where outputs are logits. */
  readonly mean: Float64Array<ArrayBuffer>;
  /** Unbiased variance over the passes, deviations / (T - 1); NaN for a single pass. */
  readonly variance: Float64Array<ArrayBuffer>;
  /** Standard deviation over the passes, the root of `variance`. */
  readonly standardDeviation: Float64Array<ArrayBuffer>;
  /** Standard error of the mean, `standardDeviation` / sqrt(T). */
  readonly standardError: Float64Array<ArrayBuffer>;
  /** Variance over the passes as a population, deviations / T. */
  readonly populationVariance: Float64Array<ArrayBuffer>;
  /** Sum over the passes of squared deviations from the mean. */
  readonly deviations: Float64Array<ArrayBuffer>;
  /**
   * true if several passes gave the same output in every element: then nothing was dropped, as in a model whose dropout layers are not in training, and
   * no variance or mutual information of 0 says that the model is sure.
   */
  readonly identicalPasses: boolean;
  /**
   * true if the model read the number of the pass, or drew its masks by {@link PassContext}. If false, the seed and the numbers of the passes say nothing
   * about its masks: other runs may have drawn the same.
   */
  readonly seedUsed: boolean;
  /**
   * The output of each pass, in ascending order of their numbers, [passes, ...]: of a classifier its probabilities, also where outputs are logits. Only
   * with {@link PredictOptions.keepPasses}, as its size grows with the number of passes.
   */
  readonly passOutputs?: Float64Array<ArrayBuffer> | undefined;
}

/**
 * Result for a classifier. Arrays without classes have one element an example, in the order of the output's other dimensions; of output "sigmoids", whose
 * labels are decided one by one, all arrays are as long as an output. Entropies are in nats.
 */
export interface ClassPrediction extends Prediction {
  readonly classes: number;
  readonly output: ClassOutput;
  /** Entropy of the mean probabilities, H[E p]: all uncertainty. */
  readonly predictiveEntropy: Float64Array<ArrayBuffer>;
  /** Mean over the passes of the entropy of the probabilities, E H[p]: the uncertainty that every pass has. */
  readonly expectedEntropy: Float64Array<ArrayBuffer>;
  /** H[E p] - E H[p] (BALD, Houlsby et al. 2011): the uncertainty that the passes disagree about. Rounding below 0 is set to 0, which no exact value is below. */
  readonly mutualInformation: Float64Array<ArrayBuffer>;
  /** 1 - f / T, where f is the number of passes that vote for the class most voted for (Freeman 1965). */
  readonly variationRatio: Float64Array<ArrayBuffer>;
  /** Difference of the two largest mean probabilities (margin sampling; Scheffer, Decomain, Wrobel 2001); of a single class, its own. */
  readonly margin: Float64Array<ArrayBuffer>;
  /** Number of passes, for each example and class, that found it most probable, the first of equals; of "sigmoids", at least 1/2. */
  readonly votes: Float64Array<ArrayBuffer>;
}

/** The sums that passes are added to, classes side by side; the last two are empty for what is no classifier. */
export interface Totals {
  readonly passes: number;
  readonly mean: Float64Array<ArrayBuffer>;
  readonly deviations: Float64Array<ArrayBuffer>;
  readonly expectedEntropy: Float64Array<ArrayBuffer>;
  readonly votes: Float64Array<ArrayBuffer>;
  /** The outputs of passes, classes side by side, if they are kept. */
  readonly passOutputs?: Float64Array<ArrayBuffer> | undefined;
}

export type Ranges = Prediction["ranges"];

/** Returns the entropy of each of so many rows of probabilities. */
export type Entropies = (probabilities: Float64Array<ArrayBuffer>, rows: number) => Float64Array<ArrayBuffer>;

/** Returns the prediction that follows from totals. */
export function conclude(
  run: Run,
  layout: Layout | undefined,
  ranges: Ranges,
  totals: Totals,
  seedUsed: boolean,
  entropies: Entropies,
): Prediction | ClassPrediction {
  const { passes, deviations, expectedEntropy } = totals;
  const inner = layout?.inner ?? 1;
  const own = (rows: Float64Array<ArrayBuffer>) => (layout === undefined || inner === 1 ? rows : fromRows(rows, layout));
  // One loop: a function for each element takes longer than a small model.
  const { length } = deviations;
  const [variance, standardDeviation] = [new Float64Array(length), new Float64Array(length)];
  const [standardError, populationVariance] = [new Float64Array(length), new Float64Array(length)];
  let same = passes > 1 && length > 0;
  for (let k = 0; k < length; ++k) {
    const sum = deviations[k] as number;
    const unbiased = sum / (passes - 1);
    variance[k] = unbiased;
    standardDeviation[k] = Math.sqrt(unbiased);
    standardError[k] = Math.sqrt(unbiased / passes);
    populationVariance[k] = sum / passes;
    same &&= sum === 0;
  }
  const { kind, seed, masks, samples, firstSample } = run;
  const moments: Prediction = {
    kind,
    seed,
    masks,
    samples,
    firstSample,
    passes,
    ranges,
    mean: own(totals.mean),
    variance: own(variance),
    standardDeviation: own(standardDeviation),
    standardError: own(standardError),
    populationVariance: own(populationVariance),
    deviations: own(deviations),
    identicalPasses: same,
    seedUsed,
  };
  // Properties that predictions without them do not have.
  const kept = keptOf(totals, layout);
  if (layout === undefined) return kept === undefined ? moments : { ...moments, passOutputs: kept };
  const single = run.output === "sigmoids";
  const { mean, votes, columns } = single ? labelsAsPairs(totals) : { ...totals, columns: layout.classes };
  const rows = mean.length / columns;
  const predictiveEntropy = entropies(mean, rows);
  const mutualInformation = predictiveEntropy.map((entropy, row) => Math.max(0, entropy - (expectedEntropy[row] as number)));
  const rowOf = (values: Float64Array, row: number) => values.subarray(row * columns, (row + 1) * columns);
  const each = (of: (row: number) => number) => Float64Array.from({ length: rows }, (_, row) => of(row));
  const ordered = single ? own : (values: Float64Array<ArrayBuffer>) => values;
  return {
    ...run,
    ...moments,
    ...(kept === undefined ? {} : { passOutputs: kept }),
    predictiveEntropy: ordered(predictiveEntropy),
    expectedEntropy: ordered(expectedEntropy),
    mutualInformation: ordered(mutualInformation),
    variationRatio: ordered(each((row) => 1 - rowOf(votes, row).reduce((a, b) => Math.max(a, b)) / passes)),
    margin: ordered(each((row) => marginOf(rowOf(mean, row)))),
    votes: own(totals.votes),
  } as ClassPrediction;
}

function keptOf({ passOutputs }: Totals, layout: Layout | undefined): Prediction["passOutputs"] {
  return passOutputs === undefined || layout === undefined ? passOutputs : inLayout(passOutputs, layout, true);
}

/** Returns means and votes of labels as those of rows of two classes: it is right, or not. */
function labelsAsPairs({ mean, votes, passes }: Totals) {
  const pairs = (values: Float64Array, whole: number) =>
    Float64Array.from({ length: 2 * values.length }, (_, k) => {
      const value = values[k >> 1] as number;
      return k % 2 === 0 ? value : Math.max(0, whole - value);
    });
  return { mean: pairs(mean, 1), votes: pairs(votes, passes), columns: 2 };
}

function marginOf(probabilities: Float64Array): number {
  let [first, second] = [0, 0];
  for (const value of probabilities) {
    if (value > first) [first, second] = [value, first];
    else if (value > second) second = value;
  }
  return first - second;
}

/**
 * The totals of the passes of both (Chan, Golub, LeVeque, The American Statistician 37, 1983): with d = mean_b - mean_a, the mean is
 * mean_a + d (b / (a + b)) and the sum of squared deviations that of both and d d (a b / (a + b)).
 */
export function joinTotals(a: Totals, b: Totals): Totals {
  const passes = a.passes + b.passes;
  const share = b.passes / passes;
  const weight = a.passes * share;
  const join = (left: Float64Array<ArrayBuffer>, right: Float64Array<ArrayBuffer>, both: (l: number, r: number, i: number) => number) =>
    left.map((l, i) => both(l, right[i] as number, i));
  const mean = (l: number, r: number) => l + (r - l) * share;
  return {
    passes,
    mean: join(a.mean, b.mean, mean),
    deviations: join(a.deviations, b.deviations, (l, r, i) => {
      const d = (b.mean[i] as number) - (a.mean[i] as number);
      return l + r + d * d * weight;
    }),
    expectedEntropy: join(a.expectedEntropy, b.expectedEntropy, mean),
    votes: join(a.votes, b.votes, (l, r) => l + r),
  };
}

/** The ranges of both, adjoining ones as one; undefined if they have a pass in common. */
export function joinRanges(a: Ranges, b: Ranges): Ranges | undefined {
  const joined: [number, number][] = [];
  for (const [first, end] of [...a, ...b].sort(([x], [y]) => x - y)) {
    const last = joined[joined.length - 1];
    if (last === undefined || first > last[1]) joined.push([first, end]);
    else if (first === last[1]) last[1] = end;
    else return undefined;
  }
  return joined;
}

const SAME = [
  ...(["kind", "seed", "masks", "samples", "firstSample", "classes", "output", "outputShape", "classAxis"] as const),
] as const satisfies readonly (keyof Run)[];

/** Throws RangeError that names `name` unless `run` is of the kind of `first`. */
export function checkSameRun(run: Run, first: Run, name: string): void {
  for (const key of SAME) {
    if (shown(run[key]) !== shown(first[key])) throw wrongValue(`${name}.${key}`, shown(first[key]), shown(run[key]));
  }
}

function shown(value: Run[keyof Run]): string {
  if (typeof value === "string") return JSON.stringify(value);
  return isArray(value) ? showShape(value) : describe(value);
}

/** Throws RangeError that names `name` where passes may be counted twice: those of models that no seed has reached have no numbers to tell them apart. */
export function checkSeedUsed(seedUsed: boolean, independent: boolean | undefined, name: string): void {
  if (seedUsed || independent) return;
  throw wrongValue(name, "true: a model that no seed reaches may give the same passes again (independent: true allows it)", "false");
}

/** A prediction, as read. */
export interface Earlier {
  readonly run: Run;
  readonly layout: Layout | undefined;
  readonly ranges: Ranges;
  readonly totals: Totals;
  readonly seedUsed: boolean;
}

/** Reads a prediction, also one from JSON; throws TypeError or RangeError unless `value` is one. */
export function readPrediction(value: unknown, name: string): Earlier {
  checkObject(value, name, "prediction");
  const given = value as { [K in keyof ClassPrediction]?: unknown };
  const { kind, seed, masks, samples, firstSample, classes, output, passes, ranges, seedUsed, outputShape, classAxis } = given;
  const { mean: means, deviations: sums, expectedEntropy: entropies, votes: counts, passOutputs: outputs } = given;
  checkChoice(kind, `${name}.kind`, STREAM_KINDS);
  new Words().parse(seed, `${name}.seed`);
  checkChoice(masks, `${name}.masks`, MASKS);
  checkSamples(samples, `${name}.samples`);
  checkFirstSample(firstSample, `${name}.firstSample`, samples);
  checkInteger(passes, `${name}.passes`, 1, MOST_PASSES);
  const read = readRanges(ranges, `${name}.ranges`, passes);
  if (typeof seedUsed !== "boolean") throw wrongKind(`${name}.seedUsed`, "boolean", seedUsed);
  const run = { kind, seed: seed as string, masks, samples, firstSample };
  const mean = readArray(means, `${name}.mean`);
  const deviations = readArray(sums, `${name}.deviations`, mean.length);
  const passOutputs = outputs === undefined ? undefined : readArray(outputs, `${name}.passOutputs`, passes * mean.length);
  if (classes === undefined) {
    const totals = { passes, mean, deviations, expectedEntropy: new Float64Array(), votes: new Float64Array(), passOutputs };
    return { run, layout: undefined, ranges: read, totals, seedUsed };
  }
  checkInteger(classes, `${name}.classes`, 1, MAX_INDEX);
  checkChoice(output, `${name}.output`, CLASS_OUTPUTS);
  const { layout, fields } = readLayout(classes, samples, { outputShape, classAxis }, `${name}.`);
  const { rows, inner } = layout;
  const single = output === "sigmoids";
  checkLength(mean, `${name}.mean`, rows * classes);
  const expectedEntropy = readArray(entropies, `${name}.expectedEntropy`, single ? mean.length : rows);
  const votes = readArray(counts, `${name}.votes`, mean.length);
  const inRows = (values: Float64Array<ArrayBuffer>) => (inner === 1 ? values : toRows(values, layout));
  const totals = {
    passes,
    mean: inRows(mean),
    deviations: inRows(deviations),
    expectedEntropy: single ? inRows(expectedEntropy) : expectedEntropy,
    votes: inRows(votes),
    passOutputs: passOutputs && inLayout(passOutputs, layout, false),
  };
  return { run: { ...run, classes, output, ...fields }, layout, ranges: read, totals, seedUsed };
}

function checkLength(array: Float64Array, name: string, length: number | undefined): void {
  if (length !== undefined && array.length !== length) throw wrongValue(name, `length ${length}`, array.length);
}

/** Reads an array of numbers: a Float64Array, an array, or the object that JSON makes of a typed array; null, which it makes of NaN, is NaN. */
function readArray(value: unknown, name: string, length?: number): Float64Array<ArrayBuffer> {
  const expected = "Float64Array, or numbers from JSON";
  let array: Float64Array<ArrayBuffer>;
  if (ArrayBuffer.isView(value)) {
    if (tagOf(value) !== "Float64Array") throw wrongKind(name, expected, value);
    checkAttached(value, name);
    // A view of its own: properties that the caller's array has been given change nothing.
    array = new Float64Array(bufferOf(value) as ArrayBuffer, offsetOf(value), lengthOf(value));
    if (length !== undefined && array.length !== length) throw wrongValue(name, `length ${length}`, array.length);
    return array;
  }
  if (typeof value !== "object" || value === null) throw wrongKind(name, expected, value);
  const items = isArray(value) ? value.length : Object.keys(value).length;
  if (length !== undefined && items !== length) throw wrongValue(name, `length ${length}`, items);
  array = makeArray("f64", items, name);
  for (let k = 0; k < items; ++k) {
    const item = (value as Record<number, unknown>)[k];
    if (item !== null && typeof item !== "number") throw wrongKind(`${name}[${k}]`, "number", item);
    array[k] = item ?? Number.NaN;
  }
  return array;
}

function readRanges(value: unknown, name: string, passes: number): Ranges {
  const expected = `ascending ranges of ${passes} passes`;
  if (!isArray(value)) throw wrongKind(name, expected, value);
  let [last, sum] = [0, 0];
  const ranges: [number, number][] = [];
  for (const range of value as readonly unknown[]) {
    const [first, end] = isArray(range) ? (range as readonly unknown[]) : [];
    checkInteger(first, `${name}[][0]`, last, MOST_PASSES - 1);
    checkInteger(end, `${name}[][1]`, first + 1, MOST_PASSES);
    sum += end - first;
    last = end;
    ranges.push([first, end]);
  }
  if (sum !== passes) throw wrongValue(name, expected, `ranges of ${sum}`);
  return ranges;
}
