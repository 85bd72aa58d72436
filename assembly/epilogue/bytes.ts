// The epilogue of byte masks; ./select.ts lists the methods.

// Bytes that caches hold: beyond them, writing in two places at once costs more than it gains.
// @ts-ignore: decorator
@inline
const CACHED: usize = 1 << 21;

/** A byte an element, 1 = keep, 0 = drop. */
@unmanaged
export class Bytes {
  @inline paired(i: usize, n: usize): bool {
    return n <= CACHED;
  }

  @inline factor(scale: f64): v128 {
    return i8x16.splat(0);
  }

  @inline step(dst: usize, src: usize, bits: usize, i: usize, keep: v128, factor: v128): void {
    // A byte of ones is -1.
    v128.store(dst + i, i8x16.neg(keep));
  }

  @inline one(dst: usize, src: usize, bits: usize, i: usize, keep: bool, scale: f64): void {
    store<u8>(dst + i, <u8>keep);
  }

  @inline restrict(dst: usize, bits: usize, i: usize, keep: u32): void {
    store<u8>(dst + i, <u8>(load<u8>(dst + i) & keep));
  }

  @inline keepAll(dst: usize, src: usize, bits: usize, n: usize, scale: f64): void {
    memory.fill(dst, 1, n);
  }

  @inline dropAll(dst: usize, src: usize, bits: usize, n: usize, scale: f64): void {
    memory.fill(dst, 0, n);
  }
}
