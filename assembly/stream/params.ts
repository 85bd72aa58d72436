// The parameter record that the host writes and every kernel reads: which stream, where in it, and with what probability.
// Invariant: it is the kernels' only state. One record (with its workspace) a thread, and a module serves any number of them.

import { PARAMS_RECORD } from "../../src/ground/abi";

// Byte layout, little-endian; src/engine/memory.ts writes the same offsets.
@unmanaged
export class Params {
  /** Seed, low and high word: the Philox key. */
  k0: u32;
  k1: u32;
  /** Stream number, low and high word: two words of the Philox counter. */
  s0: u32;
  s1: u32;
  /** Index in the stream of the first element, below 2^53. */
  start: u64;
  /** T: an element is dropped where its random integer is below T. */
  threshold: u64;
  /** The factor of a kept element, already rounded to the kernel's type. */
  scale: f64;
}

/** Scratch behind the record, on a 16-byte boundary: 128 bytes for what Philox leaves, and what assembly/stream/tile.ts adds to it. */
// @ts-ignore: decorator
@inline
export function workspace(params: Params): usize {
  if (<i32>offsetof<Params>() > PARAMS_RECORD) ERROR("PARAMS_RECORD is less than the size of Params");
  return changetype<usize>(params) + PARAMS_RECORD;
}

/** `v` by way of 16 bytes of scratch: V8 makes a constant or splatted vector anew at every use, in loops too, but keeps a loaded one in its register. */
// @ts-ignore: decorator
@inline
export function pinned(v: v128, scratch: usize): v128 {
  v128.store(scratch, v);
  return v128.load(scratch);
}
