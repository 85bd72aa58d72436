// PatchDropout: of each sample some tokens are kept and the others left out. Source: Liu, Matsoukas, Strand, Azizpour, Smith, "PatchDropout: economizing vision
// transformers using patch dropout", WACV 2023.

import { readForward } from "../core/options.js";
import type { AnyData, Taken } from "../engine/operand.js";
import type { Operation, Running, Taking } from "../engine/pass.js";
import { pieces, rowsOfPiece } from "../engine/pieces.js";
import { checkBelowOne, wrongValue } from "../ground/check.js";
import { byteLength } from "../ground/dtypes.js";
import { checkOptions } from "../ground/options.js";
import { productOf, takeShape } from "../ground/shape.js";
import { checkOrder, takeMarks } from "./exact.js";
import type { VariantsKernels } from "./kernels.js";
import { PATCH_KEYS, type PatchDropoutOptions, RESTORE_KEYS, type RestoreOptions } from "./options.js";
import { type PatchDropoutTicket, rangeOf, readRange, readTicket, type TicketPlan, type Tokens, tokensOf } from "./ticket.js";

// Larger than the error of n (1 - p), smaller than any part of a token that p could mean.
const SLACK = 2 ** -40;

interface PatchPlan {
  readonly x: AnyData;
  readonly common: ReturnType<typeof readForward>;
  readonly tokens: Tokens;
}

/** The result of a forward call. */
export interface PatchResult {
  readonly y: unknown;
  readonly shape: readonly number[];
  readonly indices: Uint32Array<ArrayBuffer>;
  readonly ticket: PatchDropoutTicket;
}

/** Returns the shape of what is kept. */
function keptShape({ shape, prefix, kept }: Tokens): number[] {
  return [shape[0] as number, prefix + kept, shape[2] as number];
}

/** y = the tokens that are kept. */
export function patchDropout(kernels: VariantsKernels): Operation<[x: AnyData, p: number, options: unknown], PatchPlan, PatchResult> {
  return {
    read(x, p, options) {
      checkBelowOne(p, "p");
      const common = readForward(p, options, PATCH_KEYS);
      checkOrder(common.kind);
      const { shape, prefix = 0 } = options as PatchDropoutOptions<AnyData>;
      const every = tokensOf(takeShape(shape, "shape", [3, 3]), prefix);
      const { columns } = every;
      const kept = common.training ? Math.min(columns, Math.max(1, Math.floor(columns * (1 - p) * (1 + SLACK)))) : columns;
      return { x, common, tokens: { ...every, kept } };
    },
    take(pass, { x, common, tokens }) {
      const { training, out, half, seed, stream, start } = common;
      const { draw } = pass;
      draw.choose(undefined, seed, stream);
      const input = pass.data(x, "x", half);
      const elements = productOf(tokens.shape);
      if (input.length !== elements) throw wrongValue("x", `length ${elements}, the product of shape`, input.length);
      draw.range(tokens.rows * tokens.columns, start);
      const shape = keptShape(tokens);
      const output = pass.output(out, "out", input.stored, productOf(shape), x);
      draw.chance(0, "train", training);
      const find = takeIndices(kernels, pass, tokens);
      const gather = kernels.gather.rows.bytes;
      const work = takeRows(pass, input, output, tokens, (_, some, whole, indices, rows, bytes) =>
        gather(some, whole, indices, rows, bytes),
      );
      return (run) => {
        const indices = find(run);
        work(run, indices);
        const { prefix, kept } = tokens;
        const ticket = { ...rangeOf(draw), op: "patchDropout", shape: tokens.shape, prefix, kept } as const;
        return { y: output.array, shape, indices, ticket };
      };
    },
  };
}

interface RestorePlan {
  readonly y: AnyData;
  readonly ticket: TicketPlan;
  readonly out: unknown;
  readonly half: unknown;
}

/** x = y at the places of its tokens, and 0 elsewhere. */
export function restore(kernels: VariantsKernels): Operation<[y: AnyData, ticket: unknown, options: unknown], RestorePlan, unknown> {
  return {
    read(y, ticket, options) {
      checkOptions(options, RESTORE_KEYS);
      const { out, dtype } = options as RestoreOptions<AnyData>;
      return { y, ticket: readTicket(ticket, ["patchDropout"]), out, half: dtype };
    },
    take: (pass, { y, ticket, out, half }) => takeScatter(kernels, pass, ticket, { value: y, name: "y", out, outName: "out", half }),
  };
}

/** The arrays of a call that puts tokens back. */
interface Scattered {
  readonly value: AnyData;
  readonly name: string;
  readonly out: unknown;
  readonly outName: string;
  readonly half: unknown;
}

/** Takes the work of putting tokens back at their places, with 0 elsewhere. */
export function takeScatter(kernels: VariantsKernels, pass: Taking, plan: TicketPlan, { value, name, out, outName, half }: Scattered) {
  const { tokens, range } = plan as Extract<TicketPlan, { op: "patchDropout" }>;
  readRange(pass.draw, range);
  const input = pass.data(value, name, half);
  const elements = productOf(keptShape(tokens));
  if (input.length !== elements) throw wrongValue(name, `length ${elements}, that of the tokens that the ticket keeps`, input.length);
  const output = pass.output(out, outName, input.stored, productOf(tokens.shape), value);
  const find = takeIndices(kernels, pass, tokens);
  const work = takeRows(pass, output, input, tokens, ({ engine }, some, whole, indices, rows, bytes) => {
    engine.memory.view("bytes", whole, bytes * (tokens.shape[1] as number)).fill(0);
    kernels.scatter.rows.bytes(whole, some, indices, rows, bytes);
  });
  return (run: Running) => {
    work(run, find(run));
    return output.array;
  };
}

/** Takes room for the indices of the kept tokens; the function that it returns draws them, and gives a copy of all. */
function takeIndices(kernels: VariantsKernels, pass: Taking, tokens: Tokens): (run: Running) => Uint32Array<ArrayBuffer> {
  const { rows: samples, columns, prefix, kept } = tokens;
  const each = prefix + kept;
  const mark = takeMarks(kernels, pass, tokens);
  const found = pass.scratch(4 * Math.max(1, kept * rowsOfPiece(columns)));
  return (run) => {
    const indices = new Uint32Array(samples * each);
    for (let sample = 0; sample < samples; ++sample) for (let k = 0; k < prefix; ++k) indices[sample * each + k] = k;
    for (const piece of pieces(samples, columns, true)) {
      kernels.index.bytes.u32(found, mark(run, piece), piece.rows, columns, prefix);
      const view = viewOfWords(run, found, piece.rows * kept);
      for (let row = 0; row < piece.rows; ++row) {
        indices.set(view.subarray(row * kept, (row + 1) * kept), (piece.row + row) * each + prefix);
      }
    }
    return indices;
  };
}

/** Takes the work of a kernel on each sample: of all its tokens, `whole`, and of those that are kept, `some`. One is read and the other written. */
function takeRows(
  pass: Taking,
  whole: Taken,
  some: Taken,
  { rows: samples, shape, prefix, kept, features }: Tokens,
  kernel: (run: Running, some: number, whole: number, indices: number, rows: number, bytes: number) => void,
): (run: Running, indices: Uint32Array) => void {
  const count = prefix + kept;
  const [all, each] = [(shape[1] as number) * features, count * features];
  const a = pass.stageStored(whole, all);
  const b = pass.stageStored(some, each);
  const list = pass.scratch(4 * Math.max(1, count));
  const bytes = byteLength(whole.stored, features);
  return (run, indices) => {
    for (let sample = 0; sample < samples; ++sample) {
      const wholeAt = a.enter(sample * all, all);
      const someAt = b.enter(sample * each, each);
      viewOfWords(run, list, count).set(indices.subarray(sample * count, (sample + 1) * count));
      kernel(run, someAt, wholeAt, list, count, bytes);
      a.leave(sample * all, all);
      b.leave(sample * each, each);
    }
  };
}

function viewOfWords({ engine }: Running, address: number, count: number): Uint32Array {
  const { buffer, byteOffset } = engine.memory.view("bytes", address, 4 * count);
  return new Uint32Array(buffer, byteOffset, count);
}
