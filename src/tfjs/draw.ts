// The random decisions that an operation draws, and the streams of callers and layers.
// Invariant: of one seed, operations draw the streams below 2^32, and the layer with number k, from 1, those from k times 2^32; a layer with a seed of its
// own draws those of its number or name in the domain of layers, so that layers of one seed differ.

import { wrongKind, wrongValue } from "../ground/check.js";
import { DOMAINS, layerOfName, setDomainStream } from "../stream/domains.js";
import type { StreamKind } from "../stream/kinds.js";
import { Sequence } from "../stream/sequence.js";

/**
 * A seed as tf.dropout takes it. An integer in [0, 2^64), as safe integer, bigint or decimal digits, is that seed of the keep streams. Any other finite
 * number or text that is not empty, such as -3, 0.123 or "abc", is the seed that the 64-bit FNV-1a hash of its text in UTF-8 gives (RFC 9923).
 */
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

/** Returns the sequence of a seed that a caller gave, from its first stream. */
export function sequenceOfSeed(kind: StreamKind, seed: Seed): Sequence {
  const sequence = new Sequence(kind);
  sequence.seed.set(integerOf(seed), "seed");
  return sequence;
}

/** Returns the sequence of the layer with number `layer` that was given no seed. */
export function sequenceOfLayer({ kind, seed }: Sequence, layer: number): Sequence {
  const sequence = new Sequence(kind);
  sequence.seed.copy(seed);
  sequence.next.high = layer;
  return sequence;
}

/** Returns the sequence of a layer with a seed of its own, by its name if it was given one, else by its number. */
export function sequenceOfSeededLayer(kind: StreamKind, seed: Seed, layer: number, name: unknown): Sequence {
  const sequence = sequenceOfSeed(kind, seed);
  setDomainStream(sequence.next, DOMAINS.layer, 0, typeof name === "string" ? layerOfName(name) : layer);
  return sequence;
}

const EXPECTED = "finite number, bigint in [0, 2^64) or string that is not empty";
const DIGITS = /^[0-9]+$/;

function integerOf(seed: unknown): number | bigint {
  if (typeof seed === "bigint") {
    if (seed < 0n || seed >= 1n << 64n) throw wrongValue("seed", EXPECTED, seed);
    return seed;
  }
  if (typeof seed === "number") {
    if (!Number.isFinite(seed)) throw wrongValue("seed", EXPECTED, seed);
    return Number.isSafeInteger(seed) && seed >= 0 ? seed : hash(`${seed}`);
  }
  if (typeof seed !== "string") throw wrongKind("seed", EXPECTED, seed);
  if (seed === "") throw wrongValue("seed", EXPECTED, "an empty string");
  // No longer than the digits of 2^64, as the conversion of long ones takes quadratic time; zeros in front count for nothing.
  const digits = DIGITS.test(seed) ? seed.replace(/^0+(?=.)/, "") : "";
  const value = digits !== "" && digits.length <= MOST_DIGITS ? BigInt(digits) : undefined;
  return value !== undefined && value < 1n << 64n ? value : hash(seed);
}
const MOST_DIGITS = 20;

// FNV-1a of 64 bits: Fowler, Noll, Vo, Eastlake, RFC 9923.
const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

function hash(text: string): bigint {
  let value = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(text)) value = BigInt.asUintN(64, (value ^ BigInt(byte)) * FNV_PRIME);
  return value;
}
