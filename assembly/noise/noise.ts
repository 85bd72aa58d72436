// Numbers of the normal stream drawn a step of 32 elements at a time, and the operations on them. An operation takes
// one of two inputs; all are small classes with inline methods, reached with changetype<S>(0).
// Source: docs/normal-stream.md.
// Invariant: an element's input is read before its output is written and nothing outside elements 0..n-1 is touched, so dst = src is allowed;
// each operation is rounded in the type of the data.

import { philox8, WORDS as STEP } from "../stream/generator";
import { Params, pinned, workspace } from "../stream/params";
import { Normal } from "./values";

// Top bit of a counter's last word: keeps this stream apart from kind "philox", whose indices end at 2^53.
// @ts-ignore: decorator
@inline
const NOISE_COUNTER: u32 = 0x80000000;

// The workspace: words, values, and two constants, each in every lane of a vector.
// @ts-ignore: decorator
@inline
export const VALUES: usize = 4 * STEP;
// @ts-ignore: decorator
@inline
const FACTOR: usize = 2 * VALUES;
// @ts-ignore: decorator
@inline
const OFFSET: usize = FACTOR + 16;

/** x * (1 + s z) */
@unmanaged
export class Times<T> {
  @inline vector(x: v128, z: v128, s: v128): v128 {
    if (sizeof<T>() == 4) return f32x4.mul(x, f32x4.add(f32x4.splat(1), f32x4.mul(s, z)));
    else return f64x2.mul(x, f64x2.add(f64x2.splat(1), f64x2.mul(s, z)));
  }

  @inline one(x: T, z: T, s: T): T {
    return <T>(x * <T>(<T>1 + <T>(s * z)));
  }
}

/** x + s z */
@unmanaged
export class Plus<T> {
  @inline vector(x: v128, z: v128, s: v128): v128 {
    if (sizeof<T>() == 4) return f32x4.add(x, f32x4.mul(s, z));
    else return f64x2.add(x, f64x2.mul(s, z));
  }

  @inline one(x: T, z: T, s: T): T {
    return <T>(x + <T>(s * z));
  }
}

/** Input is an array. */
@unmanaged
export class Each {
  @inline index(i: usize): usize {
    return i;
  }
}

/** Input is one value, in every lane of a vector. */
@unmanaged
export class Same {
  @inline index(i: usize): usize {
    return 0;
  }
}

/** Operation O on input I of type T. */
@unmanaged
export class Epilogue<T, I, O> {
  @inline splat(x: f64): v128 {
    return sizeof<T>() == 4 ? f32x4.splat(<f32>x) : f64x2.splat(x);
  }

  /** Elements i..i+3. */
  @inline quad(dst: usize, src: usize, i: usize, z: v128, s: v128): void {
    const operation = changetype<O>(0);
    const d = dst + i * sizeof<T>();
    const x = src + changetype<I>(0).index(i) * sizeof<T>();
    if (sizeof<T>() == 4) {
      v128.store(d, operation.vector(v128.load(x), z, s));
    } else {
      const second = f64x2.promote_low_f32x4(v128.shuffle<u64>(z, z, 1, 1));
      v128.store(d, operation.vector(v128.load(x), f64x2.promote_low_f32x4(z), s));
      v128.store(d, operation.vector(v128.load(x, 16), second, s), 16);
    }
  }

  @inline one(dst: usize, src: usize, i: usize, z: f32, s: f64): void {
    const x = load<T>(src + changetype<I>(0).index(i) * sizeof<T>());
    store<T>(dst + i * sizeof<T>(), changetype<O>(0).one(x, <T>z, <T>s));
  }
}

/** Writes values V of elements x..x+31 to the workspace, f32 from VALUES on, x a multiple of 32. */
export function draw<V>(params: Params, x: u64): void {
  const words = workspace(params);
  philox8(words, params.s0, params.s1, <u32>x, <u32>(x >> 32) | NOISE_COUNTER, 0, 4, params.k0, params.k1);
  changetype<V>(0).make(words + VALUES, words);
}

/** Feeds values V of elements start..start+n-1 of the stream to epilogue S. n is below 2^31 - 32. */
export function noise<V, S>(dst: usize, src: usize, n: usize, s: f64, params: Params): void {
  const epilogue = changetype<S>(0);
  const values = workspace(params) + VALUES;
  const start = params.start;
  const whole = <u32>max(<i32>n - STEP + 1, 0);
  // i is the offset in the output of a step's first element: negative in front of the output.
  for (let i: i32 = -(<i32>start & (STEP - 1)); i < <i32>n; i += STEP) {
    draw<V>(params, start + i);
    if (ASC_FEATURE_SIMD) {
      if (<u32>i < whole) {
        const factor = pinned(epilogue.splat(s), workspace(params) + FACTOR);
        for (let j = 0; j < STEP; j += 4) epilogue.quad(dst, src, i + j, v128.load(values + (j << 2)), factor);
        continue;
      }
    }
    const end = min(i + STEP, <i32>n);
    for (let j = max(i, 0); j < end; ++j) epilogue.one(dst, src, j, load<f32>(values + ((j - i) << 2)), s);
  }
}

/** The same on an array. Copies the bits if the factor is 0 in the type of the data. */
// @ts-ignore: decorator
@inline
export function noiseOn<T, O>(dst: usize, src: usize, n: usize, s: f64, params: Params): void {
  if (<T>s == 0) memory.copy(dst, src, n * sizeof<T>());
  else noise<Normal, Epilogue<T, Each, O>>(dst, src, n, s, params);
}

/** Values V, times s, plus `offset`, as f32. */
// @ts-ignore: decorator
@inline
export function fill<V>(dst: usize, n: usize, offset: f64, s: f64, params: Params): void {
  const at = workspace(params) + OFFSET;
  if (ASC_FEATURE_SIMD) v128.store(at, f32x4.splat(<f32>offset));
  else store<f32>(at, <f32>offset);
  noise<V, Epilogue<f32, Same, Plus<f32>>>(dst, at, n, s, params);
}
