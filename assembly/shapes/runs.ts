// Runs of consecutive elements: with one decision for all, or each with its own bit of a mask, from any bit on.
// Invariant: only the bytes of the mask that hold decisions of the run are read.

import { STEP } from "../../src/ground/abi";

/** Elements from which on a branch on a run's decision costs less than the memory traffic that it spares. */
// @ts-ignore: decorator
@inline
const LONG: usize = 128;

/** Writes a, b and c in every lane, and the bit of each lane: WALK_CONSTANTS bytes. */
export function storeConstants<T>(at: usize, a: f64, b: f64, c: f64): void {
  if (ASC_FEATURE_SIMD) {
    v128.store(at, sizeof<T>() == 4 ? f32x4.splat(<f32>a) : f64x2.splat(a));
    v128.store(at, sizeof<T>() == 4 ? f32x4.splat(<f32>b) : f64x2.splat(b), 16);
    v128.store(at, sizeof<T>() == 4 ? f32x4.splat(<f32>c) : f64x2.splat(c), 32);
    v128.store(at, i32x4(1, 2, 4, 8), 48);
  }
}

/** A lane of ones for each of the lowest four bits that is set; `word` has them in every lane. */
// @ts-ignore: decorator
@inline
function keep4(word: v128, places: v128): v128 {
  return i32x4.eq(v128.and(word, places), places);
}

/** Returns true if bit `bit` of a mask, 1 = keep, is set. */
// @ts-ignore: decorator
@inline
export function keeps(mask: usize, bit: u64): bool {
  return <bool>((load<u8>(mask + <usize>(bit >> 3)) >> (<u8>bit & 7)) & 1);
}

/** `count` bits of a mask, 1 to 32, from `bit` on, lowest first; those above them are undefined. */
export function bitsAt(mask: usize, bit: u64, count: u32): u64 {
  let at = mask + <usize>(bit >> 3);
  const last = mask + <usize>((bit + count - 1) >> 3);
  let word = <u64>load<u8>(at);
  for (let place: u64 = 8; at < last; place += 8) word |= (<u64>load<u8>(++at)) << place;
  return word >> (bit & 7);
}

/** n elements that epilogue S is to keep, or to drop, all. */
export function sharedRun<T, S>(dst: usize, src: usize, n: usize, keep: bool, constants: usize, a: f64, b: f64, c: f64): void {
  const epilogue = changetype<S>(0);
  if (epilogue.branches() && n >= LONG) return epilogue.whole(dst, src, n, keep, a);
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const all = i32x4.splat(-(<i32>keep));
    const a4 = v128.load(constants);
    const b4 = v128.load(constants, 16);
    const c4 = v128.load(constants, 32);
    for (; i + 4 <= n; i += 4) epilogue.quad(dst + i * sizeof<T>(), src + i * sizeof<T>(), all, a4, b4, c4);
  }
  for (; i < n; ++i) epilogue.one(dst + i * sizeof<T>(), src + i * sizeof<T>(), keep, a, b, c);
}

/** n elements for epilogue S, the first kept or dropped by bit `bit` of the mask, 1 = keep. */
export function separateRun<T, S>(dst: usize, src: usize, n: usize, mask: usize, bit: u64, constants: usize, a: f64, b: f64, c: f64): void {
  const epilogue = changetype<S>(0);
  const shift = <u32>bit & 7;
  mask += <usize>(bit >> 3);
  // Counted down, not compared with an end, which may be where addresses begin again at 0.
  if (ASC_FEATURE_SIMD) {
    const a4 = v128.load(constants);
    const b4 = v128.load(constants, 16);
    const c4 = v128.load(constants, 32);
    const places = v128.load(constants, 48);
    // The 16 bits of a step lie in two bytes or in three; in two, the second is read again and its bits are shifted out of use.
    const last = <usize>(shift + STEP - 1) >> 3;
    for (; n >= <usize>STEP; n -= STEP, dst += STEP * sizeof<T>(), src += STEP * sizeof<T>(), mask += STEP / 8) {
      const word = i32x4.splat(<i32>((<u32>load<u16>(mask) | ((<u32>load<u8>(mask + last)) << 16)) >> shift));
      epilogue.quad(dst, src, keep4(word, places), a4, b4, c4);
      epilogue.quad(dst + 4 * sizeof<T>(), src + 4 * sizeof<T>(), keep4(i32x4.shr_u(word, 4), places), a4, b4, c4);
      epilogue.quad(dst + 8 * sizeof<T>(), src + 8 * sizeof<T>(), keep4(i32x4.shr_u(word, 8), places), a4, b4, c4);
      epilogue.quad(dst + 12 * sizeof<T>(), src + 12 * sizeof<T>(), keep4(i32x4.shr_u(word, 12), places), a4, b4, c4);
    }
  }
  while (n > 0) {
    let left = min<usize>(STEP, n);
    let word = <u32>bitsAt(mask, shift, <u32>left);
    n -= left;
    mask += STEP / 8;
    if (ASC_FEATURE_SIMD) {
      for (; left >= 4; left -= 4, word >>= 4, dst += 4 * sizeof<T>(), src += 4 * sizeof<T>()) {
        const keep = keep4(i32x4.splat(<i32>word), v128.load(constants, 48));
        epilogue.quad(dst, src, keep, v128.load(constants), v128.load(constants, 16), v128.load(constants, 32));
      }
    }
    for (; left > 0; --left, word >>= 1, dst += sizeof<T>(), src += sizeof<T>()) epilogue.one(dst, src, <bool>(word & 1), a, b, c);
  }
}
