// Activations of f32 as ./bytes.ts has them with ./elementwise.ts, but in passes over blocks of elements: exponents and fractions of the powers first, results
// last. As in ./powers.ts each pass has its constants in registers, and chains of dependent operations are short.
//
// A class for each activation, with these methods; `room` is that of a block, `end` the end of its first array:
//
//   first(src, to, place, room, end, table)        x + bias to `to`, the rest to the room
//   middle(room, end, table)                       what stands between, if anything
//   last(to, keep, room, end, table, scale, work)  y in place of x + bias
//
// Invariant: the bits of value() of the activation, whose operations these are.

import { PASS_BLOCK, STEP } from "../../src/ground/abi";
import { fractionOf, powerOf } from "../math/exp";
import { held, SLOTS } from "../math/held";
import { given4, given5 } from "../math/polynomial";
import { widenHigh8, widenHigh16, widenLow8, widenLow16 } from "../simd/lanes";
import { Params, pinned, workspace } from "../stream/params";
import { hold } from "./activation";
import { Activate } from "./bias";
import { Elementwise, Place } from "./elementwise";

// @ts-ignore: decorator
@inline
const BLOCK: usize = PASS_BLOCK;
// Offsets in the room of a block: of exponents, of fractions, and of |x + bias|, bounded.
// @ts-ignore: decorator
@inline
const FRACTIONS: usize = BLOCK << 2;
// @ts-ignore: decorator
@inline
const SIZES: usize = BLOCK << 3;

/** Stores the exponent of y, for four elements, as ../math/exp.ts has it. Returns it. */
// @ts-ignore: decorator
@inline
function exponent(at: usize, y: v128, toExponent: v128): v128 {
  const t = f32x4.add(y, toExponent);
  v128.store(at, t);
  return t;
}

/** The beginning of a first pass for four elements. Returns |x + bias|, bounded. */
// @ts-ignore: decorator
@inline
function begin(x: usize, bias: usize, to: usize, at: usize, unsigned: v128, bound: v128): v128 {
  const v = f32x4.add(v128.load(x), v128.load(bias));
  v128.store(to, v);
  const size = f32x4.pmin(v128.and(v, unsigned), bound);
  v128.store(at, size, SIZES);
  return size;
}

/** The end of a last pass for four elements: dropout of max(x + bias, 0) - gap. */
// @ts-ignore: decorator
@inline
function finish(to: usize, gap: v128, keep: v128, factor: v128): void {
  v128.store(to, v128.and(f32x4.mul(f32x4.sub(f32x4.pmax(v128.load(to), f32x4.splat(0)), gap), factor), keep));
}

/** The place in the bias after 16 elements. */
// @ts-ignore: decorator
@inline
function moveOn(place: Place, bias: usize): usize {
  bias += 64;
  return bias >= place.end ? bias - place.span : bias;
}

/** The decisions of 16 elements. */
// @ts-ignore: decorator
@inline
function sixteen(keep: usize, i: usize): v128 {
  return keep ? i8x16.neg(v128.load(keep + i)) : i8x16.splat(-1);
}

/** A last pass of P, whose gap() takes the constants in this order; k7 is for those that have as many. */
// @ts-ignore: decorator
@inline
function finishAll<P>(
  to: usize,
  keep: usize,
  room: usize,
  end: usize,
  factor: v128,
  k0: v128,
  k1: v128,
  k2: v128,
  k3: v128,
  k4: v128,
  k5: v128,
  k6: v128,
  k7: v128,
): void {
  const p = changetype<P>(0);
  let i: usize = 0;
  for (let at = room; at < end; at += 64) {
    const kept = sixteen(keep, i);
    const low = widenLow8(kept);
    const high = widenHigh8(kept);
    finish(to, p.gap(at, k0, k1, k2, k3, k4, k5, k6, k7), widenLow16(low), factor);
    finish(to + 16, p.gap(at + 16, k0, k1, k2, k3, k4, k5, k6, k7), widenHigh16(low), factor);
    finish(to + 32, p.gap(at + 32, k0, k1, k2, k3, k4, k5, k6, k7), widenLow16(high), factor);
    finish(to + 48, p.gap(at + 48, k0, k1, k2, k3, k4, k5, k6, k7), widenHigh16(high), factor);
    i += STEP;
    to += 64;
  }
}

@unmanaged
export class GeluTanhPasses {
  @inline split(
    x: usize,
    bias: usize,
    to: usize,
    at: usize,
    unsigned: v128,
    bound: v128,
    cubicTerm: v128,
    linearTerm: v128,
    toExponent: v128,
  ): void {
    const size = begin(x, bias, to, at, unsigned, bound);
    const y = f32x4.mul(size, f32x4.add(f32x4.mul(f32x4.mul(size, size), cubicTerm), linearTerm));
    v128.store(at, f32x4.sub(y, f32x4.sub(exponent(at, y, toExponent), toExponent)), FRACTIONS);
  }

  first(x: usize, to: usize, place: Place, room: usize, end: usize, table: usize): void {
    const unsigned = held(table, 24);
    const bound = held(table, 25);
    const cubicTerm = held(table, 28);
    const linearTerm = held(table, 29);
    const toExponent = held(table, 6);
    let bias = place.bias;
    for (let at = room; at < end; at += 64) {
      this.split(x, bias, to, at, unsigned, bound, cubicTerm, linearTerm, toExponent);
      this.split(x + 16, bias + 16, to + 16, at + 16, unsigned, bound, cubicTerm, linearTerm, toExponent);
      this.split(x + 32, bias + 32, to + 32, at + 32, unsigned, bound, cubicTerm, linearTerm, toExponent);
      this.split(x + 48, bias + 48, to + 48, at + 48, unsigned, bound, cubicTerm, linearTerm, toExponent);
      bias = moveOn(place, bias);
      x += 64;
      to += 64;
    }
    place.bias = bias;
  }

  @inline gap(at: usize, c0: v128, c1: v128, c2: v128, c3: v128, c4: v128, c5: v128, one: v128, raised: v128): v128 {
    const r = v128.load(at, FRACTIONS);
    const ratio = given5<v128>(r, f32x4.mul(r, r), c0, c1, c2, c3, c4, c5);
    const power = f32x4.mul(f32x4.add(f32x4.mul(r, ratio), one), i32x4.shl(v128.load(at), 23));
    return f32x4.div(f32x4.mul(v128.load(at, SIZES), power), f32x4.add(power, raised));
  }

  last(to: usize, keep: usize, room: usize, end: usize, table: usize, scale: f32, work: usize): void {
    const factor = pinned(f32x4.splat(scale), work);
    const c0 = held(table, 0);
    const c1 = held(table, 1);
    const c2 = held(table, 2);
    const c3 = held(table, 3);
    const c4 = held(table, 4);
    const c5 = held(table, 5);
    const one = held(table, 9);
    const raised = held(table, 27);
    finishAll<GeluTanhPasses>(to, keep, room, end, factor, c0, c1, c2, c3, c4, c5, one, raised);
  }
}

@unmanaged
export class GeluPasses {
  first(x: usize, to: usize, place: Place, room: usize, end: usize, table: usize): void {
    const unsigned = held(table, 24);
    const bound = held(table, 25);
    const exactly = held(table, 21);
    const minusHalf = held(table, 22);
    const half = held(table, 23);
    const log2E = held(table, 0);
    const toExponent = held(table, 1);
    const ln2High = held(table, 2);
    const ln2Low = held(table, 3);
    let bias = place.bias;
    for (let at = room; at < end; ) {
      for (let k: usize = 0; k < 64; k += 16) {
        const size = begin(x + k, bias + k, to + k, at + k, unsigned, bound);
        const most = v128.and(size, exactly);
        const exact = f32x4.mul(f32x4.mul(most, most), minusHalf);
        const rest = f32x4.mul(f32x4.mul(f32x4.sub(most, size), f32x4.add(most, size)), half);
        const t = exponent(at + k, f32x4.mul(f32x4.add(exact, rest), log2E), toExponent);
        v128.store(at + k, f32x4.add(fractionOf<v128>(exact, t, toExponent, ln2High, ln2Low), rest), FRACTIONS);
      }
      bias = moveOn(place, bias);
      x += 64;
      to += 64;
      at += 64;
    }
    place.bias = bias;
  }

  middle(room: usize, end: usize, table: usize): void {
    const p0 = held(table, 10);
    const p1 = held(table, 11);
    const p2 = held(table, 12);
    const p3 = held(table, 13);
    const p4 = held(table, 14);
    const q0 = held(table, 15);
    const q1 = held(table, 16);
    const q2 = held(table, 17);
    const q3 = held(table, 18);
    const q4 = held(table, 19);
    const q5 = held(table, 20);
    for (let at = room; at < end; at += 16) {
      const x = v128.load(at, SIZES);
      const x2 = f32x4.mul(x, x);
      const p = given4<v128>(x, x2, p0, p1, p2, p3, p4);
      const q = given5<v128>(x, x2, q0, q1, q2, q3, q4, q5);
      v128.store(at, f32x4.mul(x, f32x4.div(p, q)), SIZES);
    }
  }

  @inline gap(at: usize, c0: v128, c1: v128, c2: v128, c3: v128, c4: v128, one: v128, lower: v128, _none: v128): v128 {
    const power = powerOf<v128, v128>(v128.load(at), v128.load(at, FRACTIONS), c0, c1, c2, c3, c4, one);
    return f32x4.mul(f32x4.mul(v128.load(at, SIZES), power), lower);
  }

  last(to: usize, keep: usize, room: usize, end: usize, table: usize, scale: f32, work: usize): void {
    const factor = pinned(f32x4.splat(scale), work);
    const c0 = held(table, 4);
    const c1 = held(table, 5);
    const c2 = held(table, 6);
    const c3 = held(table, 7);
    const c4 = held(table, 8);
    const one = held(table, 9);
    const lower = held(table, 26);
    finishAll<GeluPasses>(to, keep, room, end, factor, c0, c1, c2, c3, c4, one, lower, lower);
  }
}

/**
 * y = dropout(A(x + bias)) of n elements by passes P, by the decisions at `keep`, or where that is 0 of kept ones; `bits` is the address of a place.
 */
export function inPasses<P, A>(dst: usize, src: usize, bits: usize, keep: usize, n: usize, params: Params): void {
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const p = changetype<P>(0);
    const table = bits + offsetof<Place>();
    hold<A>(table);
    const room = table + (SLOTS << 4);
    for (const whole = n & ~(STEP - 1); i < whole; ) {
      const count = whole - i < BLOCK ? whole - i : BLOCK;
      const end = room + (count << 2);
      const to = dst + (i << 2);
      p.first(src + (i << 2), to, changetype<Place>(bits), room, end, table);
      if (isDefined(p.middle)) p.middle(room, end, table);
      p.last(to, keep ? keep + i : 0, room, end, table, <f32>params.scale, workspace(params));
      i += count;
    }
  }
  const epilogue = changetype<Elementwise<f32, Activate<A>>>(0);
  for (; i < n; ++i) epilogue.one(dst, src, bits, i, !keep || load<u8>(keep + i), params.scale);
}
