// Every operation of "wasm-dropout/shapes", forward and backward.

import type { Dropout } from "wasm-dropout";
import type { Shapes } from "wasm-dropout/shapes";
import { throwsWith } from "../expect.js";
import type { Digest } from "./digest.js";
import { DTYPES, KINDS, places, posted } from "./operands.js";

// The second is longer than a piece.
const SHAPES = [
  [2, 3, 5, 7],
  [3, 2, 37, 41],
];

export function check(shapes: Shapes, dropout: Dropout, digest: Digest): void {
  for (const kind of KINDS) {
    for (const dtype of DTYPES) {
      for (const shape of SHAPES) {
        const length = shape.reduce((product, size) => product * size, 1);
        const stream = { kind, seed: 11n, stream: 1n << 40n, start: 5 };
        const options = { ...stream, shape };
        const last = { ...options, dataFormat: "channelsLast" } as const;
        for (const x of places(dropout, dtype, length)) {
          const mask = new Uint8Array(Math.ceil((shape[1] as number) / 8));
          const noise = { shape, noiseShape: [1, null, 1, 1] };
          const results = [
            shapes.broadcastDropout(x, 0.3, { ...stream, ...noise, mask }),
            shapes.broadcastDropout(x, 0.3, { ...options, broadcastDims: [0, -1] }),
            shapes.broadcastDropout(x, 0.3, { ...options, rescale: "none" }),
            shapes.broadcastDropout(x, 0.3, { ...options, rescale: "test", training: false }),
            shapes.spatialDropout(x, 0.3, options),
            shapes.spatialDropout(x, 0.3, last),
            shapes.dropPath(x, 0.3, options),
            shapes.dropPath(x, 0.3, { ...options, scaleByKeep: false }),
            shapes.dropBlock(x, 0.2, { ...options, blockSize: 3 }),
            shapes.dropBlock(x, 0.2, { ...last, blockSize: 4, batchwise: true, gammaScale: 0.5 }),
            shapes.dropBlock(x, 0.2, { ...last, blockSize: 3, coupleChannels: true, withNoise: true }),
            shapes.alphaDropout(x, 0.3, stream),
            shapes.alphaDropout(x, 0.3, { ...options, noiseShape: [null, 1, 1, 1] }),
            shapes.featureAlphaDropout(x, 0.3, last),
          ];
          for (const { y, ticket } of results)
            digest.add(y, ticket, shapes.backward(x, posted(ticket)), shapes.backward(y, ticket, {}, { dx: y }));
          const p = [0.2, 0.5, 0.9].slice(0, shape[0]);
          for (const { y, ticket } of [
            shapes.broadcastDropout(x, p, { ...stream, ...noise }),
            shapes.dropPath(x, p, options),
            shapes.alphaDropout(x, p, options),
          ])
            digest.add(y, ticket, shapes.backward(x, posted(ticket), { p }), shapes.backward(y, ticket, { p }, { dx: y }));
          digest.add(mask, shapes.backward(x, { ...noise, p: 0.3, kind }, { mask }));
        }
      }
    }
  }
  const x = new Float32Array(6);
  throwsWith(RangeError, '"shape" expected', () => shapes.dropPath(x, 0.5, { shape: [2, 4] }));
  throwsWith(TypeError, '"shape" expected', () => shapes.spatialDropout(x, 0.5, { shape: 6 as never }));
}
