// Every operation of "wasm-dropout/linear", forward and backward.

import type { Dropout } from "wasm-dropout";
import type { Linear } from "wasm-dropout/linear";
import { sampleData } from "../data.js";
import { throwsWith } from "../expect.js";
import type { Digest } from "./digest.js";
import { DTYPES, KINDS, places, posted } from "./operands.js";

// The last has more weights than calls take at once.
const LAYERS = [
  { batch: 1, in: 1, out: 1 },
  { batch: 5, in: 7, out: 3 },
  { batch: 3, in: 300, out: 31 },
];

export function check(linear: Linear, dropout: Dropout, digest: Digest): void {
  for (const kind of KINDS) {
    for (const dtype of DTYPES) {
      for (const shape of LAYERS) {
        const [w, bias] = [sampleData(dtype, shape.in * shape.out, 1000), sampleData(dtype, shape.out, 2000)];
        const dy = sampleData(dtype, shape.batch * shape.out, 3000);
        const layer = { kind, w, shape };
        const options = { ...layer, seed: 5, stream: 6, start: 7, bias };
        for (const x of places(dropout, dtype, shape.batch * shape.in)) {
          for (const perExample of [true, false]) {
            for (const rescale of ["train", "test", "none"] as const) {
              const { y, ticket } = linear.dropConnect(x, 0.3, { ...options, perExample, rescale });
              digest.add(y, ticket, linear.backward(dy, posted(ticket), { x, w }));
            }
          }
          digest.add(linear.dropConnect(x, 0.3, { ...options, training: false }));
          digest.add(linear.dropConnectMoments(x, 0.3, { ...layer, bias }));
          digest.add(linear.dropConnectMoments(x, 0.3, { ...layer, rescale: "test" }));
          // Not normal, but the same numbers everywhere.
          const normal = (length: number, index: number) => sampleData("f32", length, index);
          const sampling = { ...layer, bias, samples: 5, normal };
          digest.add(linear.dropConnectInference(x, 0.3, sampling));
          digest.add(linear.dropConnectInference(x, 0.3, { ...sampling, activation: "relu" }));
          digest.add(linear.scaleWeights(x, 0.3, { kind }), linear.dropoutLevel(x, 0.3, { seed: 1337, kind }));
        }
      }
    }
  }
  const x = new Float32Array(6);
  throwsWith(TypeError, '"shape" expected', () => linear.dropConnect(x, 0.5, { w: x }));
  throwsWith(RangeError, '"w" expected', () => linear.dropConnect(x, 0.5, { w: x, shape: { out: 4 } }));
  throwsWith(RangeError, '"level" expected number in [0, 1), got 1', () => linear.dropoutLevel(x, 1));
}
