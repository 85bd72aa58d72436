// The text, as numbers of characters. Which of them a step sees follows from the seed and the step's number alone.

import { createDropout } from "wasm-dropout";
import { createNoise, type Noise } from "wasm-dropout/noise";

/** Characters to learn from, and others of the same pages, as numbers below that of `alphabet`. */
export interface Text {
  readonly alphabet: readonly string[];
  readonly training: Int32Array;
  readonly validation: Int32Array;
}

/** Makes the text of `pages`: of each the last part is for validation, and all but `most` characters of the rest are left out. */
export function makeText(pages: readonly string[], most: number): Text {
  const alphabet = [...new Set(pages.join(""))].sort();
  const numbers = new Map(alphabet.map((character, i) => [character, i]));
  const encode = (text: string) => Int32Array.from(text, (character) => numbers.get(character) as number);
  const share = (text: string, from: number, to: number) =>
    [...text].slice(Math.floor(text.length * from), Math.floor(text.length * to)).join("");
  const training = pages.map((page) => share(page, 0, 0.8)).join("\n");
  const validation = pages.map((page) => share(page, 0.85, 1)).join("\n");
  return { alphabet, training: encode(training).slice(0, most), validation: encode(validation).slice(0, most) };
}

/** Windows of text: `inputs` and, one character on, `targets`, [count, length] each. */
export interface Batch {
  readonly inputs: Int32Array;
  readonly targets: Int32Array;
}

// Streams below are those of weights.
const STEPS = 2 ** 32;
const SAMPLE = 2 ** 52;

export class Windows {
  readonly #noise: Noise;
  readonly #length: number;

  private constructor(noise: Noise, length: number) {
    this.#noise = noise;
    this.#length = length;
  }

  /** @param length characters of a window */
  static async create(seed: number, length: number): Promise<Windows> {
    return new Windows(await createNoise(await createDropout({ seed })), length);
  }

  /** Normal numbers for weights; `stream` says which. */
  normal(count: number, stddev: number, stream: number): Float32Array {
    return this.#noise.normal(count, { stddev, stream });
  }

  /** The windows of a step. */
  atRandom(text: Int32Array, count: number, step: number): Batch {
    const places = this.#noise.uniform(count, { stream: STEPS + step });
    return this.#cut(
      text,
      Array.from(places, (u) => Math.floor(u * (text.length - this.#length))),
    );
  }

  /** Numbers in [0, 1), by which a text is drawn. */
  uniform(count: number): Float32Array {
    return this.#noise.uniform(count, { stream: SAMPLE });
  }

  /** `count` windows, evenly spread over a text. */
  spread(text: Int32Array, count: number): Batch {
    const last = text.length - this.#length - 1;
    return this.#cut(
      text,
      Array.from({ length: count }, (_, i) => Math.floor((i * last) / Math.max(1, count - 1))),
    );
  }

  #cut(text: Int32Array, places: readonly number[]): Batch {
    const length = this.#length;
    const batch = { inputs: new Int32Array(places.length * length), targets: new Int32Array(places.length * length) };
    places.forEach((at, row) => {
      batch.inputs.set(text.subarray(at, at + length), row * length);
      batch.targets.set(text.subarray(at + 1, at + length + 1), row * length);
    });
    return batch;
  }
}
