// What the passes of a run say together: plain data, that can be posted between threads, gone on from, and merged.
// Invariant: all that is needed to go on is exact: a run cut in two and resumed gives the bits of the run in one.

import { checkChoice, checkInteger, checkObject, describe, tagOf, wrongKind, wrongValue } from "../ground/check.js";
import { Words } from "../ground/words.js";
import { STREAM_KINDS, type StreamKind } from "../stream/kinds.js";
import { CLASS_OUTPUTS, type ClassOutput, MASKS, type Masks } from "./choices.js";
import { checkFirstSample, checkSamples, MOST_PASSES } from "./streams.js";

/** What predictions must have in common to be merged: which masks they drew, and what their outputs mean. */
export interface Run {
  /** Keep stream of all masks. */
  readonly kind: StreamKind;
  /** Seed of all masks, decimal digits of an integer in [0, 2^64). */
  readonly seed: string;
  /** Whether the examples of a pass shared masks or had their own. */
  readonly masks: Masks;
  /** Number of examples. */
  readonly samples: number;
  /** Number of the first example. */
  readonly firstSample: number;
  /** Number of classes; undefined for what is no classifier. */
  readonly classes?: number | undefined;
  /** What a classifier's outputs were. */
  readonly output?: ClassOutput | undefined;
}

/** Result of {@link MonteCarlo.predict}: structured-cloneable, its size independent of the number of passes. Arrays are as long as an output. */
export interface Prediction extends Run {
  /** T, the number of passes. */
  readonly passes: number;
  /** Which passes, as [first, end): ascending, apart from each other. */
  readonly ranges: readonly (readonly [first: number, end: number])[];
  /** Mean of each output element; of a classifier's probabilities, also where outputs are logits. */
  readonly mean: Float64Array<ArrayBuffer>;
  /** Unbiased variance over the passes, deviations / (T - 1); NaN for a single pass. */
  readonly variance: Float64Array<ArrayBuffer>;
  /** Variance over the passes as a population, deviations / T. */
  readonly populationVariance: Float64Array<ArrayBuffer>;
  /** Sum over the passes of squared deviations from the mean. */
  readonly deviations: Float64Array<ArrayBuffer>;
}

/** Result for a classifier. Arrays without classes have one element an example; entropies are in nats. */
export interface ClassPrediction extends Prediction {
  readonly classes: number;
  readonly output: ClassOutput;
  /** Entropy of the mean probabilities, H[E p]: all uncertainty. */
  readonly predictiveEntropy: Float64Array<ArrayBuffer>;
  /** Mean over the passes of the entropy of the probabilities, E H[p]: the uncertainty that every pass has. */
  readonly expectedEntropy: Float64Array<ArrayBuffer>;
  /** H[E p] - E H[p] (BALD, Houlsby et al. 2011): what the passes disagree about. Rounding below 0 is set to 0, which no exact value is below. */
  readonly mutualInformation: Float64Array<ArrayBuffer>;
  /** 1 - f / T, where f is the number of passes that vote for the class most voted for. */
  readonly variationRatio: Float64Array<ArrayBuffer>;
  /** For each example and class, how many passes found it most probable; the first of equals. */
  readonly votes: Float64Array<ArrayBuffer>;
}

/** What passes are added to; the last two are empty for what is no classifier. */
export interface Totals {
  readonly passes: number;
  readonly mean: Float64Array<ArrayBuffer>;
  readonly deviations: Float64Array<ArrayBuffer>;
  readonly expectedEntropy: Float64Array<ArrayBuffer>;
  readonly votes: Float64Array<ArrayBuffer>;
}

export type Ranges = Prediction["ranges"];

/** The prediction that follows from totals; `entropies` gives the entropy of each row of probabilities. */
export function conclude(
  run: Run,
  ranges: Ranges,
  totals: Totals,
  entropies: (probabilities: Float64Array<ArrayBuffer>) => Float64Array<ArrayBuffer>,
): Prediction | ClassPrediction {
  const { passes, mean, deviations, expectedEntropy, votes } = totals;
  const moments = {
    ...run,
    passes,
    ranges,
    mean,
    variance: deviations.map((sum) => sum / (passes - 1)),
    populationVariance: deviations.map((sum) => sum / passes),
    deviations,
  };
  const { samples, classes } = run;
  if (classes === undefined) return moments;
  const predictiveEntropy = entropies(mean);
  const most = (sample: number) => votes.subarray(sample * classes, (sample + 1) * classes).reduce((a, b) => Math.max(a, b));
  return {
    ...moments,
    predictiveEntropy,
    expectedEntropy,
    mutualInformation: predictiveEntropy.map((entropy, sample) => Math.max(0, entropy - (expectedEntropy[sample] as number))),
    variationRatio: Float64Array.from({ length: samples }, (_, sample) => 1 - most(sample) / passes),
    votes,
  };
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
    const last = joined.at(-1);
    if (last === undefined || first > last[1]) joined.push([first, end]);
    else if (first === last[1]) last[1] = end;
    else return undefined;
  }
  return joined;
}

const SAME = ["kind", "seed", "masks", "samples", "firstSample", "classes", "output"] as const satisfies readonly (keyof Run)[];

/** Throws RangeError that names `name` unless `run` is of the kind of `first`. */
export function checkSameRun(run: Run, first: Run, name: string): void {
  for (const key of SAME) {
    if (run[key] !== first[key]) throw wrongValue(`${name}.${key}`, shown(first[key]), shown(run[key]));
  }
}

function shown(value: Run[keyof Run]): string {
  return typeof value === "string" ? JSON.stringify(value) : describe(value);
}

/** Throws TypeError or RangeError unless `value` is a prediction. */
export function readPrediction(value: unknown, name: string): { run: Run; ranges: Ranges; totals: Totals } {
  checkObject(value, name, "prediction");
  const { kind, seed, masks, samples, firstSample, classes, output, passes, ranges, mean, deviations, expectedEntropy, votes } = value as {
    [K in keyof ClassPrediction]?: unknown;
  };
  checkChoice(kind, `${name}.kind`, STREAM_KINDS);
  new Words().parse(seed, `${name}.seed`);
  checkChoice(masks, `${name}.masks`, MASKS);
  checkSamples(samples, `${name}.samples`);
  checkFirstSample(firstSample, `${name}.firstSample`, samples);
  checkInteger(passes, `${name}.passes`, 1, MOST_PASSES);
  checkRanges(ranges, `${name}.ranges`, passes);
  const run = { kind, seed: seed as string, masks, samples, firstSample };
  checkArray(mean, `${name}.mean`);
  checkArray(deviations, `${name}.deviations`, mean.length);
  const moments = { passes, mean, deviations };
  if (classes === undefined) {
    return { run, ranges, totals: { ...moments, expectedEntropy: new Float64Array(), votes: new Float64Array() } };
  }
  checkInteger(classes, `${name}.classes`, 1, mean.length);
  checkChoice(output, `${name}.output`, CLASS_OUTPUTS);
  checkArray(mean, `${name}.mean`, samples * classes);
  checkArray(expectedEntropy, `${name}.expectedEntropy`, samples);
  checkArray(votes, `${name}.votes`, mean.length);
  return { run: { ...run, classes, output }, ranges, totals: { ...moments, expectedEntropy, votes } };
}

function checkArray(value: unknown, name: string, length?: number): asserts value is Float64Array<ArrayBuffer> {
  if (!ArrayBuffer.isView(value) || tagOf(value) !== "Float64Array") throw wrongKind(name, "Float64Array", value);
  const { length: got } = value as Float64Array;
  if (length !== undefined && got !== length) throw wrongValue(name, `length ${length}`, got);
}

function checkRanges(value: unknown, name: string, passes: number): asserts value is Ranges {
  const expected = `ascending ranges of ${passes} passes`;
  if (!Array.isArray(value)) throw wrongKind(name, expected, value);
  let [last, sum] = [0, 0];
  for (const range of value as readonly unknown[]) {
    const [first, end] = Array.isArray(range) ? (range as readonly unknown[]) : [];
    checkInteger(first, `${name}[][0]`, last, MOST_PASSES - 1);
    checkInteger(end, `${name}[][1]`, first + 1, MOST_PASSES);
    sum += end - first;
    last = end;
  }
  if (sum !== passes) throw wrongValue(name, expected, `ranges of ${sum}`);
}
