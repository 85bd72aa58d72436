// The average over stochastic passes beside weight scaling (Srivastava et al. 2014, section 7.5 and figure 11), and whether what the passes
// are unsure of is what they get wrong (Gal and Ghahramani 2016).

import type { Sequential } from "@tensorflow/tfjs-layers";
import { createDropout } from "wasm-dropout";
import { type ClassPrediction, createMonteCarlo } from "wasm-dropout/monte-carlo";
import { CLASSES, type Examples } from "./data.js";
import { allLogits, mistakes } from "./errors.js";

/** An uncertainty, in nats, of examples that were classified right and wrong. */
export interface Uncertainty {
  /** The number of right ones in each of BINS equal parts of [0, `most`]. */
  readonly right: readonly number[];
  readonly wrong: readonly number[];
  readonly most: number;
  /** The probability that a wrong one is more uncertain than a right one; 0.5 if the uncertainty says nothing; NaN if there are no wrong ones. */
  readonly separation: number;
}

export interface MonteCarloResult {
  /** The number of examples that the mean over the first k passes gets wrong, k from 1. */
  readonly wrong: readonly number[];
  /** Entropy of the mean probabilities. */
  readonly predictiveEntropy: Uncertainty;
  /** Mutual information, which is large where the passes disagree. */
  readonly mutualInformation: Uncertainty;
}

const BINS = 24;

/**
 * Runs `passes` passes with the masks that the layers of `model` draw next, one after another.
 *
 * @param onPass called after each
 */
export async function monteCarlo(model: Sequential, examples: Examples, passes: number, onPass: () => void): Promise<MonteCarloResult> {
  const averaging = await createMonteCarlo(await createDropout());
  // Masks are the layers' own, an example's not another's, and never the same again: of what predict() gives, only the input is used.
  const forward = (input: Examples) => allLogits(model, input, true);
  const wrong: number[] = [];
  let prediction: ClassPrediction | undefined;
  let isWrong: boolean[] = [];
  while (wrong.length < passes) {
    const options = { passes: 1, samples: examples.count, classes: CLASSES, output: "logits", masks: "perExample" } as const;
    prediction = await averaging.predict(forward, examples, { ...options, seed: 0, resume: prediction, independent: true });
    isWrong = mistakes(prediction.mean, examples.labels);
    wrong.push(isWrong.filter(Boolean).length);
    onPass();
  }
  const { predictiveEntropy, mutualInformation } = prediction as ClassPrediction;
  return {
    wrong,
    predictiveEntropy: uncertainty(predictiveEntropy, isWrong, Math.log(CLASSES)),
    mutualInformation: uncertainty(mutualInformation, isWrong, Math.max(...mutualInformation)),
  };
}

function uncertainty(values: Float64Array, isWrong: readonly boolean[], most: number): Uncertainty {
  const right = values.filter((_, i) => !isWrong[i]).sort();
  const wrong = values.filter((_, i) => isWrong[i]).sort();
  return { right: histogram(right, most), wrong: histogram(wrong, most), most, separation: separation(right, wrong) };
}

function histogram(values: Float64Array, most: number): number[] {
  const counts = new Array<number>(BINS).fill(0);
  for (const value of values) {
    const bin = Math.min(Math.floor((value / most) * BINS), BINS - 1);
    counts[bin] = (counts[bin] as number) + 1;
  }
  return counts;
}

/** The area under the ROC curve, by Mann and Whitney's U statistic: pairs in which b is greater, ties counting half. Both are sorted. */
export function separation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [less, notGreater, sum] = [0, 0, 0];
  for (let i = 0; i < b.length; ++i) {
    const value = b[i] as number;
    while (less < a.length && (a[less] as number) < value) ++less;
    while (notGreater < a.length && (a[notGreater] as number) <= value) ++notGreater;
    sum += (less + notGreater) / 2;
  }
  return sum / (a.length * b.length);
}
