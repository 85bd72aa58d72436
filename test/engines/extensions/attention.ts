// Every operation of "wasm-dropout/attention", forward and backward.

import type { Dropout } from "wasm-dropout";
import type { Attention } from "wasm-dropout/attention";
import { sampleData } from "../data.js";
import { throwsWith } from "../expect.js";
import type { Digest } from "./digest.js";
import { KINDS, posted } from "./operands.js";

// Shapes of q, k and v: around panels, blocks of queries and blocks of keys, with heads that share keys.
const SHAPES = [
  [
    [3, 5],
    [4, 5],
    [4, 2],
  ],
  [
    [2, 4, 9, 8],
    [2, 2, 33, 8],
    [2, 2, 33, 12],
  ],
  [
    [1, 131, 20],
    [1, 600, 20],
    [1, 600, 16],
  ],
] as const;

/** Numbers that keep scores small. */
const small = (shape: readonly number[], first: number) =>
  (
    sampleData(
      "f32",
      shape.reduce((a, b) => a * b, 1),
      first,
    ) as Float32Array
  ).map((value) => Math.fround(value % 1));

export function check(attention: Attention, dropout: Dropout, digest: Digest): void {
  for (const kind of KINDS) {
    for (const [shape, kShape, vShape] of SHAPES) {
      const [q, k, v] = [small(shape, 0), small(kShape, 1000), small(vShape, 2000)];
      const dy = small([...shape.slice(0, -1), vShape[vShape.length - 1] as number], 3000);
      const keys = kShape[kShape.length - 2] as number;
      const flags = Uint8Array.from({ length: keys }, (_, j) => (j % 7 === 3 ? 0 : 1));
      for (const options of [
        {},
        { causal: true, attentionMask: small([keys], 4000), maskShape: [keys] },
        { attentionMask: flags, maskShape: [keys] },
      ]) {
        const forward = { kind, seed: 21, stream: 22n, start: 23, shape, kShape, vShape, ...options };
        const { y, logSumExp, ticket } = attention.forward(q, 0.3, { ...forward, k, v });
        const saved = { q, k, v, y, logSumExp, ...("attentionMask" in options ? { attentionMask: options.attentionMask } : {}) };
        digest.add(y, logSumExp, ticket, attention.backward(dy, posted(ticket), saved));
        digest.add(attention.backward(dy, ticket, { ...saved, y: undefined }, { dv: false }));
      }
      using held = dropout.from(q);
      using heldK = dropout.from(k);
      digest.add(attention.forward(held, 0.3, { kind, seed: 1, stream: 2, k: heldK, v, shape, kShape, vShape, training: false }));
    }
  }
  const x = new Float32Array(6);
  throwsWith(RangeError, '"kShape" expected', () => attention.forward(x, 0.5, { k: x, v: x, shape: [3, 2], kShape: [2, 3] }));
}
