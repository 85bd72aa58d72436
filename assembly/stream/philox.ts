// The "philox" keep stream: element i drops iff word i mod 4 of the Philox block with counter (stream, i - i mod 4) is below T, so that
// any machine can decide any element by itself. Sources: Salmon et al., SC11; docs/keep-streams.md for the layout, which follows oneDNN's
// dropout with an offset.
// Invariant: no state between steps; the 16 elements of a step are the words of four consecutive blocks, one half of what is drawn at once.

import { STEP } from "../../src/ground/abi";
import { philox8, WORDS, wordOf } from "./generator";
import { Params, workspace } from "./params";
import { partOfStep } from "./step";

/** Leaves in the workspace the random words of the 32 elements around i. */
function drawWords(params: Params, i: u64): void {
  philox8(workspace(params), params.s0, params.s1, <u32>i & -WORDS, <u32>(i >> 32), 0, 4, params.k0, params.k1);
}

/** A byte of ones for each kept element. A lane holds words 0..3 of one block, so byte w of the lane belongs to word w. */
// @ts-ignore: decorator
@inline
function keep4(params: Params, i: u64): v128 {
  const words = wordOf(workspace(params), <u32>i & STEP);
  const threshold = i32x4.splat(<i32>params.threshold);
  const byte0 = v128.and(i32x4.ge_u(v128.load(words), threshold), i32x4.splat(0x000000ff));
  const byte1 = v128.and(i32x4.ge_u(v128.load(words, 16), threshold), i32x4.splat(0x0000ff00));
  const byte2 = v128.and(i32x4.ge_u(v128.load(words, 32), threshold), i32x4.splat(0x00ff0000));
  const byte3 = v128.and(i32x4.ge_u(v128.load(words, 48), threshold), i32x4.splat(0xff000000));
  return v128.or(v128.or(byte0, byte1), v128.or(byte2, byte3));
}

/** A bit for each kept element. */
function keepBits(params: Params, i: u64): u32 {
  let keep: u32 = 0;
  for (let j = 0; j < STEP; ++j) {
    const word = load<u32>(wordOf(workspace(params), (<u32>i & STEP) + j));
    keep |= (<u32>(word >= <u32>params.threshold)) << j;
  }
  return keep;
}

/** Feeds elements start..start+n-1 of the stream to epilogue S. n is below 2^31 - 16. */
export function philox<S>(dst: usize, src: usize, bits: usize, n: usize, params: Params): void {
  const epilogue = changetype<S>(0);
  const start = params.start;
  const scale = params.scale;
  if (params.threshold == 0) return epilogue.keepAll(dst, src, bits, n, scale);
  if (params.threshold == (<u64>1) << 32) return epilogue.dropAll(dst, src, bits, n, scale);

  const whole = <u32>max(<i32>n - STEP + 1, 0);
  // i is the offset in the output of a step's first element: negative in front of the output.
  for (let i: i32 = -(<i32>start & (STEP - 1)); i < <i32>n; i += STEP) {
    const x = start + i;
    if (i <= 0 || !(<u32>x & STEP)) drawWords(params, x);
    if (ASC_FEATURE_SIMD) {
      if (<u32>i < whole) {
        epilogue.step(dst, src, bits, i, keep4(params, x), epilogue.factor(scale));
        continue;
      }
    }
    partOfStep<S>(dst, src, bits, n, i, keepBits(params, x), scale);
  }
}

/** Writes the words of elements start..start+n-1 of the stream to dst, an f64 each. n is below 2^31 - 32. */
export function philoxIntegers(dst: usize, n: usize, params: Params): void {
  for (let i: u32 = 0; i < <u32>n; ++i) {
    const x = params.start + i;
    if (i == 0 || !(<u32>x & (WORDS - 1))) drawWords(params, x);
    store<f64>(dst + ((<usize>i) << 3), <f64>load<u32>(wordOf(workspace(params), <u32>x & (WORDS - 1))));
  }
}
