// Probabilities that differ by element: each element compares the random integer of its decision with a threshold of its own, so that it is kept where a
// call with that one probability keeps it. Two small arrays, the integers and the rates, are broadcast over the data; an array in row-major order is
// walked in runs along which each of them stays, or moves by one.
// Invariant: a call goes on where the record says and moves it on by n elements; an element is read before it is written, so dst = src is allowed.

import { RateField, RatesField, RatesLevelField } from "../../src/ground/abi";
import { keeps } from "./runs";

/** The walk, whole numbers that may exceed 32 bits; src/ground/abi.ts has the layout. */
@unmanaged
export class RatesWalk {
  /** Elements of a run. */
  run: f64;
  /** 1 where each element of a run has an integer, or a rate, of its own; 0 where they share one. */
  eachInteger: f64;
  eachRate: f64;
  /** Number of levels. */
  levels: f64;
  /** Elements of the present run that are done. */
  at: f64;
  /** Indices of the next element's integer and rate. */
  integer: f64;
  rate: f64;
}

/** A dimension outside the run. */
@unmanaged
class RatesLevel {
  size: f64;
  /** From one place to the next; 0 where it is shared. */
  integers: f64;
  rates: f64;
  /** The present place. */
  at: f64;
}

/** The numbers that follow from a probability. */
@unmanaged
class Rate {
  /** An element is kept where its integer is not below this. */
  threshold: f64;
  /** y = keep ? a x + b : dropped. */
  a: f64;
  b: f64;
  dropped: f64;
}

/** The results of a call: data, or the bits of its mask. One loop writes all, as an element costs more than to ask which. */
export enum Result {
  single,
  double,
  bits,
}

/** y = keep ? a x + b : dropped, the product rounded before the sum; the bits of x where a is 1 and b 0. */
// @ts-ignore: decorator
@inline
function become<T>(dst: usize, src: usize, i: usize, keep: bool, rate: Rate): void {
  const x = load<T>(src + i * sizeof<T>());
  let y = <T>rate.dropped;
  if (keep) y = rate.a == 1 && rate.b == 0 ? x : <T>(<T>(x * <T>rate.a) + <T>rate.b);
  store<T>(dst + i * sizeof<T>(), y);
}

/** Sets bit i of dst where the element is kept, and clears it where not. */
// @ts-ignore: decorator
@inline
function setBit(dst: usize, i: usize, keep: bool): void {
  const at = dst + (i >> 3);
  const bit = <u8>i & 7;
  store<u8>(at, (load<u8>(at) & ~((<u8>1) << bit)) | ((<u8>keep) << bit));
}

/** Writes n results, with the integers and rates that `walk` broadcasts. */
export function rated(result: Result, dst: usize, src: usize, n: usize, integers: usize, rates: usize, walk: RatesWalk): void {
  if (offsetof<RatesWalk>() != RatesField.fields * 8) ERROR("RatesField is not the layout of RatesWalk");
  if (offsetof<RatesLevel>() != RatesLevelField.fields * 8) ERROR("RatesLevelField is not the layout of RatesLevel");
  if (offsetof<Rate>() != RateField.fields * 8) ERROR("RateField is not the layout of Rate");
  const run = <i64>walk.run;
  const eachInteger = <i64>walk.eachInteger;
  const eachRate = <i64>walk.eachRate;
  const integerBytes = (<usize>eachInteger) << 3;
  const rateBytes = <usize>eachRate * offsetof<Rate>();
  let at = <i64>walk.at;
  for (let i: usize = 0; i < n; ) {
    const count = <usize>min<i64>(run - at, n - i);
    let integer = integers + ((<usize>(<i64>walk.integer)) << 3);
    let rate = rates + <usize>(<i64>walk.rate) * offsetof<Rate>();
    for (const end = i + count; i < end; ++i, integer += integerBytes, rate += rateBytes) {
      const own = changetype<Rate>(rate);
      const keep = load<f64>(integer) >= own.threshold;
      if (result == Result.single) become<f32>(dst, src, i, keep, own);
      else if (result == Result.double) become<f64>(dst, src, i, keep, own);
      else setBit(dst, i, keep);
    }
    at += count;
    walk.integer += <f64>(count * eachInteger);
    walk.rate += <f64>(count * eachRate);
    if (at == run) {
      at = 0;
      walk.integer -= <f64>(run * eachInteger);
      walk.rate -= <f64>(run * eachRate);
      moveOn(walk);
    }
  }
  walk.at = <f64>at;
}

/** Goes on by one run. */
function moveOn(walk: RatesWalk): void {
  let level = changetype<usize>(walk) + offsetof<RatesWalk>();
  const end = level + <usize>walk.levels * offsetof<RatesLevel>();
  for (; level < end; level += offsetof<RatesLevel>()) {
    const dimension = changetype<RatesLevel>(level);
    walk.integer += dimension.integers;
    walk.rate += dimension.rates;
    dimension.at += 1;
    if (dimension.at < dimension.size) break;
    dimension.at = 0;
    walk.integer -= dimension.integers * dimension.size;
    walk.rate -= dimension.rates * dimension.size;
  }
}

/** Writes for each of n decisions of a stored mask an integer, of which all thresholds follow what the mask says: `kept`, or -1 where it drops. */
export function storedIntegers(dst: usize, mask: usize, first: u64, n: usize, kept: f64): void {
  for (let i: usize = 0; i < n; ++i) store<f64>(dst + (i << 3), keeps(mask, first + i) ? kept : -1);
}
