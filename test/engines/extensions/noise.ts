// Every operation of "wasm-dropout/noise", forward and backward.

import type { Dropout } from "wasm-dropout";
import type { Noise } from "wasm-dropout/noise";
import { throwsWith } from "../expect.js";
import type { Digest } from "./digest.js";
import { DTYPES, places, posted } from "./operands.js";

export function check(noise: Noise, dropout: Dropout, digest: Digest): void {
  const options = { seed: (1n << 64n) - 1n, stream: 3n, start: 2 ** 32 - 1000 };
  for (const length of [1, 15, 4097, 20_000]) {
    for (const dtype of DTYPES) {
      for (const x of places(dropout, dtype, length)) {
        const results = [
          noise.gaussianDropout(x, 0.3, options),
          noise.gaussianDropout(x, 0.3, { ...options, training: false }),
          noise.gaussianNoise(x, 0.7, options),
        ];
        for (const { y, ticket } of results)
          digest.add(y, ticket, noise.backward(x, posted(ticket)).dx, noise.backward(y, ticket, {}, { dx: y }).dx);
      }
    }
    digest.add(noise.normal(length, options), noise.normal(length, { ...options, mean: 3, stddev: 0.1 }));
    digest.add(noise.uniform(length, options));
    using out = dropout.alloc("f32", length);
    digest.add(noise.normal(length, { ...options, out }), noise.uniform(length, { ...options, out }));
  }
  throwsWith(RangeError, '"p" expected number in [0, 1), got 1', () => noise.gaussianDropout(new Float32Array(4), 1));
}
