// The results that kernels have to give, computed another way: one element at a time in plain numbers. docs/reference.ts is slower still and
// is what this is tested against. Shares no code with src/ or assembly/.

import { type StreamKind, scale, threshold } from "../../docs/reference.js";
import { STREAM_KINDS } from "../../src/stream/kinds.js";

export const KINDS = STREAM_KINDS;

/** Drop probabilities at which kernels take another path or come close to it. */
export const PROBABILITIES = [0, 2 ** -48, 1 / 256, 0.1, 0.5, 1 - 2 ** -48, 1];

/** The 32-bit halves of a number, the lower first. */
const split = (x: number): [number, number] => [x % 2 ** 32, Math.floor(x / 2 ** 32)];
const splitBig = (x: bigint): [number, number] => [Number(x & 0xffffffffn), Number(x >> 32n)];
const rotl = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

/** The upper half of a product of two numbers of 32 bits, by halves: each step stays below 2^53. */
const high = (x: number, y: number): number => Math.floor(((x >>> 16) * y + Math.floor(((x & 0xffff) * y) / 2 ** 16)) / 2 ** 16);

/** Philox4x32 of ten rounds. In plain numbers, as it is drawn for every element: with bigints it takes most of the time of whole files of tests. */
export function philox([c0, c1, c2, c3]: Words, [k0, k1]: readonly [number, number]): Words {
  for (let round = 0; round < 10; ++round) {
    const [upper, lower] = [high(c0, 0xd2511f53), Math.imul(c0, 0xd2511f53)];
    [c0, c1, c2, c3] = [high(c2, 0xcd9e8d57) ^ c1 ^ k0, Math.imul(c2, 0xcd9e8d57), upper ^ c3 ^ k1, lower];
    [c0, c1, c2, c3] = [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
    [k0, k1] = [(k0 + 0x9e3779b9) >>> 0, (k1 + 0xbb67ae85) >>> 0];
  }
  return [c0, c1, c2, c3];
}

type Words = readonly [number, number, number, number];

/** The random integers of elements from..from+count-1 that the threshold is compared with. */
export function uniforms(kind: StreamKind, seed: bigint, stream: bigint, from: number, count: number): Float64Array {
  const result = new Float64Array(count);
  const [key, own] = [splitBig(seed), splitBig(stream)];
  if (kind === "philox") {
    for (let i = from - (from % 4); i < from + count; i += 4) {
      const words = philox([...own, ...split(i)], key);
      for (let w = 0; w < 4; ++w) if (i + w >= from) result[i + w - from] = words[w] as number;
    }
    return result;
  }
  for (let tile = Math.floor(from / 4096); tile * 4096 < from + count; ++tile) {
    for (let lane = 0; lane < 4; ++lane) {
      let [s0, s1, s2, s3] = philox([...split(4 * tile + lane), ...own], key);
      for (let step = 0; step < 256; ++step) {
        const plusPlus = rotl(s0 + s3, 7) + s0;
        const starStar = Math.imul(rotl(Math.imul(s1, 5), 7), 9);
        for (let byte = 0; byte < 4; ++byte) {
          const i = tile * 4096 + step * 16 + lane * 4 + byte;
          if (i < from || i >= from + count) continue;
          const [low, up] = split(i);
          const [lowest] = philox([low, (up | 0x80000000) >>> 0, ...own], key);
          result[i - from] = ((plusPlus >>> (8 * byte)) & 255) * 2 ** 40 + ((starStar >>> (8 * byte)) & 255) * 2 ** 32 + lowest;
        }
        [s0, s1, s2, s3] = [s0 ^ s1 ^ s3, s0 ^ s1 ^ s2, s0 ^ s2 ^ (s1 << 9), rotl(s1 ^ s3, 11)];
      }
    }
  }
  return result;
}

/** A drop probability and all that follows from it. */
export interface Chance {
  readonly p: number;
  readonly threshold: number;
  readonly scale32: number;
  readonly scale64: number;
}

export function chance(kind: StreamKind, p: number): Chance {
  return { p, threshold: Number(threshold(kind, p)), scale32: scale(kind, p, 24), scale64: scale(kind, p, 53) };
}

/** 1 for each kept element, 0 for each dropped one. */
export function keepBytes(randoms: Float64Array, p: Chance): Uint8Array {
  const keep = new Uint8Array(randoms.length);
  for (let i = 0; i < randoms.length; ++i) keep[i] = (randoms[i] as number) >= p.threshold ? 1 : 0;
  return keep;
}

/** The same as a bit mask. */
export function keepBits(bytes: Uint8Array): Uint8Array {
  const bits = new Uint8Array(Math.ceil(bytes.length / 8));
  for (let i = 0; i < bytes.length; ++i) bits[i >> 3] = (bits[i >> 3] as number) | ((bytes[i] as number) << (i & 7));
  return bits;
}

/** Inverted dropout of x by a mask of bytes. */
export function drop<X extends Float32Array | Float64Array>(x: X, keep: Uint8Array, p: Chance): X {
  if (p.threshold === 0 && keep.every((k) => k === 1)) return x.slice() as X;
  const s = x instanceof Float32Array ? p.scale32 : p.scale64;
  const y = x.slice() as X;
  for (let i = 0; i < x.length; ++i) y[i] = keep[i] ? (x[i] as number) * s : 0;
  return y;
}

/** Data with every kind of float in it, the special ones at places that move with `salt`. */
export function sample(dtype: "f32" | "f64", length: number, salt = 0): Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
  const x = dtype === "f32" ? new Float32Array(length) : new Float64Array(length);
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 1e-42, -5e-324, 3.4e38, -1.7e308];
  for (let i = 0; i < length; ++i) {
    const k = (i * 7 + salt) % 31;
    x[i] = k < special.length ? (special[k] as number) : Math.sin(i + salt) * 10;
  }
  return x;
}

/** The quick answer for most comparisons; those that fail go on element by element. */
function holdSameBytes(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength);
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}

/** Throws unless two arrays hold the same bits; any NaN stands for any other, as their payload is the engine's choice. */
export function expectSame(got: Float32Array | Float64Array, expected: Float32Array | Float64Array, what: string): void {
  if (got.length !== expected.length) throw new Error(`${what}: length ${got.length} instead of ${expected.length}`);
  if (got.constructor === expected.constructor && holdSameBytes(got, expected)) return;
  for (let i = 0; i < got.length; ++i) {
    if (!Object.is(got[i], expected[i])) throw new Error(`${what}: element ${i} is ${got[i]} instead of ${expected[i]}`);
  }
}

/** Throws unless two byte arrays are equal. */
export function expectBytes(got: Uint8Array, expected: Uint8Array, what: string): void {
  if (got.length !== expected.length) throw new Error(`${what}: ${got.length} bytes instead of ${expected.length}`);
  if (holdSameBytes(got, expected)) return;
  for (let i = 0; i < got.length; ++i) {
    if (got[i] !== expected[i]) throw new Error(`${what}: byte ${i} is ${got[i]} instead of ${expected[i]}`);
  }
}
