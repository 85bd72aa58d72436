// One pass of a kernel over data of any length, wherever they lie, with dropout's decisions drawn beside it: by the kernel itself where there
// is one that can and may, otherwise as bytes, a piece at a time.
// Invariant: what a pass needs is allocated when it is prepared, so that running it cannot fail.

import type { Context } from "../core/dropout.js";
import { type Frame, PIECE } from "../engine/frame.js";
import type { Operand } from "../engine/operand.js";
import { BIAS_RECORD, STEP } from "../ground/abi.js";
import { byteLength, type Dtype } from "../ground/dtypes.js";
import type { Elementwise } from "./kernels.js";

// Kernels count elements in signed 32 bits.
const CHUNK = 2 ** 30;
/** The row of a matrix without a bias. */
const NO_BIAS = 1024;

/** The kernels of one operation, by where they have their decisions from. */
export interface Sources {
  readonly tile?: Elementwise | undefined;
  readonly bytes: Elementwise;
}

export interface Operands {
  readonly input: Operand & { readonly dtype: Dtype };
  readonly other?: Operand | undefined;
  readonly output: Operand;
  readonly bias?: Operand | undefined;
}

/** What is done with each piece of a result: `pointer` is where it lies. */
export type After = (pointer: number, at: number, count: number) => void;

/** Prepares the pass of an operation of assembly/fused/elementwise.ts for the call's recipe; `after`, if any, is run on each piece of the result. */
export function prepareElementwise(context: Context, frame: Frame, kernels: Sources, operands: Operands, after?: After): () => void {
  const { call } = context;
  const { input, other, output, bias } = operands;
  const { kind, p, length } = call.recipe;
  // A kernel that draws finds out about ties after it has written, and then looks at `other` once more.
  const drawing =
    kind === "tile" && !(other?.resident && output.resident && other.enter(0, 0) === output.enter(0, 0)) ? kernels.tile : undefined;
  const kernel = drawing ?? kernels.bytes;
  const keep = drawing === undefined && p > 0 ? frame.scratch(Math.min(PIECE, length)) : 0;
  const columns = bias === undefined ? NO_BIAS : bias.length * Math.ceil(STEP / bias.length);
  const row = frame.scratch(BIAS_RECORD + byteLength(input.dtype, columns + STEP));
  if (bias !== undefined) frame.stage(bias);
  const run = preparePieces(context, frame, operands, keep === 0 && after === undefined, (at, count, dst, src, second) => {
    if (keep > 0) call.draw(context.kernels.mask[kind].bytes, keep, at, count);
    call.draw((pointer, n, params) => kernel(pointer, src, second, row, at % columns, columns, n, params, keep), dst, at, count);
    after?.(dst, at, count);
  });
  return () => {
    writeRow(context, input.dtype, row + BIAS_RECORD, columns + STEP, bias);
    run();
  };
}

/** Prepares dropout itself for the call's recipe; `after`, if any, is run on each piece of the result. */
export function prepareDropout(context: Context, frame: Frame, operands: Operands, after?: After): () => void {
  const { call, kernels } = context;
  const kernel = kernels.dropout[call.recipe.kind][operands.input.dtype];
  return preparePieces(context, frame, operands, after === undefined, (at, count, dst, src) => {
    call.drop(kernel, dst, src, at, count);
    after?.(dst, at, count);
  });
}

/** Prepares to run `body` on pieces that begin where the stream has tiles, or on all at once where operands lie in wasm memory and that is `wanted`. */
function preparePieces(
  { call }: Context,
  frame: Frame,
  { input, other, output }: Operands,
  wanted: boolean,
  body: (at: number, count: number, dst: number, src: number, other: number) => void,
): () => void {
  const { start, length } = call.recipe;
  const whole = wanted && input.resident && output.resident && other?.resident !== false;
  const most = whole ? CHUNK : PIECE;
  for (const operand of [input, other, output]) if (operand !== undefined) frame.stage(operand);
  return () => {
    for (let at = 0; at < length; ) {
      const count = Math.min(most - ((start + at) % most), length - at);
      const src = input.enter(at, count);
      const second = other === undefined ? 0 : other.enter(at, count);
      body(at, count, output.enter(at, count), src, second);
      output.leave(at, count);
      at += count;
    }
  };
}

/** Fills the `count` elements at `pointer` with the bias again and again, or with what changes nothing when it is added. */
function writeRow({ memory }: Context, dtype: Dtype, pointer: number, count: number, bias: Operand | undefined): void {
  const row = memory.view(dtype, pointer, count);
  if (bias === undefined) {
    row.fill(-0);
    return;
  }
  const { length } = bias;
  for (let at = 0; at < length; at += PIECE) {
    const some = Math.min(PIECE, length - at);
    row.set(memory.view(dtype, bias.enter(at, some), some), at);
  }
  for (let at = length; at < count; at += length) row.copyWithin(at, 0, Math.min(length, count - at));
}
