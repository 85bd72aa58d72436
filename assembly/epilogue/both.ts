// Two epilogues as one; ./select.ts lists the methods.

/** Two outputs of one pass; the factor is A's. */
@unmanaged
export class Both<A, B> {
  @inline paired(i: usize, n: usize): bool {
    return false;
  }

  @inline factor(scale: f64): v128 {
    return changetype<A>(0).factor(scale);
  }

  @inline step(dst: usize, src: usize, bits: usize, i: usize, keep: v128, factor: v128): void {
    changetype<A>(0).step(dst, src, bits, i, keep, factor);
    changetype<B>(0).step(dst, src, bits, i, keep, factor);
  }

  @inline one(dst: usize, src: usize, bits: usize, i: usize, keep: bool, scale: f64): void {
    changetype<A>(0).one(dst, src, bits, i, keep, scale);
    changetype<B>(0).one(dst, src, bits, i, keep, scale);
  }

  @inline restrict(dst: usize, bits: usize, i: usize, keep: u32): void {
    changetype<A>(0).restrict(dst, bits, i, keep);
    changetype<B>(0).restrict(dst, bits, i, keep);
  }

  @inline keepAll(dst: usize, src: usize, bits: usize, n: usize, scale: f64): void {
    changetype<A>(0).keepAll(dst, src, bits, n, scale);
    changetype<B>(0).keepAll(dst, src, bits, n, scale);
  }

  @inline dropAll(dst: usize, src: usize, bits: usize, n: usize, scale: f64): void {
    changetype<A>(0).dropAll(dst, src, bits, n, scale);
    changetype<B>(0).dropAll(dst, src, bits, n, scale);
  }
}
