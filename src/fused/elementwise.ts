// Sweeps of kernels over elements, dropout's decisions drawn by the kernel itself where there is one that can and may, otherwise as bytes.

import type { Memory } from "../engine/memory.js";
import type { Taken, TakenData } from "../engine/operand.js";
import type { Running, Taking } from "../engine/pass.js";
import { PIECE } from "../engine/pieces.js";
import { BIAS_RECORD, STEP } from "../ground/abi.js";
import { byteLength, type Dtype } from "../ground/dtypes.js";
import type { Elementwise } from "./kernels.js";
import { Sweep } from "./sweep.js";

/** The columns of a matrix without a bias. */
const NO_BIAS = 1024;

/** The kernels of one operation, by the source of their decisions. */
export interface Sources {
  readonly tile?: Elementwise | undefined;
  readonly bytes: Elementwise;
}

export interface Operands {
  readonly input: TakenData;
  readonly other?: Taken | undefined;
  readonly output: Taken;
  readonly bias?: Taken | undefined;
  /** A result that is a copy of the input. */
  readonly copy?: Taken | undefined;
}

/** Reads each part of a result: `pointer` is the address of its elements at..at+count-1. */
export type After = (pointer: number, at: number, count: number) => void;

/** Takes the sweep of an operation of assembly/fused/elementwise.ts; `after`, if any, is run on each part of the result. */
export function takeElementwise(pass: Taking, kernels: Sources, operands: Operands, after?: After): (run: Running) => void {
  const { memory } = pass.engine;
  const { other, bias } = operands;
  const sweep = Sweep.ofElements(pass);
  const input = sweep.matrix(operands.input);
  const second = other === undefined ? undefined : sweep.matrix(other);
  const output = sweep.matrix(operands.output);
  // A kernel that draws finds out about ties after it has written, and then looks at `other` once more.
  const shared = second?.resident === true && output.resident && second.enter(0, 0) === output.enter(0, 0);
  const drawing = pass.draw.kind === "tile" && !shared ? kernels.tile : undefined;
  const kernel = drawing ?? kernels.bytes;
  const drawn = drawing === undefined && sweep.drawBytes();
  if (!drawn && after === undefined) sweep.allowWhole();
  const { dtype } = input;
  const columns = bias === undefined || bias.length === 0 ? NO_BIAS : bias.length * Math.ceil(STEP / bias.length);
  const row = pass.scratch(BIAS_RECORD + byteLength(dtype, columns + STEP));
  const added = bias === undefined ? undefined : pass.stage(bias);
  return (run) => {
    writeRow(memory, dtype, row + BIAS_RECORD, columns + STEP, added);
    sweep.run(run, (at, count, keep) => {
      const from = input.enter(at, count);
      const to = output.enter(at, count);
      kernel(to, from, second === undefined ? 0 : second.enter(at, count), row, at % columns, columns, count, run.params(at), keep);
      after?.(to, at, count);
    });
  };
}

/** Takes the sweep of dropout itself; `after`, if any, is run on each part of the result. */
export function takeDropout(pass: Taking, operands: Operands, after?: After): (run: Running) => void {
  const { memory, kernels } = pass.engine;
  const sweep = Sweep.ofElements(pass);
  const input = sweep.matrix(operands.input);
  const copy = operands.copy === undefined ? undefined : sweep.matrix(operands.copy);
  const output = sweep.matrix(operands.output);
  if (after === undefined) sweep.allowWhole();
  const { dtype } = input;
  const kernel = kernels.dropout[pass.draw.kind][dtype];
  return (run) => {
    sweep.run(run, (at, count) => {
      const from = input.enter(at, count);
      // First, as the output may take the place of the input.
      if (copy !== undefined) memory.view(dtype, copy.enter(at, count), count).set(memory.view(dtype, from, count));
      const to = output.enter(at, count);
      kernel(to, from, count, run.params(at));
      after?.(to, at, count);
    });
  };
}

/** Fills the `count` elements at `pointer` with the bias again and again, or with what changes nothing when it is added. */
function writeRow(memory: Memory, dtype: Dtype, pointer: number, count: number, bias: Bias | undefined): void {
  const row = memory.view(dtype, pointer, count);
  if (bias === undefined || bias.length === 0) {
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

type Bias = ReturnType<Taking["stageStored"]>;
