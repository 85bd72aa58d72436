// Philox4x32-10 on four counters at once, or on eight: two groups of four with their rounds interleaved, as one alone waits for its own products.
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11.
// Invariant: a pure function of counter and key; the SIMD and the scalar form leave the same bytes.

import { pinned } from "./params";

// Multipliers and Weyl key increments of the paper (the increments are the golden ratio and sqrt(3)-1, each times 2^32).
// @ts-ignore: decorator
@inline
const M0: u32 = 0xd2511f53;
// @ts-ignore: decorator
@inline
const M1: u32 = 0xcd9e8d57;
// @ts-ignore: decorator
@inline
const W0: u32 = 0x9e3779b9;
// @ts-ignore: decorator
@inline
const W1: u32 = 0xbb67ae85;
// @ts-ignore: decorator
@inline
const ROUNDS: i32 = 10;

// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 1, 3, 5, 7);
}

// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 0, 2, 4, 6);
}

/** The address of word j mod 4 of block floor(j / 4) of what philox8() left at `out`. */
// @ts-ignore: decorator
@inline
export function wordOf(out: usize, j: u32): usize {
  return out + ((j & 16) << 2) + ((j & 3) << 4) + (j & 12);
}

/** Words of eight blocks. */
// @ts-ignore: decorator
@inline
export const WORDS: i32 = 32;

/** One group of counters, or one tile's lanes, at once. */
@unmanaged
export class Single {
  @inline two(): bool {
    return false;
  }
}

/** Two at once, as one alone waits for its own results. */
@unmanaged
export class Pair {
  @inline two(): bool {
    return true;
  }
}

/** As philox8(), of W's groups of four blocks. */
// @ts-ignore: decorator
@inline
function philox<W>(out: usize, c0: u32, c1: u32, c2: u32, c3: u32, step0: u32, step2: u32, k0: u32, k1: u32): void {
  const two = changetype<W>(0).two();
  if (ASC_FEATURE_SIMD) {
    const m0 = pinned(i32x4.splat(M0), out);
    const m1 = pinned(i32x4.splat(M1), out + 16);
    const lanes = i32x4(0, 1, 2, 3);
    let x0 = i32x4.add(i32x4.splat(c0), i32x4.mul(lanes, i32x4.splat(step0)));
    let x1 = i32x4.splat(c1);
    let x2 = i32x4.add(i32x4.splat(c2), i32x4.mul(lanes, i32x4.splat(step2)));
    let x3 = i32x4.splat(c3);
    let y0 = i32x4.add(x0, i32x4.splat(step0 << 2));
    let y1 = x1;
    let y2 = i32x4.add(x2, i32x4.splat(step2 << 2));
    let y3 = x3;
    for (let round = 0; round < ROUNDS; ++round) {
      const key0 = i32x4.splat(k0);
      const key1 = i32x4.splat(k1);
      k0 += W0;
      k1 += W1;
      const a = i64x2.extmul_low_i32x4_u(x0, m0);
      const b = i64x2.extmul_high_i32x4_u(x0, m0);
      const c = i64x2.extmul_low_i32x4_u(x2, m1);
      const d = i64x2.extmul_high_i32x4_u(x2, m1);
      x0 = v128.xor(v128.xor(high(c, d), x1), key0);
      x1 = low(c, d);
      x2 = v128.xor(v128.xor(high(a, b), x3), key1);
      x3 = low(a, b);
      if (two) {
        const e = i64x2.extmul_low_i32x4_u(y0, m0);
        const f = i64x2.extmul_high_i32x4_u(y0, m0);
        const g = i64x2.extmul_low_i32x4_u(y2, m1);
        const h = i64x2.extmul_high_i32x4_u(y2, m1);
        y0 = v128.xor(v128.xor(high(g, h), y1), key0);
        y1 = low(g, h);
        y2 = v128.xor(v128.xor(high(e, f), y3), key1);
        y3 = low(e, f);
      }
    }
    v128.store(out, x0);
    v128.store(out, x1, 16);
    v128.store(out, x2, 32);
    v128.store(out, x3, 48);
    if (two) {
      v128.store(out, y0, 64);
      v128.store(out, y1, 80);
      v128.store(out, y2, 96);
      v128.store(out, y3, 112);
    }
  } else {
    for (let lane: u32 = 0; lane < <u32>(two ? 8 : 4); ++lane) {
      let x0 = c0 + lane * step0;
      let x1 = c1;
      let x2 = c2 + lane * step2;
      let x3 = c3;
      let key0 = k0;
      let key1 = k1;
      for (let round = 0; round < ROUNDS; ++round) {
        const a = <u64>x0 * M0;
        const c = <u64>x2 * M1;
        x0 = <u32>(c >> 32) ^ x1 ^ key0;
        x1 = <u32>c;
        x2 = <u32>(a >> 32) ^ x3 ^ key1;
        x3 = <u32>a;
        key0 += W0;
        key1 += W1;
      }
      const at = out + ((lane & 4) << 4) + ((lane & 3) << 2);
      store<u32>(at, x0);
      store<u32>(at, x1, 16);
      store<u32>(at, x2, 32);
      store<u32>(at, x3, 48);
    }
  }
}

/**
 * Writes the four output words of eight Philox blocks to where wordOf() says. Block l has the counter (c0 + l * step0, c1, c2 + l * step2, c3) and the
 * key (k0, k1).
 */
export function philox8(out: usize, c0: u32, c1: u32, c2: u32, c3: u32, step0: u32, step2: u32, k0: u32, k1: u32): void {
  philox<Pair>(out, c0, c1, c2, c3, step0, step2, k0, k1);
}

/** Writes the first four blocks of philox8() with steps of 1 and 0. */
export function philox4(out: usize, c0: u32, c1: u32, c2: u32, c3: u32, k0: u32, k1: u32): void {
  philox<Single>(out, c0, c1, c2, c3, 1, 0, k0, k1);
}
