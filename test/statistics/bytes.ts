// Streams as bytes of which all values are equally likely, which is what batteries for random number generators read.

import type { Dropout, StreamKind } from "../../src/core/index.js";
import type { Noise } from "../../src/noise/index.js";
import { normalByte } from "./battery.js";
import { bitPlanes, packageSource } from "./sources.js";

export const WHATS = ["bits", "bytes", "uniform", "normal"] as const;

/** The source of the bytes. */
export type What = (typeof WHATS)[number];

export interface Draw {
  readonly what: What;
  /** Of "bits" and "bytes". */
  readonly kind: StreamKind;
  readonly seed: bigint;
  readonly stream: bigint;
}

/** The most elements that a byte needs. */
export const ELEMENTS: Record<What, number> = { bits: 8, bytes: 1, uniform: 1, normal: 1 };

/** The first `count` bytes, in pieces. */
export function* bytesOf(dropout: Dropout, noise: Noise, draw: Draw, count: number): Generator<Uint8Array> {
  const elements = 2 ** 18;
  const { what, kind, seed, stream } = draw;
  for (let start = 0, left = count; left > 0; start += elements) {
    const place = { seed, stream, start };
    const piece = {
      bits: () => dropout.mask(elements, 0.5, { kind, ...place }),
      bytes: () => transposed(bitPlanes(packageSource(dropout, kind), elements, place)),
      uniform: () => uniformBytes(noise.uniform(elements, place)),
      normal: () => Uint8Array.from(noise.normal(elements, place), normalByte),
    }[what]();
    yield left < piece.length ? piece.subarray(0, left) : piece;
    left -= piece.length;
  }
}

/** Bytes of eight planes of bits, the first of which holds the lowest. */
function transposed(planes: readonly Uint32Array[]): Uint8Array {
  const bytes = new Uint8Array(32 * (planes[0] as Uint32Array).length);
  planes.forEach((plane, b) => {
    for (let i = 0; i < bytes.length; ++i) bytes[i] = (bytes[i] as number) | ((((plane[i >> 5] as number) >>> (i & 31)) & 1) << b);
  });
  return bytes;
}

/** The 24 bits of each number, low byte first. */
function uniformBytes(u: Float32Array): Uint8Array {
  const bytes = new Uint8Array(3 * u.length);
  u.forEach((x, k) => {
    const bits = x * 2 ** 24;
    for (let byte = 0; byte < 3; ++byte) bytes[3 * k + byte] = bits >>> (8 * byte);
  });
  return bytes;
}
