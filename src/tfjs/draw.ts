// Which random decisions an operation draws, and how callers and layers come by them.
// Invariant: of one seed, operations draw the streams below 2^32, and the layer with number k, from 1, those from k times 2^32.

import type { StreamKind } from "../stream/kinds.js";
import { Sequence } from "../stream/sequence.js";

/** A seed: an integer in [0, 2^64), or its decimal digits. */
export type Seed = number | bigint | string;

/** A stream of decisions. */
export interface Draw {
  readonly kind: StreamKind;
  readonly seed: bigint;
  readonly stream: bigint;
}

/** Has `use` draw the next stream of `sequence`, which moves on unless that throws. */
export function drawNext<R>(sequence: Sequence, use: (draw: Draw) => R): R {
  const { kind, seed, next } = sequence;
  const result = use({ kind, seed: seed.toBigInt(), stream: next.toBigInt() });
  next.increment();
  return result;
}

/** The sequence of a seed that a caller gave, from its first stream. */
export function sequenceOfSeed(kind: StreamKind, seed: Seed): Sequence {
  const sequence = new Sequence(kind);
  if (typeof seed === "string") sequence.seed.parse(seed, "seed");
  else sequence.seed.set(seed, "seed");
  return sequence;
}

/** The sequence of the layer with number `layer` that was given no seed. */
export function sequenceOfLayer({ kind, seed }: Sequence, layer: number): Sequence {
  const sequence = new Sequence(kind);
  sequence.seed.copy(seed);
  sequence.next.high = layer;
  return sequence;
}
