// GeluTanh of f32 as ./bytes.ts has it with ./elementwise.ts, but in two passes over blocks of elements: one up to the exponent and the fraction of the power,
// the other from there on. As in ./powers.ts either has its constants in registers, and chains of dependent operations half as long.
// Invariant: the bits of GeluTanh.value(), whose operations these are.

import { PASS_BLOCK, STEP } from "../../src/ground/abi";
import { held, SLOTS } from "../math/held";
import { widenHigh8, widenHigh16, widenLow8, widenLow16 } from "../simd/lanes";
import { Params, pinned, workspace } from "../stream/params";
import { GeluTanh, hold } from "./activation";
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

/** The first pass: x + bias to `to`, the rest to the room at `at`. */
// @ts-ignore: decorator
@inline
function split(
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
  const v = f32x4.add(v128.load(x), v128.load(bias));
  v128.store(to, v);
  const size = f32x4.pmin(v128.and(v, unsigned), bound);
  v128.store(at, size, SIZES);
  const y = f32x4.mul(size, f32x4.add(f32x4.mul(f32x4.mul(size, size), cubicTerm), linearTerm));
  const t = f32x4.add(y, toExponent);
  v128.store(at, t);
  v128.store(at, f32x4.sub(y, f32x4.sub(t, toExponent)), FRACTIONS);
}

/** The second pass. */
// @ts-ignore: decorator
@inline
function join(
  to: usize,
  at: usize,
  keep: v128,
  factor: v128,
  c0: v128,
  c1: v128,
  c2: v128,
  c3: v128,
  c4: v128,
  c5: v128,
  one: v128,
  raised: v128,
): void {
  const r = v128.load(at, FRACTIONS);
  const r2 = f32x4.mul(r, r);
  const high = f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(r, c5), c4), r2), f32x4.add(f32x4.mul(r, c3), c2));
  const ratio = f32x4.add(f32x4.mul(high, r2), f32x4.add(f32x4.mul(r, c1), c0));
  const power = f32x4.mul(f32x4.add(f32x4.mul(r, ratio), one), i32x4.shl(v128.load(at), 23));
  const gap = f32x4.div(f32x4.mul(v128.load(at, SIZES), power), f32x4.add(power, raised));
  const v = f32x4.sub(f32x4.pmax(v128.load(to), f32x4.splat(0)), gap);
  v128.store(to, v128.and(f32x4.mul(v, factor), keep));
}

/** y = dropout(geluTanh(x + bias)) of n elements, by the decisions at `keep`, or where that is 0 of kept ones; `bits` is the address of a place. */
export function geluTanh(dst: usize, src: usize, bits: usize, keep: usize, n: usize, params: Params): void {
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const place = changetype<Place>(bits);
    const table = bits + offsetof<Place>();
    hold<GeluTanh>(table);
    const factor = pinned(f32x4.splat(<f32>params.scale), workspace(params));
    const c0 = held(table, 0);
    const c1 = held(table, 1);
    const c2 = held(table, 2);
    const c3 = held(table, 3);
    const c4 = held(table, 4);
    const c5 = held(table, 5);
    const toExponent = held(table, 6);
    const one = held(table, 9);
    const unsigned = held(table, 24);
    const bound = held(table, 25);
    const raised = held(table, 27);
    const cubicTerm = held(table, 28);
    const linearTerm = held(table, 29);
    const room = table + (SLOTS << 4);
    for (const whole = n & ~(STEP - 1); i < whole; ) {
      const count = whole - i < BLOCK ? whole - i : BLOCK;
      const end = room + (count << 2);
      let x = src + (i << 2);
      let to = dst + (i << 2);
      let bias = place.bias;
      for (let at = room; at < end; at += 64) {
        split(x, bias, to, at, unsigned, bound, cubicTerm, linearTerm, toExponent);
        split(x + 16, bias + 16, to + 16, at + 16, unsigned, bound, cubicTerm, linearTerm, toExponent);
        split(x + 32, bias + 32, to + 32, at + 32, unsigned, bound, cubicTerm, linearTerm, toExponent);
        split(x + 48, bias + 48, to + 48, at + 48, unsigned, bound, cubicTerm, linearTerm, toExponent);
        bias += 64;
        if (bias >= place.end) bias -= place.span;
        x += 64;
        to += 64;
      }
      place.bias = bias;
      to = dst + (i << 2);
      for (let at = room; at < end; at += 64) {
        const kept = keep ? i8x16.neg(v128.load(keep + i)) : i8x16.splat(-1);
        const low = widenLow8(kept);
        const high = widenHigh8(kept);
        join(to, at, widenLow16(low), factor, c0, c1, c2, c3, c4, c5, one, raised);
        join(to + 16, at + 16, widenHigh16(low), factor, c0, c1, c2, c3, c4, c5, one, raised);
        join(to + 32, at + 32, widenLow16(high), factor, c0, c1, c2, c3, c4, c5, one, raised);
        join(to + 48, at + 48, widenHigh16(high), factor, c0, c1, c2, c3, c4, c5, one, raised);
        i += STEP;
        to += 64;
      }
    }
  }
  const epilogue = changetype<Elementwise<f32, Activate<GeluTanh>>>(0);
  for (; i < n; ++i) epilogue.one(dst, src, bits, i, !keep || load<u8>(keep + i), params.scale);
}
