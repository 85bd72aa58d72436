// Decisions that several elements share: an array in row-major order, walked beside the smaller bit mask that is broadcast over it.
// Neighbouring dimensions over which the mask is broadcast, or is not, are one dimension to the walk, so that the two sorts alternate. The
// innermost is a run of elements that share a decision or have one each; those outside it, from the inside out, are the record's levels.
// Invariant: a call goes on where the record says and moves it on by n elements; behind the last element it is at the first again.

import { LevelField, WALK_CONSTANTS, WALK_GATHERED, WALK_LEVELS, WalkField } from "../../src/ground/abi";
import { repeat, spread } from "./gather";
import { bitsAt, keeps, separateRun, sharedRun, storeConstants } from "./runs";

/** The dimensions and the place in them, whole numbers that may exceed 32 bits; src/ground/abi.ts has the layout. */
@unmanaged
export class Walk {
  /** Elements of a run. */
  run: f64;
  /** 1 where each element of a run has a decision of its own, 0 where the run has one. */
  each: f64;
  /** Number of levels, at least 1. */
  levels: f64;
  /** Elements of the present run that are done. */
  at: f64;
  /** Bit of the mask where the present run's decisions begin. */
  bit: f64;
  pad: f64;
}

/** A dimension outside the run. */
@unmanaged
class Level {
  size: f64;
  /** Bits of the mask from one place to the next, 0 where it is broadcast. */
  step: f64;
  /** The present place. */
  at: f64;
}

/** The most elements of runs whose decisions are gathered first, as a run by itself costs more than its elements. */
// @ts-ignore: decorator
@inline
const SHORT: u32 = 32;
// Behind the constants of runs lies the tile of gathered decisions.
// @ts-ignore: decorator
@inline
const TILE: usize = offsetof<Walk>() + WALK_CONSTANTS;

/** Feeds the next n elements to epilogue S: what they become depends on a, b and c. */
export function broadcast<T, S>(dst: usize, src: usize, mask: usize, n: usize, walk: Walk, a: f64, b: f64, c: f64): void {
  if (offsetof<Walk>() != WalkField.fields * 8) ERROR("WalkField is not the layout of Walk");
  if (offsetof<Level>() != LevelField.fields * 8) ERROR("LevelField is not the layout of Level");
  storeConstants<T>(constantsOf(walk), a, b, c);
  if (walk.run <= SHORT) shortRuns<T, S>(dst, src, mask, n, walk, a, b, c);
  else longRuns<T, S>(dst, src, mask, n, walk, a, b, c);
}

// @ts-ignore: decorator
@inline
function constantsOf(walk: Walk): usize {
  return changetype<usize>(walk) + offsetof<Walk>();
}

function longRuns<T, S>(dst: usize, src: usize, mask: usize, n: usize, walk: Walk, a: f64, b: f64, c: f64): void {
  const constants = constantsOf(walk);
  const run = <i64>walk.run;
  let at = <i64>walk.at;
  while (n > 0) {
    const count = <usize>min<i64>(run - at, n);
    const bit = <u64>walk.bit;
    if (walk.each != 0) separateRun<T, S>(dst, src, count, mask, bit + at, constants, a, b, c);
    else sharedRun<T, S>(dst, src, count, keeps(mask, bit), constants, a, b, c);
    dst += count * sizeof<T>();
    src += count * sizeof<T>();
    n -= count;
    at += count;
    if (at == run) {
      at = 0;
      moveOn(walk, 1);
    }
  }
  walk.at = <f64>at;
}

function shortRuns<T, S>(dst: usize, src: usize, mask: usize, n: usize, walk: Walk, a: f64, b: f64, c: f64): void {
  const tile = changetype<usize>(walk) + TILE;
  const inner = changetype<Level>(changetype<usize>(walk) + WALK_LEVELS);
  const run = <u32>walk.run;
  let at = <u32>walk.at;
  let filled: u32 = 0;
  while (n > 0) {
    const bit = <u64>walk.bit;
    // Whole runs of one row, or a part of one.
    const runs = at > 0 ? 0 : <u32>min<f64>(inner.size - inner.at, min<u32>(<u32>n, WALK_GATHERED - filled) / run);
    const length = runs > 0 ? run : min<u32>(run - at, <u32>n);
    const times = max<u32>(runs, 1);
    if (walk.each != 0) filled = repeat(tile, filled, bitsAt(mask, bit + at, length) & (((<u64>1) << length) - 1), length, times);
    else filled = spread(tile, filled, mask, bit, length, times);
    n -= length * times;
    at += length;
    if (at == run) {
      at = 0;
      moveOn(walk, times);
    }
    if (filled > <u32>WALK_GATHERED - run || n == 0) {
      separateRun<T, S>(dst, src, filled, tile, 0, constantsOf(walk), a, b, c);
      dst += filled * sizeof<T>();
      src += filled * sizeof<T>();
      filled = 0;
    }
  }
  walk.at = at;
}

/** Goes on by some runs, which do not lead beyond the end of the innermost level. */
function moveOn(walk: Walk, runs: f64): void {
  let level = changetype<usize>(walk) + WALK_LEVELS;
  const end = level + <usize>walk.levels * offsetof<Level>();
  let bit = walk.bit;
  for (; level < end; level += offsetof<Level>(), runs = 1) {
    const dimension = changetype<Level>(level);
    bit += dimension.step * runs;
    dimension.at += runs;
    if (dimension.at < dimension.size) break;
    dimension.at = 0;
    bit -= dimension.step * dimension.size;
  }
  walk.bit = bit;
}
