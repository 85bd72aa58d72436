// One forward pass over a picture, and what the page says of its mask.

import { type Dropout, keepProbability, type Ticket } from "wasm-dropout";
import { isKept } from "../../mnist/bits.mjs";
import { PIXELS } from "./drawing.js";
import { pixelsOf, type State } from "./state.js";

export interface Pass {
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** A bit a pixel, 1 = keep. */
  readonly mask: Uint8Array;
  readonly kept: number;
  /** Keep probability of the stream. */
  readonly probability: number;
  readonly ticket: Ticket;
}

/** Dropout of the picture that `state` names; throws TypeError or RangeError, in words for the visitor, if `state` makes no sense. */
export function pass(dropout: Dropout, { x: name, p, seed, kind }: State): Pass {
  const x = pixelsOf(name);
  const mask = new Uint8Array(PIXELS / 8);
  const { y, ticket } = dropout.forward(x, p, { kind, seed, stream: 0, mask });
  return { x, y, mask, kept: dropout.countKept(mask, PIXELS), probability: keepProbability(p, kind), ticket };
}

/** The pixels that a mask keeps. */
export function keptOf(mask: Uint8Array): boolean[] {
  return Array.from({ length: PIXELS }, (_, i) => isKept(mask, i));
}

/** FNV-1a of 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/): short enough to compare two masks by eye. */
export function checksum(bytes: Uint8Array): string {
  const hash = bytes.reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193), 0x811c9dc5);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
