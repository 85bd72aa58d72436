// Every operation of "wasm-dropout/variants", forward and backward.

import type { Dropout } from "wasm-dropout";
import type { Variants } from "wasm-dropout/variants";
import { throwsWith } from "../expect.js";
import type { Digest } from "./digest.js";
import { DTYPES, KINDS, places, posted } from "./operands.js";

export function check(variants: Variants, dropout: Dropout, digest: Digest): void {
  const options = { seed: (1n << 64n) - 1n, stream: 3n, start: 2 ** 32 - 1000 };
  for (const shape of [
    [1, 1, 1],
    [5, 9, 3],
    [2, 1000, 8],
  ]) {
    const length = shape.reduce((product, size) => product * size);
    for (const dtype of DTYPES) {
      for (const x of places(dropout, dtype, length)) {
        const exact = variants.exactDropout(x, 0.3, { ...options, shape });
        digest.add(exact.y, exact.ticket, variants.backward(x, posted(exact.ticket)).dx);
        const patch = variants.patchDropout(x, 0.5, { ...options, shape, prefix: 1 });
        digest.add(patch, variants.backward(patch.y, posted(patch.ticket)).dx, variants.restore(patch.y, patch.ticket));
        for (const kind of KINDS) {
          for (const training of [true, false]) {
            const zoned = variants.zoneout(x, 0.3, { ...options, kind, training, previous: exact.y as typeof x });
            digest.add(zoned, variants.backward(x, posted(zoned.ticket)));
          }
        }
        if (dtype === "f64") continue;
        for (const temperature of [0.1, 2]) {
          const concrete = variants.concreteDropout(x, 0.3, { ...options, temperature });
          digest.add(concrete, variants.backward(x, posted(concrete.ticket), { x }));
        }
      }
    }
  }
  throwsWith(RangeError, '"p" expected number in [0, 1], got 2', () => variants.exactDropout(new Float32Array(4), 2));
}
