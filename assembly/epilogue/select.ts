// Epilogues: what a stream or a stored mask does with its keep decisions. One small class for each kind of output, all with the same inline
// methods, so that the loop of a source is written once. Sources reach them with changetype<S>(0), which compiles to nothing. This file has
// the outputs of elements; ./bits.ts, ./bytes.ts and ./both.ts have the others.
//
//   paired(i, n)                         whether steps at i, i + 16, ... may come out of order, and gain by it: they are too short to hide
//                                        that those of a generator wait for each other
//   factor(scale)                        the scale in every lane, made once a call
//   step(dst, src, bits, i, keep, f)     elements i..i+15, all inside the output; `keep` has a byte of ones for each kept one
//   one(dst, src, bits, i, keep, scale)  the single element i; elements come in ascending order
//   restrict(dst, bits, i, keep)         drops element i, already written as kept, unless `keep`, which is 0 or 1
//   keepAll / dropAll(dst, src, bits, n, scale)  the whole output, where all elements are kept, or all dropped
//
// `bits` is the address that Bits writes to. Invariant: an element's input is read before its output is written and nothing outside elements 0..n-1 is
// touched, so dst = src is allowed. Selection is bitwise: a dropped NaN gives +0.

import { widenHigh8, widenHigh16, widenHigh32, widenLow8, widenLow16, widenLow32 } from "../simd/lanes";

/** y = keep ? value : +0 for elements of type T; V says what the value of a kept element is. */
@unmanaged
export class Select<T, V> {
  @inline paired(i: usize, n: usize): bool {
    return false;
  }

  // Data of 16 bits are computed with in f32.
  @inline factor(scale: f64): v128 {
    return sizeof<T>() == 8 ? f64x2.splat(scale) : f32x4.splat(<f32>scale);
  }

  @inline vector(dst: usize, src: usize, keep: v128, factor: v128): void {
    v128.store(dst, v128.and(changetype<V>(0).vector(src, factor), keep));
  }

  /** Four elements, `keep` one 32-bit lane each. */
  @inline quad(dst: usize, src: usize, keep: v128, factor: v128): void {
    if (sizeof<T>() == 4) {
      this.vector(dst, src, keep, factor);
    } else {
      this.vector(dst, src, widenLow32(keep), factor);
      this.vector(dst + 16, src + 16, widenHigh32(keep), factor);
    }
  }

  @inline step(dst: usize, src: usize, bits: usize, i: usize, keep: v128, factor: v128): void {
    const d = dst + i * sizeof<T>();
    const s = src + i * sizeof<T>();
    const low = widenLow8(keep);
    const high = widenHigh8(keep);
    if (sizeof<T>() == 2) {
      this.vector(d, s, low, factor);
      this.vector(d + 16, s + 16, high, factor);
      return;
    }
    this.quad(d, s, widenLow16(low), factor);
    this.quad(d + 4 * sizeof<T>(), s + 4 * sizeof<T>(), widenHigh16(low), factor);
    this.quad(d + 8 * sizeof<T>(), s + 8 * sizeof<T>(), widenLow16(high), factor);
    this.quad(d + 12 * sizeof<T>(), s + 12 * sizeof<T>(), widenHigh16(high), factor);
  }

  @inline one(dst: usize, src: usize, bits: usize, i: usize, keep: bool, scale: f64): void {
    const at = i * sizeof<T>();
    if (keep) changetype<V>(0).one(dst + at, src + at, scale);
    else store<T>(dst + at, <T>0);
  }

  @inline restrict(dst: usize, bits: usize, i: usize, keep: u32): void {
    const at = dst + i * sizeof<T>();
    if (sizeof<T>() == 2) store<u16>(at, <u16>(load<u16>(at) & -keep));
    else if (sizeof<T>() == 4) store<u32>(at, load<u32>(at) & -keep);
    else store<u64>(at, load<u64>(at) & -(<u64>keep));
  }

  @inline keepAll(dst: usize, src: usize, bits: usize, n: usize, scale: f64): void {
    changetype<V>(0).all(dst, src, n, scale);
  }

  @inline dropAll(dst: usize, src: usize, bits: usize, n: usize, scale: f64): void {
    memory.fill(dst, 0, n * sizeof<T>());
  }
}

/** The input itself, bit for bit. */
@unmanaged
export class Input<T> {
  @inline vector(src: usize, factor: v128): v128 {
    return v128.load(src);
  }

  // Moved as an integer: a float register may quieten a signalling NaN on some engines.
  @inline one(dst: usize, src: usize, scale: f64): void {
    if (sizeof<T>() == 2) store<u16>(dst, load<u16>(src));
    else if (sizeof<T>() == 4) store<u32>(dst, load<u32>(src));
    else store<u64>(dst, load<u64>(src));
  }

  @inline all(dst: usize, src: usize, n: usize, scale: f64): void {
    if (dst != src) memory.copy(dst, src, n * sizeof<T>());
  }
}

/** The input times the scale: inverted dropout. */
@unmanaged
export class Scaled<T> {
  @inline vector(src: usize, factor: v128): v128 {
    return sizeof<T>() == 4 ? f32x4.mul(v128.load(src), factor) : f64x2.mul(v128.load(src), factor);
  }

  @inline one(dst: usize, src: usize, scale: f64): void {
    store<T>(dst, load<T>(src) * <T>scale);
  }

  @inline all(dst: usize, src: usize, n: usize, scale: f64): void {
    scaleAll<T, Scaled<T>>(dst, src, n, scale);
  }
}

/** All n elements times the scale, as V does it, where that is 1 bit for bit; a function of its own, as every source needs it and none often. */
export function scaleAll<T, V>(dst: usize, src: usize, n: usize, scale: f64): void {
  if (scale == 1) return changetype<Input<T>>(0).all(dst, src, n, scale);
  const value = changetype<V>(0);
  // Bytes are counted down: an end at 4 GiB would be address 0.
  let left = n * sizeof<T>();
  if (ASC_FEATURE_SIMD) {
    const factor = changetype<Select<T, V>>(0).factor(scale);
    for (; left >= 16; left -= 16, dst += 16, src += 16) v128.store(dst, value.vector(src, factor));
  }
  for (; left; left -= sizeof<T>(), dst += sizeof<T>(), src += sizeof<T>()) value.one(dst, src, scale);
}

/** The scale itself: a mask to multiply with. */
@unmanaged
export class Scale<T> {
  @inline vector(src: usize, factor: v128): v128 {
    return factor;
  }

  @inline one(dst: usize, src: usize, scale: f64): void {
    store<T>(dst, <T>scale);
  }

  @inline all(dst: usize, src: usize, n: usize, scale: f64): void {
    for (let i: usize = 0; i < n; ++i) this.one(dst + i * sizeof<T>(), src, scale);
  }
}
