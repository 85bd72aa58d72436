// Softmax and dropout of rows of attention scores in one pass, and its gradient.
// Invariant: a result depends on the operands' values and the mask, not on where the operands lie and in what pieces they are taken.

import type { Context, HalfOptions, Like, Result, StreamOptions } from "../core/dropout.js";
import { type Frame, framed, type Piece, rowsOfPiece } from "../engine/frame.js";
import type { Operand } from "../engine/operand.js";
import { ROW_RECORD, SoftmaxField } from "../ground/abi.js";
import { checkFlag, checkInteger, checkNumber, checkObject, checkProbability, wrongKind, wrongValue } from "../ground/check.js";
import { byteLength, LARGEST } from "../ground/dtypes.js";
import { checkShape, MAX_RANK } from "../ground/shape.js";
import { MAX_INDEX, type Ticket } from "../stream/ticket.js";
import type { FusedKernels } from "./kernels.js";
import { type Values, writeFields } from "./record.js";
import { prepareRows, type Rows, takeAlike, takeF32, takeGradient, takeTicket } from "./rows.js";

/** Options of {@link Fused.softmaxDropout}, with a result of type Y. */
export interface SoftmaxOptions<Y extends Rows | undefined = undefined> extends StreamOptions, HalfOptions {
  /** Shape of the logits, such as [batch, heads, queries, keys]: rows lie along the last dimension. */
  shape: readonly number[];
  /**
   * What logits are multiplied by before softmax, such as 1 / sqrt(size of a head): finite in f32, to which it is rounded; 1 by default.
   */
  scale?: number | undefined;
  /**
   * true: query i, of the `queries` of the last dimension but one, sees keys 0..i + keys - queries: itself and those before it, where the
   * last query and the last key belong together. What it does not see is not read, and gives +0. false by default.
   */
  causal?: boolean | undefined;
  /**
   * What is added to the multiplied logits: of their dtype, [rows, keys], or fewer rows that begin anew after their last, as [queries, keys] do for
   * the logits of every head. An entry of -Infinity leaves its key out whatever the logit is, NaN too. By default nothing is added.
   */
  mask?: Rows | undefined;
  /** false drops nothing and uses up no stream number; true by default. */
  training?: boolean | undefined;
  /** Where to write y: the logits themselves or memory apart from them. By default a new array, or buffer, like the logits. */
  out?: Y;
}

/** What {@link Fused.softmaxDropout} did: the dropout mask's ticket and what of its options backward needs. Plain JSON. */
export interface SoftmaxTicket extends Ticket {
  readonly op: "softmaxDropout";
  readonly shape: readonly number[];
  readonly scale: number;
  readonly causal: boolean;
  /** Rows of the additive mask; left out where there was none. */
  readonly maskRows?: number;
}

/** Options of {@link Fused.backward} for a {@link SoftmaxTicket}, with a result of type Y. */
export interface SoftmaxBackwardOptions<Y extends Rows | undefined = undefined> extends HalfOptions {
  /** The logits of the forward call. */
  logits: Rows;
  /** The additive mask of the forward call, if it had one. */
  mask?: Rows | undefined;
  /** Where to write dlogits: dy or the logits themselves or memory apart from them. By default a new array, or buffer, like dy. */
  out?: Y;
}

/** The gradient with respect to the logits. */
export interface SoftmaxGradients<X extends Rows = Rows, Y extends Rows | undefined = undefined> {
  readonly dlogits: Result<Like<X>, Y>;
}

/** See {@link Fused.softmaxDropout}. */
export function softmaxForward(context: Context, kernels: FusedKernels, x: Rows, p: number, options: SoftmaxOptions<Rows | undefined>) {
  return framed(context, (frame) => {
    const { call, memory } = context;
    checkProbability(p, "p");
    checkObject(options, "options", "object");
    const {
      shape: given,
      scale = 1,
      causal = false,
      mask: maskArray,
      training = true,
      dtype: half,
      kind,
      seed,
      stream,
      start,
      out,
    } = options;
    // Checked and kept in the ticket as it is now: the caller's may change.
    const shape = Array.isArray(given) ? [...given] : given;
    checkFlag(training, "training");
    call.takeStream(kind, seed, stream);
    const logits = takeF32(frame, x, "logits", half);
    const { stored: dtype, length } = logits;
    checkForm({ shape, scale, causal }, "", length);
    const columns = shape.at(-1) as number;
    const mask = maskArray === undefined ? undefined : takeAlike(frame, maskArray, "mask", logits, half);
    if (mask !== undefined && (mask.length === 0 || mask.length % columns !== 0 || length % mask.length !== 0))
      throw wrongValue("mask", `length that is a multiple of ${columns} and divides ${length}`, mask.length);
    call.takeRange(length, start);
    call.recipe.use(p, "train", training);
    call.setChance("f32");

    const { operand: output, array: y } = frame.output(out, "out", dtype, length, x, [logits]);
    const record = frame.scratch(ROW_RECORD);
    const kernel = kernels.softmax.bytes.f32;
    const form = { shape, scale, causal };
    const run = prepareAttention(context, frame, form, mask, [logits, output], (piece, added, place, keep) => {
      const { at, count, rows } = piece;
      writeFields(memory, record, SoftmaxField, {
        result: output.enter(at, count),
        logits: logits.enter(at, count),
        mask: added,
        keep,
        rows,
        ...place,
      });
      kernel(record);
    });

    if (training) call.useStream(stream);
    writeFields(memory, record, SoftmaxField, { columns, logitScale: scale, scale: call.scale });
    run();
    const masked = mask === undefined ? {} : { maskRows: mask.length / columns };
    const ticket: SoftmaxTicket = { ...call.recipe.toTicket(), op: "softmaxDropout", shape, scale, causal, ...masked };
    return { y, ticket };
  });
}

/** See {@link Fused.backward}. */
export function softmaxBackward(
  context: Context,
  kernels: FusedKernels,
  dy: Rows,
  ticket: SoftmaxTicket,
  options: SoftmaxBackwardOptions<Rows | undefined>,
) {
  return framed(context, (frame) => {
    const { call, memory } = context;
    const { logits: logitsArray, mask: maskArray, dtype: half, out } = options;
    const { shape, scale, causal, maskRows } = ticket;
    const length = takeTicket(call, ticket);
    const form = { shape, scale, causal };
    checkForm(form, "ticket.", length);
    const columns = shape.at(-1) as number;
    if (maskRows !== undefined) {
      checkInteger(maskRows, "ticket.maskRows", 1, MAX_INDEX);
      const rows = length / columns;
      if (rows % maskRows !== 0) throw wrongValue("ticket.maskRows", `divisor of ${rows}`, maskRows);
    }

    const input = takeGradient(frame, dy, length, half);
    const { stored: dtype } = input;
    const logits = frame.input(logitsArray, "logits", dtype, length);
    const mask = maskRows === undefined ? undefined : frame.input(maskArray, "mask", dtype, maskRows * columns);
    const { operand: output, array: dlogits } = frame.output(out, "out", dtype, length, dy, [input, logits]);
    const row = frame.scratch(byteLength("f32", columns));
    const record = frame.scratch(ROW_RECORD);
    const kernel = kernels.softmaxGradient.bytes.f32;
    const run = prepareAttention(context, frame, form, mask, [input, logits, output], (piece, added, place, keep) => {
      const { at, count, rows } = piece;
      writeFields(memory, record, SoftmaxField, {
        result: output.enter(at, count),
        logits: logits.enter(at, count),
        mask: added,
        keep,
        rows,
        ...place,
        dy: input.enter(at, count),
      });
      kernel(record);
    });
    writeFields(memory, record, SoftmaxField, { columns, logitScale: scale, scale: call.scale, row });
    run();
    return { dlogits };
  });
}

/** How softmax is to be taken. */
type Form = Pick<SoftmaxTicket, "shape" | "scale" | "causal">;

/** Throws unless shape, scale and causal are sound for so many elements; `prefix` is what goes before their names. */
function checkForm({ shape, scale, causal }: Form, prefix: string, length: number): void {
  if (typeof causal !== "boolean") throw wrongKind(`${prefix}causal`, "boolean", causal);
  checkNumber(scale, `${prefix}scale`, -LARGEST.f32, LARGEST.f32);
  checkShape(shape, `${prefix}shape`, length, [causal ? 2 : 1, MAX_RANK]);
}

/** Which row of how many of the additive mask a piece begins with, and which query of how many. */
type Place = Required<Pick<Values<typeof SoftmaxField>, "maskRow" | "maskRows" | "query" | "queries">>;

/**
 * Prepares to run `body` on the pieces of logits. An additive mask of few rows is used whole; of one with more, pieces have just their own
 * rows, and end where it begins anew.
 */
function prepareAttention(
  context: Context,
  frame: Frame,
  { shape, causal }: Form,
  mask: Operand | undefined,
  matrices: readonly Operand[],
  body: (piece: Piece, mask: number, place: Place, keep: number) => void,
): () => void {
  const columns = shape.at(-1) as number;
  const queries = causal ? (shape.at(-2) as number) : 0;
  const rows = context.call.recipe.length / columns;
  const maskRows = mask === undefined ? 0 : mask.length / columns;
  const whole = maskRows <= rowsOfPiece(columns);
  if (mask !== undefined) frame.stage(mask, rowsOfPiece(columns) * columns);
  let first = 0;
  const run = prepareRows(context, frame, { rows, columns, matrices, ...(whole ? {} : { period: maskRows }) }, (piece, keep) => {
    const query = queries === 0 ? 0 : piece.row % queries;
    if (mask === undefined || whole) {
      body(piece, first, { maskRow: maskRows === 0 ? 0 : piece.row % maskRows, maskRows, query, queries }, keep);
    } else {
      const added = mask.enter((piece.row % maskRows) * columns, piece.count);
      body(piece, added, { maskRow: 0, maskRows: piece.rows, query, queries }, keep);
    }
  });
  return () => {
    if (mask !== undefined && whole) first = mask.enter(0, mask.length);
    run();
  };
}
