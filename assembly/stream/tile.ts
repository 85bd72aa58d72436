// The "tile" keep stream: a xoshiro128 generator in each of four lanes, seeded by Philox once every 4,096 elements, a byte a decision.
// Sources: Blackman, Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47 (2021), section 10 (the ++ and **
// scramblers, 32-bit constants) and xoshiro128's step; docs/keep-streams.md for the layout.
// Invariant: element i drops iff U(i) < T, U(i) of 48 bits: 8 of the ++ scrambler, then, only on a tie, 8 of the ** scrambler, then,
// only on a tie, 32 of Philox at counter i.

import { NOTE_BYTES, NOTES, STEP, TIE_BLOCK, TILE } from "../../src/ground/abi";
import { Pair, philox4, philox8, Single, wordOf } from "./generator";
import { Params, pinned, workspace } from "./params";
import { partOfStep } from "./step";

// Top bit of the second word of a counter that decides a tie: keeps it apart from those that seed tiles, which stay below 2^43.
// @ts-ignore: decorator
@inline
const TIE_COUNTER: u32 = 0x80000000;

// Bytes of the state of a tile's four lanes.
// @ts-ignore: decorator
@inline
const LANES: usize = 64;

/** Thresholds with which elements may tie: all. */
@unmanaged
class AnyThreshold {
  @inline ties(): bool {
    return true;
  }
}

/**
 * Thresholds whose lower 40 bits are 0, those of probabilities that are multiples of 1/256: an element whose first byte equals T's is kept, whatever its
 * other bits are, so that there is nothing to note and to settle.
 */
@unmanaged
class Untied {
  @inline ties(): bool {
    return false;
  }
}

// @ts-ignore: decorator
@inline
function rotl4(x: v128, k: i32): v128 {
  return v128.or(i32x4.shl(x, k), i32x4.shr_u(x, 32 - k));
}

// @ts-ignore: decorator
@inline
function plusPlus4(s0: v128, s3: v128): v128 {
  return i32x4.add(rotl4(i32x4.add(s0, s3), 7), s0);
}

// rotl(s1 * 5, 7) * 9; shifts and adds are cheaper than a vector multiplication.
// @ts-ignore: decorator
@inline
function starStar4(s1: v128): v128 {
  const m = rotl4(i32x4.add(s1, i32x4.shl(s1, 2)), 7);
  return i32x4.add(m, i32x4.shl(m, 3));
}

/**
 * The address of the lanes of the tile that begins at offset i of n, seeded: word w of lane l at 16w + 4l. The lanes of an even tile and of the next are
 * drawn at once, unless the call has only one of the two.
 */
function lanesOf(params: Params, i: i32, n: i32): usize {
  const tile = (params.start + i) >> 12;
  const odd = <usize>tile & 1;
  const lanes = workspace(params) + odd * LANES;
  if (i <= 0 || !odd) {
    const block = tile << 2;
    const low = <u32>block;
    const high = <u32>(block >> 32);
    if (odd || i + TILE >= n) philox4(lanes, low, high, params.s0, params.s1, params.k0, params.k1);
    else philox8(lanes, low, high, params.s0, params.s1, 1, 0, params.k0, params.k1);
  }
  return lanes;
}

/** `keep` with the bits of `ties` set right: elements i + bit whose upper 16 bits equal T's. */
function keepOfTies(params: Params, i: u64, keep: u32, ties: u32): u32 {
  const out = workspace(params) + TIE_BLOCK;
  for (; ties; ties &= ties - 1) {
    const bit = <u32>ctz(ties);
    philox8(out, <u32>(i + bit), <u32>((i + bit) >> 32) | TIE_COUNTER, params.s0, params.s1, 0, 0, params.k0, params.k1);
    const kept = <u32>(load<u32>(out) >= <u32>params.threshold);
    keep = (keep & ~(1 << bit)) | (kept << bit);
  }
  return keep;
}

/** The decisions of one step, from `lanes`, with every tie resolved: a bit for each kept element. */
function keepBits(params: Params, lanes: usize, i: u64): u32 {
  const top = <u32>(params.threshold >> 32);
  let keep: u32 = 0;
  let ties: u32 = 0;
  for (let lane: u32 = 0; lane < 4; ++lane) {
    const at = lanes + (lane << 2);
    const s0 = load<u32>(at);
    const s1 = load<u32>(at, 16);
    const s3 = load<u32>(at, 48);
    const a = rotl<u32>(s0 + s3, 7) + s0;
    const b = rotl<u32>(s1 * 5, 7) * 9;
    for (let byte: u32 = 0; byte < 4; ++byte) {
      const u = (((a >> (byte << 3)) & 0xff) << 8) | ((b >> (byte << 3)) & 0xff);
      const bit = (lane << 2) + byte;
      keep |= (<u32>(u >= top)) << bit;
      ties |= (<u32>(u == top)) << bit;
    }
  }
  return ties ? keepOfTies(params, i, keep, ties) : keep;
}

/** Moves `lanes` `steps` steps on. */
function advance(lanes: usize, steps: i32): void {
  if (ASC_FEATURE_SIMD) {
    let s0 = v128.load(lanes);
    let s1 = v128.load(lanes, 16);
    let s2 = v128.load(lanes, 32);
    let s3 = v128.load(lanes, 48);
    for (; steps > 0; --steps) {
      const x = i32x4.shl(s1, 9);
      s2 = v128.xor(s2, s0);
      s3 = v128.xor(s3, s1);
      s1 = v128.xor(s1, s2);
      s0 = v128.xor(s0, s3);
      s2 = v128.xor(s2, x);
      s3 = rotl4(s3, 11);
    }
    v128.store(lanes, s0);
    v128.store(lanes, s1, 16);
    v128.store(lanes, s2, 32);
    v128.store(lanes, s3, 48);
  } else {
    for (let at = lanes; at < lanes + 16; at += 4) {
      let s0 = load<u32>(at);
      let s1 = load<u32>(at, 16);
      let s2 = load<u32>(at, 32);
      let s3 = load<u32>(at, 48);
      for (let left = steps; left > 0; --left) {
        const x = s1 << 9;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= x;
        s3 = rotl<u32>(s3, 11);
      }
      store<u32>(at, s0);
      store<u32>(at, s1, 16);
      store<u32>(at, s2, 32);
      store<u32>(at, s3, 48);
    }
  }
}

/** A step with ties, NOTE_BYTES long, noted to be settled later: the ** scrambler's input is still to be looked at. */
@unmanaged
class Tied {
  s1low: u64;
  s1high: u64;
  /** Offset of the step's first element. */
  i: u32;
  /** A bit for each element whose first byte equals T's. */
  ties: u32;
  pad: u64;
}

/**
 * Takes `lanes` from the step at offset i through steps that lie wholly in the output, up to offset `end`; returns where it got. With W a pair, i and end
 * are a tile's, and steps of the next tile, whose lanes are the next, are taken beside this one's: two chains of dependent operations in the time of
 * one.
 *
 * A branch on ties would be taken at random in one step of 16 and its mispredictions cost more than all else here, so a tied
 * element is kept at first and its step noted without a branch; settle() then drops what had to go. That needs no input, so dst = src works.
 */
// @ts-ignore: decorator
@inline
function wholeSteps<S, W, N>(dst: usize, src: usize, bits: usize, params: Params, lanes: usize, i: i32, end: i32): i32 {
  const epilogue = changetype<S>(0);
  // Both in the block for a tie, which is not needed before settle().
  const factor = pinned(epilogue.factor(params.scale), workspace(params) + TIE_BLOCK);
  const first = pinned(i8x16.splat(<u8>(params.threshold >> 40)), workspace(params) + TIE_BLOCK + 16);
  const notes = workspace(params) + NOTES;
  let note = notes;
  let s0 = v128.load(lanes);
  let s1 = v128.load(lanes, 16);
  let s2 = v128.load(lanes, 32);
  let s3 = v128.load(lanes, 48);
  let t0 = s0;
  let t1 = s0;
  let t2 = s0;
  let t3 = s0;
  if (changetype<W>(0).two()) {
    t0 = v128.load(lanes, LANES);
    t1 = v128.load(lanes, LANES + 16);
    t2 = v128.load(lanes, LANES + 32);
    t3 = v128.load(lanes, LANES + 48);
  }
  for (; i < end; i += STEP) {
    const a = plusPlus4(s0, s3);
    if (changetype<N>(0).ties()) note = noteTies(note, i, a, first, s1);
    epilogue.step(dst, src, bits, i, i8x16.ge_u(a, first), factor);
    const x = i32x4.shl(s1, 9);
    s2 = v128.xor(s2, s0);
    s3 = v128.xor(s3, s1);
    s1 = v128.xor(s1, s2);
    s0 = v128.xor(s0, s3);
    s2 = v128.xor(s2, x);
    s3 = rotl4(s3, 11);
    if (changetype<W>(0).two()) {
      const b = plusPlus4(t0, t3);
      if (changetype<N>(0).ties()) note = noteTies(note, i + TILE, b, first, t1);
      epilogue.step(dst, src, bits, i + TILE, i8x16.ge_u(b, first), factor);
      const y = i32x4.shl(t1, 9);
      t2 = v128.xor(t2, t0);
      t3 = v128.xor(t3, t1);
      t1 = v128.xor(t1, t2);
      t0 = v128.xor(t0, t3);
      t2 = v128.xor(t2, y);
      t3 = rotl4(t3, 11);
    }
  }
  if (changetype<W>(0).two()) {
    i += TILE;
  } else {
    v128.store(lanes, s0);
    v128.store(lanes, s1, 16);
    v128.store(lanes, s2, 32);
    v128.store(lanes, s3, 48);
  }
  if (changetype<N>(0).ties()) settle<S>(dst, bits, params, notes, note);
  return i;
}

/** Notes step i, of ++ scrambler output `a` and ** scrambler input `s1`, if it has ties; returns where the next note goes. */
// @ts-ignore: decorator
@inline
function noteTies(note: usize, i: i32, a: v128, first: v128, s1: v128): usize {
  const ties = <u32>i8x16.bitmask(i8x16.eq(a, first));
  v128.store(note, s1);
  store<u32>(note, i, offsetof<Tied>("i"));
  store<u32>(note, ties, offsetof<Tied>("ties"));
  return note + <usize>(ties ? NOTE_BYTES : 0);
}

/** Drops the tied elements of the noted steps that their lower 40 bits put below T. */
function settle<S>(dst: usize, bits: usize, params: Params, notes: usize, end: usize): void {
  if (offsetof<Tied>() != NOTE_BYTES) ERROR("NOTE_BYTES is not the size of Tied");
  const epilogue = changetype<S>(0);
  const second = i8x16.splat(<u8>(params.threshold >> 32));
  for (; notes < end; notes += NOTE_BYTES) {
    const i = changetype<Tied>(notes).i;
    let ties = changetype<Tied>(notes).ties;
    const b = starStar4(v128.load(notes));
    let keep = <u32>i8x16.bitmask(i8x16.ge_u(b, second));
    const open = ties & i8x16.bitmask(i8x16.eq(b, second));
    if (open) keep = keepOfTies(params, params.start + i, keep, open);
    // Nearly always one tie: settled without a branch on its outcome.
    do {
      const j = <u32>ctz(ties);
      epilogue.restrict(dst, bits, i + j, (keep >> j) & 1);
      ties &= ties - 1;
    } while (ties);
  }
}

/** One step at the edge of the output: the elements of i..i+15 that belong to it. Moves `lanes` on. */
function partialStep<S>(dst: usize, src: usize, bits: usize, n: usize, params: Params, lanes: usize, i: i32): void {
  partOfStep<S>(dst, src, bits, n, i, keepBits(params, lanes, params.start + i), params.scale);
  advance(lanes, 1);
}

/** Feeds elements start..start+n-1 of the stream to epilogue S. n is below 2^31 - 4096. */
export function tile<S>(dst: usize, src: usize, bits: usize, n: usize, params: Params): void {
  run<S, AnyThreshold>(dst, src, bits, n, params);
}

/** As tile(), with loops of their own for probabilities that cannot tie, as 0.5: for epilogues that do so little that noting ties costs much. */
export function tileOrUntied<S>(dst: usize, src: usize, bits: usize, n: usize, params: Params): void {
  run<S, Untied>(dst, src, bits, n, params);
}

/** As tile(); with N Untied, thresholds that cannot tie have loops of their own. */
// @ts-ignore: decorator
@inline
function run<S, N>(dst: usize, src: usize, bits: usize, n: usize, params: Params): void {
  if (params.threshold == 0) return changetype<S>(0).keepAll(dst, src, bits, n, params.scale);
  if (params.threshold == (<u64>1) << 48) return changetype<S>(0).dropAll(dst, src, bits, n, params.scale);

  const untied = !changetype<N>(0).ties() && params.threshold << 24 == 0;
  // i is the offset in the output of a step's first element: negative in front of the output.
  const before = <i32>params.start & (TILE - 1);
  let i: i32 = -before;
  while (i < <i32>n) {
    const lanes = lanesOf(params, i, n);
    if (ASC_FEATURE_SIMD) {
      // Lanes of an even tile come first, those of the next behind them.
      if (changetype<S>(0).paired(i, n) && lanes == workspace(params) && i >= 0 && i <= <i32>n - 2 * TILE) {
        if (untied) i = wholeSteps<S, Pair, N>(dst, src, bits, params, lanes, i, i + TILE);
        else i = wholeSteps<S, Pair, AnyThreshold>(dst, src, bits, params, lanes, i, i + TILE);
        continue;
      }
    }
    const end = min(i + TILE, <i32>n);
    if (i < 0) {
      advance(lanes, before / STEP);
      i += before & -STEP;
    }
    while (true) {
      if (ASC_FEATURE_SIMD) {
        const last = min(end, <i32>n - STEP + 1);
        if (i >= 0) {
          if (untied) i = wholeSteps<S, Single, N>(dst, src, bits, params, lanes, i, last);
          else i = wholeSteps<S, Single, AnyThreshold>(dst, src, bits, params, lanes, i, last);
        }
      }
      if (i >= end) break;
      partialStep<S>(dst, src, bits, n, params, lanes, i);
      i += STEP;
    }
  }
}

/** Writes U of elements start..start+n-1 of the stream to dst, an f64 each. n is below 2^31 - 4096. */
export function tileIntegers(dst: usize, n: usize, params: Params): void {
  const before = <i32>params.start & (TILE - 1);
  let i: i32 = -before;
  while (i < <i32>n) {
    const lanes = lanesOf(params, i, n);
    const end = min(i + TILE, <i32>n);
    if (i < 0) {
      advance(lanes, before / STEP);
      i += before & -STEP;
    }
    for (; i < end; i += STEP) {
      stepIntegers(dst, n, params, lanes, i);
      advance(lanes, 1);
    }
  }
}

/** U of those of elements i..i+15 that lie in 0..n-1. */
function stepIntegers(dst: usize, n: usize, params: Params, lanes: usize, i: i32): void {
  const out = workspace(params) + TIE_BLOCK;
  const first = max(i, 0);
  const end = min(i + STEP, <i32>n);
  let block = -1;
  for (let at = first; at < end; ++at) {
    const j = at - i;
    // Eight consecutive counters, which share all but the lowest bits.
    if (j >> 3 != block) {
      block = j >> 3;
      const x = params.start + i + (block << 3);
      philox8(out, <u32>x, <u32>(x >> 32) | TIE_COUNTER, params.s0, params.s1, 1, 0, params.k0, params.k1);
    }
    const state = lanes + (j & 12);
    const s0 = load<u32>(state);
    const a = rotl<u32>(s0 + load<u32>(state, 48), 7) + s0;
    const b = rotl<u32>(load<u32>(state, 16) * 5, 7) * 9;
    const shift = (j & 3) << 3;
    const top = (((a >> shift) & 0xff) << 8) | ((b >> shift) & 0xff);
    const low = load<u32>(wordOf(out, (j & 7) << 2));
    store<f64>(dst + ((<usize>at) << 3), <f64>(<i64>(((<u64>top) << 32) | low)));
  }
}
