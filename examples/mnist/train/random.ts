// Seeded random numbers of this package for what is not dropout: pure functions of seed and stream, so that no state has to be saved.
// Invariant: streams 0 to 15 are for the subset and the layers, 16 and beyond for epochs.

import { createDropout } from "wasm-dropout";
import { createNoise, type Noise } from "wasm-dropout/noise";

const SUBSET = 0;
const FIRST_LAYER = 1;
const FIRST_EPOCH = 16;

export class RandomNumbers {
  readonly #noise: Noise;
  readonly #seed: number;

  private constructor(noise: Noise, seed: number) {
    this.#noise = noise;
    this.#seed = seed;
  }

  static async create(seed: number): Promise<RandomNumbers> {
    return new RandomNumbers(await createNoise(await createDropout({ seed })), seed);
  }

  /** Weights [inputs, outputs] of the layer with number `layer`, normal with the variance 2 / inputs of He et al. (2015). */
  weights(inputs: number, outputs: number, layer: number): Float32Array {
    return this.#noise.normal(inputs * outputs, { stddev: Math.sqrt(2 / inputs), seed: this.#seed, stream: FIRST_LAYER + layer });
  }

  /** Returns the `count` of `total` images that a run trains on. */
  subset(count: number, total: number): Int32Array {
    return this.#permutation(total, SUBSET).subarray(0, count);
  }

  /** Returns `count` of `total` images that subset() does not, as long as there are so many. */
  heldOut(count: number, total: number): Int32Array {
    return this.#permutation(total, SUBSET).subarray(total - count);
  }

  /** The order of `count` images in an epoch. */
  order(count: number, epoch: number): Int32Array {
    return this.#permutation(count, FIRST_EPOCH + epoch);
  }

  // Fisher and Yates's shuffle (Knuth, TAOCP 2, 3.4.2, algorithm P).
  #permutation(count: number, stream: number): Int32Array {
    const numbers = this.#noise.uniform(count, { seed: this.#seed, stream });
    const order = Int32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; --i) {
      const j = Math.floor((numbers[i] as number) * (i + 1));
      [order[i], order[j]] = [order[j] as number, order[i] as number];
    }
    return order;
  }
}
