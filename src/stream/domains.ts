// Stream numbers by use: one seed serves training, Monte-Carlo passes and layers, whose streams must not meet.
// docs/keep-streams.md, "Domains of stream numbers", defines the derivation; test/vectors/domains.json has known answers.

import { utf8Of } from "../ground/utf8.js";
import type { Words } from "../ground/words.js";

/** The uses of streams; 0, the numbers that callers and sequences count, is derived from nothing. */
export type Domain = (typeof DOMAINS)[keyof typeof DOMAINS];
export const DOMAINS = { training: 1, monteCarlo: 2, layer: 3 } as const;

// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11. Its multipliers, as they are and in halves.
const ROUNDS = 10;
const A = 0xd2511f53;
const A_LOW = 0x1f53;
const A_HIGH = 0xd251;
const B = 0xcd9e8d57;
const B_LOW = 0x8d57;
const B_HIGH = 0xcd9e;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
// The bytes of "domains1" as two little-endian words.
const KEY_0 = 0x616d6f64;
const KEY_1 = 0x31736e69;
const WORD = 2 ** 32;

/** Returns the high word of the product of a word and a constant in two halves. No sum leaves 32 bits: 65535 * 65535 + 65535 is below 2^32. */
function high(x: number, low: number, top: number): number {
  const lower = x & 0xffff;
  const upper = x >>> 16;
  const middle = (Math.imul(upper, low) + (Math.imul(lower, low) >>> 16)) | 0;
  const other = (Math.imul(lower, top) + (middle & 0xffff)) | 0;
  return (Math.imul(upper, top) + (middle >>> 16) + (other >>> 16)) | 0;
}

/**
 * Sets `stream` to the number of sample 0 of a layer, an integer in [0, 2^32), in a pass, step or call `n`, an integer in [0, 2^53), of a domain. The
 * number of sample k is k more, modulo 2^64.
 */
export function setDomainStream(stream: Words, domain: Domain, n: number, layer: number): void {
  let x0 = n | 0;
  let x1 = (n / WORD) | 0;
  let x2 = layer | 0;
  let x3: number = domain;
  let k0 = KEY_0;
  let k1 = KEY_1;
  for (let round = 0; round < ROUNDS; ++round) {
    const y0 = high(x2, B_LOW, B_HIGH) ^ x1 ^ k0;
    const y2 = high(x0, A_LOW, A_HIGH) ^ x3 ^ k1;
    x1 = Math.imul(x2, B);
    x3 = Math.imul(x0, A);
    x0 = y0;
    x2 = y2;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  stream.low = x0 >>> 0;
  stream.high = x1 >>> 0;
}

/** Adds a number below 2^32 to a stream number, modulo 2^64. */
export function addSample(stream: Words, sample: number): void {
  const low = stream.low + sample;
  stream.low = low >>> 0;
  if (low >= WORD) stream.high = (stream.high + 1) >>> 0;
}

// FNV-1a: Fowler, Noll, Vo, Eastlake, RFC 9923, "The FNV non-cryptographic hash algorithm".
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const NAMED = 0x80000000;

/** Returns the number of a layer with a name, in [2^31, 2^32): numbers that callers give lie below. */
export function layerOfName(name: string): number {
  let hash = FNV_OFFSET;
  for (const byte of utf8Of(name)) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return (hash | NAMED) >>> 0;
}
