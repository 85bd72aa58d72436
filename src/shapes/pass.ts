// One pass of data through a mask: the room that it needs, then the work.
// Invariant: a prepare function checks nothing, takes all scratch and writes nothing; what it returns writes and cannot fail.

import type { Context } from "../core/dropout.js";
import { type Frame, PIECE, parts } from "../engine/frame.js";
import type { Operand } from "../engine/operand.js";
import { byteLength, type DataDtype, type Dtype } from "../ground/dtypes.js";
import { keepProbability } from "../stream/probability.js";
import type { ShapesKernels } from "./kernels.js";
import { piecewise, recordLength, type Walk, writeRecord } from "./walk.js";

/** The most elements that a kernel is given at once, as kernels count in signed 32 bits. */
export const CHUNK = 2 ** 30;

/** What a pass works with. */
export interface Pass {
  readonly context: Context;
  readonly kernels: ShapesKernels;
  readonly frame: Frame;
  readonly dtype: Dtype;
  readonly input: Operand;
  readonly output: Operand;
  /** Where the mask is to be written too. */
  readonly mask?: Operand | undefined;
}

/** An operation of which masks with a shape are a part, with what its tickets say beside the core's fields. */
export interface Operation<F extends object = object> {
  readonly shape: readonly number[];
  /** Number of decisions. */
  readonly decisions: number;
  readonly fields: F;
  /** Makes room for a pass forward or backward; returns what then does it. */
  readonly prepare: (pass: Pass, backward: boolean) => () => void;
}

/** What a kernel does with n elements by bits of a mask along a walk. */
export type Rule = (dst: number, src: number, bits: number, n: number, record: number) => void;

/** Takes the input to the output, all at once where both lie in wasm memory, else piece by piece. */
function transfer({ input, output }: Pass, kernel: (dst: number, src: number, at: number, count: number) => void, most = CHUNK): void {
  const resident = input.resident && output.resident;
  for (const { at, count } of parts(input.length, resident ? most : PIECE)) {
    const src = input.enter(at, count);
    const dst = output.enter(at, count);
    kernel(dst, src, at, count);
    output.leave(at, count);
  }
}

/** Whether the present recipe leaves nothing to chance: all are kept, or all dropped. */
export function isCertain({ call }: Context): boolean {
  const { p, kind, rescale } = call.recipe;
  const kept = keepProbability(p, kind);
  return kept === 0 || kept === 1 || rescale === "test";
}

/** The core's dropout of every element by a decision of its own. */
export function prepareCore({ context, input, output }: Pass): () => void {
  const { call, kernels } = context;
  // It knows 16-bit data, and copies their bits where nothing changes.
  for (const operand of [input, output]) operand.convert(undefined);
  const kernel = kernels.dropout[call.recipe.kind][input.dtype as DataDtype];
  return () => call.transform(kernel, output, input);
}

/** A pass by a mask that is complete when the work begins, along a walk. */
export function prepareWalk(pass: Pass, walk: Walk, bits: number, rule: Rule): () => void {
  const { context, frame } = pass;
  stage(pass);
  const record = frame.scratch(byteLength("f64", recordLength(walk)));
  return () => {
    writeRecord(context.memory, record, walk);
    transfer(pass, (dst, src, _, count) => rule(dst, src, bits, count, record));
  };
}

/** A pass by a mask of `decisions` bits, drawn before the work that `prepareUse` makes room for begins; the mask also goes to the pass's own, if it has one. */
export function prepareDrawn(pass: Pass, decisions: number, prepareUse: (bits: number) => () => void): () => void {
  const { context, frame, mask } = pass;
  const { call, kernels } = context;
  if (mask !== undefined) frame.stage(mask, decisions);
  const bits = mask === undefined ? frame.scratch(byteLength("bits", decisions)) : mask.enter(0, decisions);
  const use = prepareUse(bits);
  const draw = kernels.mask[call.recipe.kind].bits;
  return () => {
    for (const { at, count } of parts(decisions, CHUNK)) call.draw(draw, bits + at / 8, at, count);
    mask?.leave(0, decisions);
    use();
  };
}

/** A pass of every element by a decision of its own, drawn piece by piece, so that the mask takes constant memory. */
export function preparePieces(pass: Pass, rule: Rule): () => void {
  const { context, frame } = pass;
  const { call, kernels, memory } = context;
  stage(pass);
  const walk = piecewise(PIECE);
  const record = frame.scratch(byteLength("f64", recordLength(walk)));
  const bits = frame.scratch(byteLength("bits", PIECE));
  const draw = kernels.mask[call.recipe.kind].bits;
  return () => {
    writeRecord(memory, record, walk);
    transfer(
      pass,
      (dst, src, at, count) => {
        call.draw(draw, bits, at, count);
        rule(dst, src, bits, count, record);
      },
      PIECE,
    );
  };
}

function stage({ frame, input, output }: Pass): void {
  frame.stage(input);
  frame.stage(output);
}
