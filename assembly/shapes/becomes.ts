// An element that a decision of a broadcast mask keeps or drops, and its result: one small class a rule, with the same inline methods.
//
//   quad(dst, src, keep, a, b, c)     four elements, `keep` one 32-bit lane each, a to c in every lane
//   one(dst, src, keep, a, b, c)      one element
//   branches()                        whether long runs are better done as a whole, by
//   whole(dst, src, n, keep, a)       n elements that are all kept or all dropped
//
// Invariant: an element is read before it is written, so dst = src is allowed. Selection is bitwise: nothing of a dropped element stays.

import { Scaled, Select } from "../epilogue/select";
import { widenHigh32, widenLow32 } from "../simd/lanes";

/** y = keep ? a x : +0. */
@unmanaged
export class Dropped<T> {
  @inline quad(dst: usize, src: usize, keep: v128, a: v128, b: v128, c: v128): void {
    changetype<Select<T, Scaled<T>>>(0).quad(dst, src, keep, a);
  }

  @inline one(dst: usize, src: usize, keep: bool, a: f64, b: f64, c: f64): void {
    changetype<Select<T, Scaled<T>>>(0).one(dst, src, 0, 0, keep, a);
  }

  @inline branches(): bool {
    return true;
  }

  @inline whole(dst: usize, src: usize, n: usize, keep: bool, a: f64): void {
    if (keep) changetype<Select<T, Scaled<T>>>(0).keepAll(dst, src, 0, n, a);
    else changetype<Select<T, Scaled<T>>>(0).dropAll(dst, src, 0, n, a);
  }
}

/** y = keep ? a x + b : c, the product rounded before the sum. */
@unmanaged
export class Affine<T> {
  @inline vector(dst: usize, src: usize, keep: v128, a: v128, b: v128, c: v128): void {
    const x = v128.load(src);
    const y = sizeof<T>() == 4 ? f32x4.add(f32x4.mul(x, a), b) : f64x2.add(f64x2.mul(x, a), b);
    v128.store(dst, v128.bitselect(y, c, keep));
  }

  @inline quad(dst: usize, src: usize, keep: v128, a: v128, b: v128, c: v128): void {
    if (sizeof<T>() == 4) {
      this.vector(dst, src, keep, a, b, c);
    } else {
      this.vector(dst, src, widenLow32(keep), a, b, c);
      this.vector(dst + 16, src + 16, widenHigh32(keep), a, b, c);
    }
  }

  @inline one(dst: usize, src: usize, keep: bool, a: f64, b: f64, c: f64): void {
    store<T>(dst, keep ? load<T>(src) * <T>a + <T>b : <T>c);
  }

  @inline branches(): bool {
    return false;
  }

  @inline whole(dst: usize, src: usize, n: usize, keep: bool, a: f64): void {}
}
