// The epilogue of bit masks; ./select.ts lists the methods.

/** A bit an element, least significant first, 1 = keep, the unused bits of the last byte 0. */
@unmanaged
export class Bits {
  // If the output does not start on a multiple of 8 in the stream, the byte in memory that is not yet full is the carry.
  @inline paired(i: usize, n: usize): bool {
    return (i & 7) == 0;
  }

  @inline factor(scale: f64): v128 {
    return i8x16.splat(0);
  }

  @inline step(dst: usize, src: usize, bits: usize, i: usize, keep: v128, factor: v128): void {
    const at = bits + (i >> 3);
    const shift = <u32>i & 7;
    const word = (<u32>i8x16.bitmask(keep)) << shift;
    if (shift == 0) {
      store<u16>(at, <u16>word);
    } else {
      store<u16>(at, <u16>(word | load<u8>(at)));
      store<u8>(at, <u8>(word >> 16), 2);
    }
  }

  @inline one(dst: usize, src: usize, bits: usize, i: usize, keep: bool, scale: f64): void {
    const at = bits + (i >> 3);
    const shift = <u32>i & 7;
    const before = shift == 0 ? 0 : <u32>load<u8>(at);
    store<u8>(at, <u8>(before | ((<u32>keep) << shift)));
  }

  @inline restrict(dst: usize, bits: usize, i: usize, keep: u32): void {
    const at = bits + (i >> 3);
    store<u8>(at, <u8>(load<u8>(at) & ~((keep ^ 1) << (<u32>i & 7))));
  }

  @inline keepAll(dst: usize, src: usize, bits: usize, n: usize, scale: f64): void {
    memory.fill(bits, 0xff, n >> 3);
    const rest = <u32>n & 7;
    if (rest) store<u8>(bits + (n >> 3), <u8>(((<u32>1) << rest) - 1));
  }

  @inline dropAll(dst: usize, src: usize, bits: usize, n: usize, scale: f64): void {
    memory.fill(bits, 0, (n + 7) >> 3);
  }
}
