// Monte-Carlo dropout (Gal and Ghahramani 2016): the mean over many subnetworks is the prediction, their disagreement its uncertainty.

import { createDropout, type Dropout, type WasmBuffer } from "wasm-dropout";
import { createMonteCarlo, type MonteCarlo, type PassContext } from "wasm-dropout/monte-carlo";
import type { Layer } from "./model.js";
import { argmax, dense, relu } from "./network.js";

/** The settings of a prediction. */
export interface Passes {
  /** Drop probability of both hidden layers, in [0, 1]. */
  readonly p: number;
  /** The number of passes, each a subnetwork of its own. */
  readonly passes: number;
  /** Seed of all masks, an integer in [0, 2^64). */
  readonly seed: bigint;
}

/** The prediction of all passes, and its uncertainties. Entropies are in nats. */
export interface Prediction {
  readonly digit: number;
  /** For each class, mean and standard deviation (population) over the passes of its probability. */
  readonly probabilities: readonly { readonly digit: number; readonly mean: number; readonly std: number }[];
  /** Entropy of the mean probabilities: all uncertainty. */
  readonly predictiveEntropy: number;
  /** Predictive entropy less the mean entropy of the passes (BALD, Houlsby et al. 2011): the part in which the passes disagree. */
  readonly mutualInformation: number;
}

/** A network that is run many times. One serves any number of requests, also at once: each has arrays and a seed of its own. */
export class Subnetworks {
  readonly #dropout: Dropout;
  readonly #monteCarlo: MonteCarlo;
  readonly #layers: readonly [Layer, Layer, Layer];

  private constructor(dropout: Dropout, monteCarlo: MonteCarlo, layers: readonly Layer[]) {
    this.#dropout = dropout;
    this.#monteCarlo = monteCarlo;
    this.#layers = layers as unknown as [Layer, Layer, Layer];
  }

  static async load(layers: readonly Layer[]): Promise<Subnetworks> {
    const dropout = await createDropout({ seed: 0 });
    return new Subnetworks(dropout, await createMonteCarlo(dropout), layers);
  }

  /**
   * The prediction for an image of values in [0, 1]. The masks of pass t are those that the engine numbers for it, so that the answer is the same for the
   * same seed, and more passes only add to fewer.
   */
  async predict(image: Float32Array, { p, passes, seed }: Passes): Promise<Prediction> {
    const [first, second, third] = this.#layers;
    using hidden = this.#dropout.alloc("f32", first.outputs);
    using kept = this.#dropout.alloc("f32", first.outputs);
    using last = this.#dropout.alloc("f32", second.outputs);
    const logits = new Float32Array(third.outputs);
    // The input is not dropped, so that the first layer is the same in all passes.
    dense(first, image, hidden.array);
    relu(hidden.array);
    const model = (x: WasmBuffer<"f32">, { dropout }: PassContext) => {
      dropout(x, p, { out: kept });
      dense(second, kept.array, last.array);
      relu(last.array);
      dropout(last, p, { out: last });
      dense(third, last.array, logits);
      return logits;
    };
    const options = { passes, seed, classes: logits.length, output: "logits" } as const;
    const { mean, populationVariance, ...entropies } = await this.#monteCarlo.predict(model, hidden, options);
    return {
      digit: argmax(mean),
      probabilities: Array.from(mean, (value, digit) => ({ digit, mean: value, std: Math.sqrt(populationVariance[digit]) })),
      predictiveEntropy: entropies.predictiveEntropy[0],
      mutualInformation: entropies.mutualInformation[0],
    };
  }
}
