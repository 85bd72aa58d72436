// A source of decisions: a byte mask in scratch, 1 = keep, 0 = drop, drawn by the core.

import { STEP } from "../../src/ground/abi";
import { Params, pinned, workspace } from "../stream/params";

/** Feeds the n decisions at `keep`, or where that is 0 nothing but kept elements, to epilogue S. */
export function bytes<S>(dst: usize, src: usize, bits: usize, keep: usize, n: usize, params: Params): void {
  const epilogue = changetype<S>(0);
  if (!keep && !epilogue.long()) return epilogue.keepAll(dst, src, bits, n, params.scale);
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    epilogue.hold(bits);
    const factor = pinned(epilogue.factor(params.scale), workspace(params));
    for (const whole = n & ~(STEP - 1); i < whole; i += STEP) {
      epilogue.step(dst, src, bits, i, keep ? i8x16.neg(v128.load(keep + i)) : i8x16.splat(-1), factor);
    }
  }
  for (; i < n; ++i) epilogue.one(dst, src, bits, i, !keep || load<u8>(keep + i), params.scale);
}

/** bytes() without vectors, for an epilogue that has none. */
export function singly<S>(dst: usize, src: usize, bits: usize, keep: usize, n: usize, params: Params): void {
  for (let i: usize = 0; i < n; ++i) changetype<S>(0).one(dst, src, bits, i, !keep || load<u8>(keep + i), params.scale);
}
