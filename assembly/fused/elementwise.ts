// An epilogue (assembly/epilogue/) for y[i] = f(dropout(g(x[i], other[i], bias[c])), other[i]), c being the column of element i of a matrix. Operation
// E says what f and g are:
//
//   vector(x, other, bias, table) / value(x, other, bias)   g of what lies at these addresses
//   join(v, other) / joinOne(v, other)                      f
//   long()                                                  whether g is so long that its code is not to stand there several times
//   hold(table)                                             writes the constants of g to the table, where it has one
//
// Invariant: elements come in ascending order, each once, which moves the place in the bias on; all inputs of an element are read before
// it is written, so dst may be x. It may be `other` only where f does not read that, as a tie may be dropped after the element was written.

import { BIAS_RECORD, PASS_BLOCK, STEP } from "../../src/ground/abi";
import { SLOTS } from "../math/held";
import { widenHigh8, widenHigh16, widenHigh32, widenLow8, widenLow16, widenLow32 } from "../simd/lanes";

/** The address of the second input, and that of the next element's column in the bias: `bits` of the epilogue. */
@unmanaged
export class Place {
  other: usize;
  /** Address of the bias of the next element's column. */
  bias: usize;
  /** The end of the bias, and its length in bytes. */
  end: usize;
  span: usize;
}

/**
 * The place of an element in column `column`, for an epilogue. `row` is the address of a record and, behind it, of the bias of `columns` columns, at
 * least 16, and behind it that of the first 16 again, so that those of any 16 elements lie together.
 */
// @ts-ignore: decorator
@inline
export function placeOf<T>(row: usize, other: usize, column: usize, columns: usize): usize {
  if (offsetof<Place>() + (SLOTS << 4) + PASS_BLOCK * 12 != BIAS_RECORD) ERROR("BIAS_RECORD is not the size of Place, a table and a block");
  const place = changetype<Place>(row);
  const bias = row + BIAS_RECORD;
  place.other = other;
  place.bias = bias + column * sizeof<T>();
  place.end = bias + columns * sizeof<T>();
  place.span = columns * sizeof<T>();
  return row;
}

/** The table of constants of a place. */
// @ts-ignore: decorator
@inline
function tableOf(bits: usize): usize {
  return bits + offsetof<Place>();
}

@unmanaged
export class Elementwise<T, E> {
  /** Prepares a loop over vectors. */
  @inline hold(bits: usize): void {
    changetype<E>(0).hold(tableOf(bits));
  }

  @inline long(): bool {
    return changetype<E>(0).long();
  }

  @inline paired(i: usize, n: usize): bool {
    return false;
  }

  @inline factor(scale: f64): v128 {
    return sizeof<T>() == 4 ? f32x4.splat(<f32>scale) : f64x2.splat(scale);
  }

  @inline vector(dst: usize, x: usize, other: usize, bias: usize, keep: v128, factor: v128, table: usize): void {
    const op = changetype<E>(0);
    const v = op.vector(x, other, bias, table);
    v128.store(dst, op.join(v128.and(sizeof<T>() == 4 ? f32x4.mul(v, factor) : f64x2.mul(v, factor), keep), other));
  }

  /** Four elements, `keep` one 32-bit lane each. */
  @inline quad(dst: usize, x: usize, other: usize, bias: usize, keep: v128, factor: v128, table: usize): void {
    if (sizeof<T>() == 4) {
      this.vector(dst, x, other, bias, keep, factor, table);
    } else {
      this.vector(dst, x, other, bias, widenLow32(keep), factor, table);
      this.vector(dst + 16, x + 16, other + 16, bias + 16, widenHigh32(keep), factor, table);
    }
  }

  @inline step(dst: usize, src: usize, bits: usize, i: usize, keep: v128, factor: v128): void {
    const place = changetype<Place>(bits);
    const at = i * sizeof<T>();
    const d = dst + at;
    const x = src + at;
    const other = place.other + at;
    const bias = place.bias;
    const table = tableOf(bits);
    if (changetype<E>(0).long()) {
      for (let k: usize = 0; k < <usize>STEP * sizeof<T>(); k += 4 * sizeof<T>()) {
        this.quad(d + k, x + k, other + k, bias + k, widenLow16(widenLow8(keep)), factor, table);
        keep = v128.shuffle<u32>(keep, keep, 1, 2, 3, 0);
      }
    } else {
      const low = widenLow8(keep);
      const high = widenHigh8(keep);
      this.quad(d, x, other, bias, widenLow16(low), factor, table);
      this.quad(d + 4 * sizeof<T>(), x + 4 * sizeof<T>(), other + 4 * sizeof<T>(), bias + 4 * sizeof<T>(), widenHigh16(low), factor, table);
      this.quad(d + 8 * sizeof<T>(), x + 8 * sizeof<T>(), other + 8 * sizeof<T>(), bias + 8 * sizeof<T>(), widenLow16(high), factor, table);
      this.quad(
        d + 12 * sizeof<T>(),
        x + 12 * sizeof<T>(),
        other + 12 * sizeof<T>(),
        bias + 12 * sizeof<T>(),
        widenHigh16(high),
        factor,
        table,
      );
    }
    this.moveOn(place, bias + STEP * sizeof<T>());
  }

  @inline moveOn(place: Place, bias: usize): void {
    place.bias = bias >= place.end ? bias - place.span : bias;
  }

  @inline one(dst: usize, src: usize, bits: usize, i: usize, keep: bool, scale: f64): void {
    const place = changetype<Place>(bits);
    const at = i * sizeof<T>();
    const op = changetype<E>(0);
    const other = place.other + at;
    store<T>(dst + at, op.joinOne(keep ? op.value(src + at, other, place.bias) * <T>scale : <T>0, other));
    this.moveOn(place, place.bias + sizeof<T>());
  }

  @inline restrict(dst: usize, bits: usize, i: usize, keep: u32): void {
    const at = i * sizeof<T>();
    if (!keep) store<T>(dst + at, changetype<E>(0).joinOne(<T>0, changetype<Place>(bits).other + at));
  }

  // The scale is 1.
  @inline keepAll(dst: usize, src: usize, bits: usize, n: usize, scale: f64): void {
    let i: usize = 0;
    if (ASC_FEATURE_SIMD) i = keepSteps<T, E>(dst, src, changetype<Place>(bits), n & ~(STEP - 1));
    for (; i < n; ++i) this.one(dst, src, bits, i, true, scale);
  }

  @inline dropAll(dst: usize, src: usize, bits: usize, n: usize, scale: f64): void {
    for (let i: usize = 0; i < n; ++i) this.one(dst, src, bits, i, false, scale);
  }
}

/** The first n elements, whole steps, with nothing dropped; returns n. */
function keepSteps<T, E>(dst: usize, x: usize, place: Place, n: usize): usize {
  const op = changetype<E>(0);
  let other = place.other;
  let bias = place.bias;
  let left = n * sizeof<T>();
  while (left) {
    // Up to where the bias begins again.
    let part = min(left, (place.end - bias + 63) & ~63);
    left -= part;
    for (; part; part -= 64) {
      v128.store(dst, op.join(op.vector(x, other, bias, 0), other));
      v128.store(dst + 16, op.join(op.vector(x + 16, other + 16, bias + 16, 0), other + 16));
      v128.store(dst + 32, op.join(op.vector(x + 32, other + 32, bias + 32, 0), other + 32));
      v128.store(dst + 48, op.join(op.vector(x + 48, other + 48, bias + 48, 0), other + 48));
      dst += 64;
      x += 64;
      other += 64;
      bias += 64;
    }
    if (bias >= place.end) bias -= place.span;
  }
  place.bias = bias;
  return n;
}
