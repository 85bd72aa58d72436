// Philox4x32-10 on eight consecutive blocks of a stream: two groups of four with their rounds interleaved, as a group alone spends much of its
// time waiting for its own products, and both use one schedule of keys. Source: Salmon, Moraes, Dror, Shaw, SC11; ../philox for the plain form.
// Invariant: a pure function of counter and key; the SIMD and the scalar form leave the same 128 bytes.

import { philox4 } from "../philox";

// Multipliers and Weyl key increments of the paper, as in ../philox.
// @ts-ignore: decorator
@inline const M0: u32 = 0xd2511f53;
// @ts-ignore: decorator
@inline const M1: u32 = 0xcd9e8d57;
// @ts-ignore: decorator
@inline const W0: u32 = 0x9e3779b9;
// @ts-ignore: decorator
@inline const W1: u32 = 0xbb67ae85;

/** Elements of eight blocks. */
// @ts-ignore: decorator
@inline export const STEP: i32 = 32;

// A schedule: two keys for each of ten rounds, then the two multipliers, each in every lane of a vector.
// @ts-ignore: decorator
@inline const KEYS_BYTES: usize = 10 * 32;
/** Bytes of a schedule. */
// @ts-ignore: decorator
@inline export const SCHEDULE_BYTES: usize = KEYS_BYTES + 32;

/** Writes the schedule of key (k0, k1) for philox8(). The scalar build needs none. */
export function scheduleKeys(schedule: usize, k0: u32, k1: u32): void {
  if (ASC_FEATURE_SIMD) {
    const end = schedule + KEYS_BYTES;
    for (; schedule < end; schedule += 32) {
      v128.store(schedule, i32x4.splat(k0));
      v128.store(schedule, i32x4.splat(k1), 16);
      k0 += W0;
      k1 += W1;
    }
    v128.store(end, i32x4.splat(M0));
    v128.store(end, i32x4.splat(M1), 16);
  }
}

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

/** The address of word j mod 4 of block floor(j / 4) of what philox8() left. */
// @ts-ignore: decorator
@inline
export function wordOf(words: usize, j: u32): usize {
  return words + ((j & 16) << 2) + ((j & 3) << 4) + (j & 12);
}

/**
 * Writes the words of the eight blocks with counters (c0, c1, c2 + 4l, c3), l = 0..7, and key (k0, k1), whose schedule lies at `schedule`,
 * to where wordOf() says. c2 is a multiple of 32.
 */
export function philox8(out: usize, c0: u32, c1: u32, c2: u32, c3: u32, k0: u32, k1: u32, schedule: usize): void {
  if (ASC_FEATURE_SIMD) {
    const end = schedule + KEYS_BYTES;
    const m0 = v128.load(end);
    const m1 = v128.load(end, 16);
    let x0 = i32x4.splat(c0);
    let x1 = i32x4.splat(c1);
    let x2 = i32x4.add(i32x4.splat(c2), i32x4(0, 4, 8, 12));
    let x3 = i32x4.splat(c3);
    let y0 = x0;
    let y1 = x1;
    let y2 = i32x4.add(x2, i32x4.splat(16));
    let y3 = x3;
    for (; schedule < end; schedule += 32) {
      const key0 = v128.load(schedule);
      const key1 = v128.load(schedule, 16);
      const a = i64x2.extmul_low_i32x4_u(x0, m0);
      const b = i64x2.extmul_high_i32x4_u(x0, m0);
      const c = i64x2.extmul_low_i32x4_u(x2, m1);
      const d = i64x2.extmul_high_i32x4_u(x2, m1);
      x0 = v128.xor(v128.xor(high(c, d), x1), key0);
      x1 = low(c, d);
      x2 = v128.xor(v128.xor(high(a, b), x3), key1);
      x3 = low(a, b);
      const e = i64x2.extmul_low_i32x4_u(y0, m0);
      const f = i64x2.extmul_high_i32x4_u(y0, m0);
      const g = i64x2.extmul_low_i32x4_u(y2, m1);
      const h = i64x2.extmul_high_i32x4_u(y2, m1);
      y0 = v128.xor(v128.xor(high(g, h), y1), key0);
      y1 = low(g, h);
      y2 = v128.xor(v128.xor(high(e, f), y3), key1);
      y3 = low(e, f);
    }
    v128.store(out, x0);
    v128.store(out, x1, 16);
    v128.store(out, x2, 32);
    v128.store(out, x3, 48);
    v128.store(out, y0, 64);
    v128.store(out, y1, 80);
    v128.store(out, y2, 96);
    v128.store(out, y3, 112);
  } else {
    philox4(out, c0, c1, c2, c3, 0, 4, k0, k1);
    philox4(out + 64, c0, c1, c2 + 16, c3, 0, 4, k0, k1);
  }
}
