// Sources of keep decisions for the battery: the package, and a control that has to fail.

import { philox, type StreamKind, threshold } from "../../docs/reference.js";
import type { Dropout } from "../../src/core/index.js";
import { words } from "../support/stats.js";

/** The elements of a mask. */
export interface Place {
  readonly seed: bigint;
  readonly stream: bigint;
  readonly start: number;
}

/** Keep decisions, as bit masks of `n` elements, a multiple of 32, at drop probability p. */
export interface Source {
  readonly name: string;
  mask(n: number, p: number, place: Place): Uint32Array;
}

/** The masks that the package draws. */
export function packageSource(dropout: Dropout, kind: StreamKind): Source {
  return { name: kind, mask: (n, p, place) => words(dropout.mask(n, p, { kind, ...place })) };
}

/** The two words that a step of a lane gives, of the state of its generator. */
export type Scrambler = (s0: number, s1: number, s2: number, s3: number) => readonly [number, number];

const rotl = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

/** The ++ and the ** scrambler. */
export const scrambled: Scrambler = (s0, s1, _, s3) => [rotl(s0 + s3, 7) + s0, Math.imul(rotl(Math.imul(s1, 5), 7), 9)];
/** Two words of the state as they are: linear functions of the lane's first state. */
export const unscrambled: Scrambler = (s0, s1) => [s0, s1];

const split = (x: bigint): [bigint, bigint] => [x & 0xffffffffn, x >> 32n];

/** Kind "tile" with another scrambler, seeded in the same way; `start` is a multiple of 4,096. */
export function laneSource(name: string, scramble: Scrambler): Source {
  // The battery asks for the same elements at many probabilities.
  let known: { key: string; high: Uint16Array } = { key: "", high: new Uint16Array(0) };
  return {
    name,
    mask(n, p, place) {
      const key = `${n} ${place.seed} ${place.stream} ${place.start}`;
      if (known.key !== key) known = { key, high: highBits(scramble, n, place) };
      const t = threshold("tile", p);
      const tie = Number(t >> 32n);
      const result = new Uint32Array(n / 32);
      known.high.forEach((high, k) => {
        const kept = high === tie ? lowWord(place, k) >= (t & 0xffffffffn) : high > tie;
        if (kept) result[k >> 5] = (result[k >> 5] as number) | (1 << (k & 31));
      });
      return result;
    },
  };
}

/** The high 16 bits of U(start) to U(start + n - 1). */
function highBits(scramble: Scrambler, n: number, { seed, stream, start }: Place): Uint16Array {
  if (start % 4096 !== 0) throw new RangeError(`"start" expected a multiple of 4096, got ${start}`);
  const result = new Uint16Array(n);
  for (let first = 0; first < n; first += 4096) {
    for (let lane = 0; lane < 4; ++lane) {
      const counter = [...split(BigInt((start + first) / 1024 + lane)), ...split(stream)];
      let [s0, s1, s2, s3] = philox(counter, split(seed)).map(Number) as [number, number, number, number];
      for (let k = first + 4 * lane; k < Math.min(n, first + 4096); k += 16) {
        const [a, b] = scramble(s0, s1, s2, s3);
        for (let byte = 0; byte < 4; ++byte) result[k + byte] = (((a >>> (8 * byte)) & 255) << 8) | ((b >>> (8 * byte)) & 255);
        [s0, s1, s2, s3] = [s0 ^ s1 ^ s3, s0 ^ s1 ^ s2, s0 ^ s2 ^ (s1 << 9), rotl(s1 ^ s3, 11)];
      }
    }
  }
  return result;
}

/** P(start + k). */
function lowWord({ seed, stream, start }: Place, k: number): bigint {
  const [i0, i1] = split(BigInt(start + k));
  return philox([i0, i1 | 0x80000000n, ...split(stream)], split(seed))[0] as bigint;
}

/**
 * Bits 0 to 7 of the top byte of each element's random integer, each as a bit mask: the byte is at least k where the element is kept at
 * p = k / 256, and as many multiples of 2^b are at most the byte as it has 2^b in it.
 */
export function bitPlanes({ mask }: Pick<Source, "mask">, n: number, place: Place): Uint32Array[] {
  const planes = Array.from({ length: 8 }, () => new Uint32Array(n / 32));
  for (let k = 1; k < 256; ++k) {
    const kept = mask(n, k / 256, place);
    for (let b = 0; k % 2 ** b === 0; ++b) {
      const plane = planes[b] as Uint32Array;
      for (let w = 0; w < plane.length; ++w) plane[w] = (plane[w] as number) ^ (kept[w] as number);
    }
  }
  return planes;
}
