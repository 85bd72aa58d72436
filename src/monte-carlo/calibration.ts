// Calibration of probabilities against labels, as data: whether a classifier that says 0.8 is right four times of five.

import { makeArray } from "../engine/operand.js";
import { checkAttached, checkInteger, isArray, isTypedArray, lengthOf, tagOf, wrongKind, wrongValue } from "../ground/check.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import { checkProbabilities } from "./probabilities.js";

/** Options of {@link calibration}. */
export interface CalibrationOptions {
  /** Number of classes, an integer of at least 1: `probabilities` are [labels.length, classes]. */
  classes: number;
  /** Number of bins of equal width, an integer in [1, 65536]; 15 by default (Guo et al. 2017). */
  bins?: number | undefined;
}
const CALIBRATION_KEYS: Known = /* @__PURE__ */ known("classes", "bins");
const BINS = 15;
const MOST_BINS = 65536;

/** The examples whose confidence, the largest of their probabilities, lies in an interval: the bar of a reliability diagram. */
export interface ReliabilityBin {
  /** The interval (lower, upper], of the first bin with its lower end, 0. */
  readonly lower: number;
  readonly upper: number;
  /** Number of examples. */
  readonly count: number;
  /** Mean confidence; NaN for no examples. */
  readonly confidence: number;
  /** Share of examples whose most probable class is right; NaN for no examples. */
  readonly accuracy: number;
}

/** Result of {@link calibration}. */
export interface Calibration {
  /** Share of examples whose most probable class, the first of equals, is right. */
  readonly accuracy: number;
  /** Sum over the bins of their share of examples times |accuracy - confidence| (Naeini et al. 2015; Guo et al. 2017, equation 3). */
  readonly expectedCalibrationError: number;
  /** Largest |accuracy - confidence| of a bin with examples (Guo et al. 2017, equation 5). */
  readonly maximumCalibrationError: number;
  /** Bins in ascending order, for a reliability diagram. */
  readonly bins: readonly ReliabilityBin[];
  /** Mean over the examples of the sum over the classes of (probability - 1 if right, else 0)^2, in [0, 2] (Brier 1950). */
  readonly brier: number;
  /** Mean over the examples of -ln of the probability of the right class, in nats; Infinity where one is 0. */
  readonly negativeLogLikelihood: number;
}

/**
 * Computes how well probabilities fit labels: expected calibration error with its reliability bins, Brier score and negative log-likelihood.
 *
 * @param probabilities rows of classes, [labels.length, classes], such as the `mean` of {@link ClassPrediction}: an array, or a Float32Array or Float64Array
 * @param labels the right class of each row, integers in [0, classes)
 * @param options see {@link CalibrationOptions}
 * @returns plain data; NaN for no examples
 * @throws TypeError for a wrong kind of argument; RangeError for lengths that do not fit, rows that are no probabilities, or labels out of range
 * @example
 * import { calibration } from "wasm-dropout/monte-carlo";
 * const probabilities = Float64Array.of(0.9, 0.1, 0.6, 0.4, 0.2, 0.8);
 * const { expectedCalibrationError, bins, brier } = calibration(probabilities, [0, 1, 1], { classes: 2, bins: 10 });
 */
export function calibration(probabilities: ArrayLike<number>, labels: ArrayLike<number>, options: CalibrationOptions): Calibration {
  checkOptions(options, CALIBRATION_KEYS);
  const { classes, bins: count = BINS } = options;
  checkInteger(classes, "classes", 1, Number.MAX_SAFE_INTEGER);
  checkInteger(count, "bins", 1, MOST_BINS);
  // Lengths before copies: an array of nothing may claim any length.
  const examples = countOf(labels, "labels");
  const length = countOf(probabilities, "probabilities");
  if (length !== examples * classes) {
    throw wrongValue("probabilities", `length ${examples * classes}, labels.length * classes = ${examples} * ${classes}`, length);
  }
  const rows = numbersOf(labels, examples, "labels");
  const values = numbersOf(probabilities, length, "probabilities");
  checkProbabilities("probabilities", values, classes);
  rows.forEach((label, i) => {
    checkInteger(label, `labels[${i}]`, 0, classes - 1);
  });
  const sums = Array.from({ length: count }, () => ({ count: 0, confidence: 0, right: 0 }));
  let [right, squares, logs] = [0, 0, 0];
  rows.forEach((label, row) => {
    const at = row * classes;
    let [most, confidence] = [0, -1];
    for (let c = 0; c < classes; ++c) {
      const value = values[at + c] as number;
      if (value > confidence) [most, confidence] = [c, value];
      squares += (value - Number(c === label)) ** 2;
    }
    logs -= Math.log(values[at + label] as number);
    const hit = Number(most === label);
    right += hit;
    const bin = sums[Math.min(count - 1, Math.max(0, Math.ceil(confidence * count) - 1))] as (typeof sums)[number];
    ++bin.count;
    bin.confidence += confidence;
    bin.right += hit;
  });
  const bins = sums.map((bin, k) => ({
    lower: k / count,
    upper: (k + 1) / count,
    count: bin.count,
    confidence: bin.confidence / bin.count,
    accuracy: bin.right / bin.count,
  }));
  const gaps = bins
    .filter((bin) => bin.count > 0)
    .map((bin) => ({ gap: Math.abs(bin.accuracy - bin.confidence), share: bin.count / examples }));
  return {
    accuracy: right / examples,
    expectedCalibrationError: examples === 0 ? Number.NaN : gaps.reduce((sum, { gap, share }) => sum + gap * share, 0),
    maximumCalibrationError: examples === 0 ? Number.NaN : Math.max(...gaps.map(({ gap }) => gap)),
    bins,
    brier: squares / examples,
    negativeLogLikelihood: logs / examples,
  };
}

/** Returns the length of an array of numbers, or of a typed array of them. Throws TypeError unless it is one. */
function countOf(value: unknown, name: string): number {
  if (isTypedArray(value)) {
    if (tagOf(value)?.startsWith("Big")) throw wrongKind(name, "array of numbers", value);
    checkAttached(value, name);
    return lengthOf(value);
  }
  if (!isArray(value)) throw wrongKind(name, "array of numbers", value);
  const { length } = value;
  checkInteger(length, `${name}.length`, 0, Number.MAX_SAFE_INTEGER);
  return length;
}

/** Returns a copy of the numbers of an array, of so many. Throws TypeError for what is no number. */
function numbersOf(value: ArrayLike<number>, length: number, name: string): Float64Array<ArrayBuffer> {
  const copy = makeArray("f64", length, name);
  if (isTypedArray(value)) copy.set(value as unknown as Float64Array);
  else {
    for (let i = 0; i < length; ++i) {
      const item: unknown = value[i];
      if (typeof item !== "number") throw wrongKind(`${name}[${i}]`, "number", item);
      copy[i] = item;
    }
  }
  return copy;
}
