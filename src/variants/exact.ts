// Exact counts: of each row the elements with the largest words of the order stream are kept.

import { readForward } from "../core/options.js";
import type { AnyData } from "../engine/operand.js";
import type { Operation, Running, Taking } from "../engine/pass.js";
import { PIECE, type Piece, pieces } from "../engine/pieces.js";
import { checkChoice, wrongValue } from "../ground/check.js";
import { byteLength } from "../ground/dtypes.js";
import { checkShape, takeShape } from "../ground/shape.js";
import { F16_OVERFLOW } from "../stream/draw.js";
import type { VariantsKernels } from "./kernels.js";
import { EXACT_KEYS, type ExactDropoutOptions } from "./options.js";
import { type ExactDropoutTicket, ORDER_KINDS, type Rows, rangeOf, rowsOf } from "./ticket.js";

// Of markLargest(): a count of u32 for each value of a byte.
const COUNTS = 256 * 4;

interface ExactPlan {
  readonly x: AnyData;
  readonly p: number;
  readonly common: ReturnType<typeof readForward>;
  readonly shape: readonly number[] | undefined;
}

/** y = kept ? n / k x : +0. */
export function exactDropout(
  kernels: VariantsKernels,
): Operation<[x: AnyData, p: number, options: unknown], ExactPlan, { y: unknown; ticket: ExactDropoutTicket }> {
  return {
    read(x, p, options) {
      const common = readForward(p, options, EXACT_KEYS);
      checkOrder(common.kind);
      const { shape } = options as ExactDropoutOptions<AnyData>;
      return { x, p, common, shape: shape === undefined ? undefined : takeShape(shape, "shape") };
    },
    take(pass, { x, p, common, shape: given }) {
      const { training, out, half, seed, stream, start } = common;
      const { draw } = pass;
      draw.choose(undefined, seed, stream);
      const input = pass.data(x, "x", half);
      const shape = given ?? [input.length];
      checkShape(shape, "shape", input.length);
      const every = rowsOf(shape);
      const kept = every.columns - (training ? Math.round(p * every.columns) : 0);
      const exact = { ...every, kept };
      draw.range(input.length, start);
      const output = pass.output(out, "out", input.stored, input.length, x, input);
      checkFactor(exact, input.stored);
      // Outside training the number of the stream is not used up.
      draw.chance(0, "train", training);
      const work = takeExact(kernels, pass, exact, input, output);
      return (run) => {
        work(run);
        return { y: output.array, ticket: { ...rangeOf(draw), op: "exactDropout", shape: exact.shape, kept } };
      };
    },
  };
}

/** Throws RangeError where a kept 1 would be infinite. */
export function checkFactor({ columns, kept }: Rows, stored: string): void {
  if (stored === "f16" && kept > 0 && columns / kept >= F16_OVERFLOW)
    throw wrongValue("p", "so many elements kept that n / k is below 65520 for f16", `${kept} of ${columns} kept`);
}

/** Throws unless `kind` is that of the order stream, or left out. */
export function checkOrder(kind: unknown = "order"): void {
  checkChoice(kind, "kind", ORDER_KINDS);
}

/** Takes the work of output = kept ? n / k input : +0. */
export function takeExact(
  kernels: VariantsKernels,
  pass: Taking,
  rows: Rows,
  input: ReturnType<Taking["data"]>,
  output: ReturnType<Taking["output"]>,
): (run: Running) => void {
  const { columns, kept } = rows;
  const most = Math.max(PIECE, columns);
  const src = pass.stage(input, most);
  const dst = pass.stage(output, most);
  const mark = takeMarks(kernels, pass, rows);
  const scale = kernels.scale.bytes[src.dtype];
  const factor = kept === 0 ? 0 : columns / kept;
  return (run) => {
    for (const piece of pieces(rows.rows, columns, true)) {
      const keep = mark(run, piece);
      const from = src.enter(piece.at, piece.count);
      const to = dst.enter(piece.at, piece.count);
      scale(to, from, keep, piece.count, factor);
      dst.leave(piece.at, piece.count);
    }
  };
}

/** Takes room for the words and the marks of a piece; the function that it returns draws them and gives the address of the marks. */
export function takeMarks(kernels: VariantsKernels, pass: Taking, { columns, kept }: Rows): (run: Running, piece: Piece) => number {
  const most = Math.max(PIECE, columns);
  const words = pass.scratch(4 * most);
  const marks = pass.scratch(byteLength("bytes", most));
  const counts = pass.scratch(COUNTS);
  return (run, { at, count, rows }) => {
    if (kept > 0 && kept < columns) kernels.fill.words.u32(words, count, run.params(at));
    kernels.mark.largest.bytes(marks, words, rows, columns, kept, counts);
    return marks;
  };
}
