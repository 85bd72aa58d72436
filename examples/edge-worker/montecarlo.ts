// Monte-Carlo dropout (Gal and Ghahramani 2016): the mean over many subnetworks is the prediction, their disagreement its uncertainty.

import type { Dropout } from "wasm-dropout";
import type { Layer } from "./model.js";
import { argmax, dense, relu, softmax } from "./network.js";

/** What to predict with. */
export interface Passes {
  /** Drop probability of both hidden layers, in [0, 1]. */
  readonly p: number;
  /** How many passes, each a subnetwork of its own. */
  readonly passes: number;
  /** Seed of all masks, an integer in [0, 2^64). */
  readonly seed: bigint;
}

/** What the passes agree on, and how well. Entropies are in nats. */
export interface Prediction {
  readonly digit: number;
  /** For each class, mean and standard deviation (population) over the passes of its probability. */
  readonly probabilities: readonly { readonly digit: number; readonly mean: number; readonly std: number }[];
  /** Entropy of the mean probabilities: all uncertainty. */
  readonly predictiveEntropy: number;
  /** Predictive entropy less the mean entropy of the passes (BALD, Houlsby et al. 2011): the part in which the passes disagree. */
  readonly mutualInformation: number;
}

/** A network that is run many times. Calls are synchronous, so that requests cannot disturb each other. */
export class MonteCarlo {
  readonly #dropout: Dropout;
  readonly #layers: readonly [Layer, Layer, Layer];
  readonly #logits: Float32Array;

  constructor(dropout: Dropout, layers: readonly Layer[]) {
    this.#dropout = dropout;
    this.#layers = layers as unknown as [Layer, Layer, Layer];
    this.#logits = new Float32Array(this.#layers[2].outputs);
  }

  /**
   * The prediction for an image of values in [0, 1]. Hidden layer l, 0 or 1, of pass t draws stream 2t + l of the seed, so that the answer
   * is the same for the same seed, and more passes only add to fewer.
   */
  predict(image: Float32Array, { p, passes, seed }: Passes): Prediction {
    const [first, second, third] = this.#layers;
    const logits = this.#logits;
    const dropout = this.#dropout;
    using hidden = dropout.alloc("f32", first.outputs);
    using kept = dropout.alloc("f32", first.outputs);
    using last = dropout.alloc("f32", second.outputs);
    const mean = new Float64Array(logits.length);
    const squares = new Float64Array(logits.length);
    let entropies = 0;
    // The input is not dropped, so that the first layer is the same in all passes.
    dense(first, image, hidden.array);
    relu(hidden.array);
    for (let pass = 0; pass < passes; ++pass) {
      dropout.dropout(hidden, p, { seed, stream: 2 * pass, out: kept });
      dense(second, kept.array, last.array);
      relu(last.array);
      dropout.dropout(last, p, { seed, stream: 2 * pass + 1, out: last });
      dense(third, last.array, logits);
      softmax(logits);
      entropies += entropy(logits);
      // Welford's update (Technometrics 4, 1962).
      for (let c = 0; c < logits.length; ++c) {
        const difference = logits[c] - mean[c];
        mean[c] += difference / (pass + 1);
        squares[c] += difference * (logits[c] - mean[c]);
      }
    }
    const predictiveEntropy = entropy(mean);
    return {
      digit: argmax(mean),
      probabilities: Array.from(mean, (value, digit) => ({ digit, mean: value, std: Math.sqrt(squares[digit] / passes) })),
      predictiveEntropy,
      // Never negative but for rounding.
      mutualInformation: Math.max(0, predictiveEntropy - entropies / passes),
    };
  }
}

function entropy(probabilities: ArrayLike<number>): number {
  let sum = 0;
  for (let c = 0; c < probabilities.length; ++c) if (probabilities[c] > 0) sum -= probabilities[c] * Math.log(probabilities[c]);
  return sum;
}
