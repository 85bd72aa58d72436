// The two distributions of numbers made of random words: small classes with the same inline method, which drivers reach with changetype<V>(0).
//
//   make(dst, words)  writes the f32 values of the 32 elements of a step to dst; `words` is the output of philox8()
//
// Sources: Box, Muller, "A note on the generation of random normal deviates", Annals of Mathematical Statistics 29 (1958);
// docs/normal-stream.md, which defines every operation.
// Invariant: only exactly rounded f32 operations, in the same order with and without vectors; all values are finite.

import { logNormal1, logNormal4 } from "../math/log";
import { cosTurn1, cosTurn4, sinTurn1, sinTurn4 } from "../math/turn";
import { WORDS as STEP, wordOf } from "../stream/generator";

// @ts-ignore: decorator
@inline
const ULP: f32 = 5.9604644775390625e-8; // 2^-24
// @ts-ignore: decorator
@inline
const WORD: f32 = 2.3283064365386963e-10; // 2^-32
// @ts-ignore: decorator
@inline
const HALF_WORD: f32 = 1.16415321826934814453125e-10; // 2^-33

/** sqrt(-2 ln u), u in (0, 1] being the middle of the word's cell, which keeps all 32 bits where u is small: up to 6.764. */
// @ts-ignore: decorator
@inline
function radius4(word: v128): v128 {
  const u = f32x4.add(f32x4.mul(f32x4.convert_i32x4_u(word), f32x4.splat(WORD)), f32x4.splat(HALF_WORD));
  return f32x4.sqrt(f32x4.mul(logNormal4(u), f32x4.splat(-2)));
}

// @ts-ignore: decorator
@inline
function radius1(word: u32): f32 {
  return sqrt<f32>(logNormal1(<f32>word * WORD + HALF_WORD) * <f32>-2);
}

/** Writes lane l of x0, x1, x2, x3 to dst + 16l: from a vector for each word of a block to a vector for each block. */
// @ts-ignore: decorator
@inline
function transpose(dst: usize, x0: v128, x1: v128, x2: v128, x3: v128): void {
  const a = v128.shuffle<u32>(x0, x1, 0, 4, 1, 5);
  const b = v128.shuffle<u32>(x2, x3, 0, 4, 1, 5);
  const c = v128.shuffle<u32>(x0, x1, 2, 6, 3, 7);
  const d = v128.shuffle<u32>(x2, x3, 2, 6, 3, 7);
  v128.store(dst, v128.shuffle<u64>(a, b, 0, 2));
  v128.store(dst, v128.shuffle<u64>(a, b, 1, 3), 16);
  v128.store(dst, v128.shuffle<u64>(c, d, 0, 2), 32);
  v128.store(dst, v128.shuffle<u64>(c, d, 1, 3), 48);
}

/** Uniform on [0, 1): multiples of 2^-24. */
@unmanaged
export class Uniform {
  @inline unit4(word: v128): v128 {
    return f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(word, 8)), f32x4.splat(ULP));
  }

  @inline make(dst: usize, words: usize): void {
    if (ASC_FEATURE_SIMD) {
      for (const end = words + 4 * STEP; words < end; words += 64, dst += 64) {
        const x0 = this.unit4(v128.load(words));
        const x1 = this.unit4(v128.load(words, 16));
        const x2 = this.unit4(v128.load(words, 32));
        const x3 = this.unit4(v128.load(words, 48));
        transpose(dst, x0, x1, x2, x3);
      }
    } else {
      for (let j = 0; j < STEP; ++j) store<f32>(dst + (j << 2), <f32>(load<u32>(wordOf(words, j)) >> 8) * ULP);
    }
  }
}

/** Standard normal, two of two words. */
@unmanaged
export class Normal {
  @inline make(dst: usize, words: usize): void {
    if (ASC_FEATURE_SIMD) {
      for (const end = words + 4 * STEP; words < end; words += 64, dst += 64) {
        const r = radius4(v128.load(words));
        const s = radius4(v128.load(words, 32));
        const x0 = f32x4.mul(r, cosTurn4(v128.load(words, 16)));
        const x1 = f32x4.mul(r, sinTurn4(v128.load(words, 16)));
        const x2 = f32x4.mul(s, cosTurn4(v128.load(words, 48)));
        const x3 = f32x4.mul(s, sinTurn4(v128.load(words, 48)));
        transpose(dst, x0, x1, x2, x3);
      }
    } else {
      for (let j = 0; j < STEP; j += 2) {
        const at = wordOf(words, j);
        const r = radius1(load<u32>(at));
        const w = load<u32>(at, 16);
        store<f32>(dst + (j << 2), r * cosTurn1(w));
        store<f32>(dst + (j << 2), r * sinTurn1(w), 4);
      }
    }
  }
}
