// Applies the keep decision of a weight: one class with decisions, one without, with the same inline methods, reached by
// changetype<M>(0). Eight consecutive weights are a step, 32 bytes of f32 or 64 of f64.
// Invariant: selection is bitwise, a dropped value of any kind is +0.

import { widenHigh16, widenHigh32, widenLow16, widenLow32 } from "../simd/lanes";

/** Weights in a step: the bytes of decisions that one instruction widens. */
// @ts-ignore: decorator
@inline
export const STEP: usize = 8;

/** Decisions in bytes, 1 = keep, 0 = drop. */
@unmanaged
export class Bytes {
  /** Returns true if all are kept. */
  @inline all(): bool {
    return false;
  }

  @inline at(keep: usize, index: usize): usize {
    return keep + index;
  }

  /** The decisions of a step as 16-bit masks. */
  @inline step(keep: usize): v128 {
    return i16x8.neg(v128.load8x8_u(keep));
  }

  /** Vector number k of a step. */
  @inline vector<T>(v: v128, step: v128, k: i32): v128 {
    if (sizeof<T>() == 4) return v128.and(v, k == 0 ? widenLow16(step) : widenHigh16(step));
    const half = k < 2 ? widenLow16(step) : widenHigh16(step);
    return v128.and(v, (k & 1) == 0 ? widenLow32(half) : widenHigh32(half));
  }

  @inline one<T>(v: T, keep: usize): T {
    return load<u8>(keep) ? v : <T>0;
  }
}

/** No decisions: all kept. */
@unmanaged
export class All {
  @inline all(): bool {
    return true;
  }

  @inline at(keep: usize, index: usize): usize {
    return 0;
  }

  @inline step(keep: usize): v128 {
    return i16x8.splat(0);
  }

  @inline vector<_T>(v: v128, step: v128, k: i32): v128 {
    return v;
  }

  @inline one<T>(v: T, keep: usize): T {
    return v;
  }
}
