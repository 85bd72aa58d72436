// Dropout between a bias, an activation and a residual: y = residual + dropout(x + bias), y = dropout(act(x + bias)), and their gradients.
// Invariant: a result depends on the operands' values and the mask, not on where the operands lie and in what pieces they are taken.

import type { Context, DtypeOf, HalfOptions, Like, Result, StreamOptions } from "../core/dropout.js";
import { type Frame, framed } from "../engine/frame.js";
import type { AnyData, AnyDataOf, Operand } from "../engine/operand.js";
import { checkChoice, checkFlag, checkObject, checkProbability, wrongKind, wrongValue } from "../ground/check.js";
import { holdersOf } from "../ground/dtypes.js";
import type { Ticket } from "../stream/ticket.js";
import { takeColumnSums } from "./column-sums.js";
import { type After, prepareDropout, prepareElementwise, type Sources } from "./elementwise.js";
import { ACTIVATIONS, type Activation, type Elementwise, type FusedKernels } from "./kernels.js";
import { checkColumns, type Rows, takeAlike } from "./rows.js";

/** Options that both operations share, with an output of type Y for data X. */
interface BiasOptions<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined> extends StreamOptions, HalfOptions {
  /** What is added to every row: an array of the dtype of x, whose length divides that of x and is the number of columns. By default nothing is added. */
  bias?: AnyDataOf<DtypeOf<X>> | undefined;
  /** false drops nothing and uses up no stream number; true by default. */
  training?: boolean | undefined;
  /** Where to write y. By default a new array, or buffer, like x. */
  out?: Y;
}

/** Options of {@link Fused.biasDropoutResidual}; `out` may be x or the residual itself. */
export interface ResidualOptions<X extends AnyData = AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>
  extends BiasOptions<X, Y> {
  /** What the result is added to: as long as x, and of its dtype. */
  residual: AnyDataOf<DtypeOf<X>>;
}

/** Options of {@link Fused.biasActivationDropout}; `out` may be x itself. */
export interface ActivationOptions<Y extends Rows | undefined = undefined> extends BiasOptions<Rows, Y> {
  /** "none" (default), "relu", "gelu" (with erf), "geluTanh" (its approximation) or "silu". */
  activation?: Activation | undefined;
}

/** What {@link Fused.biasDropoutResidual} did: the mask's ticket and the number of columns. Plain JSON. */
export interface ResidualTicket extends Ticket {
  readonly op: "biasDropoutResidual";
  /** Length of the bias; left out where there was none. */
  readonly columns?: number;
}

/** What {@link Fused.biasActivationDropout} did: the mask's ticket, the number of columns and the activation. Plain JSON. */
export interface ActivationTicket extends Ticket {
  readonly op: "biasActivationDropout";
  /** Length of the bias; left out where there was none. */
  readonly columns?: number;
  readonly activation: Activation;
}

/** Options of {@link Fused.backward} for a {@link ResidualTicket} or an {@link ActivationTicket}, with results of types Y and B. */
export interface BiasBackwardOptions<
  X extends AnyData = AnyData,
  Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined,
  B extends AnyDataOf<DtypeOf<X>> | undefined = undefined,
> extends HalfOptions {
  /** The x of the forward call; read where its activation was another than "none". */
  x?: AnyDataOf<DtypeOf<X>> | undefined;
  /** The bias of the forward call; read where x is. */
  bias?: AnyDataOf<DtypeOf<X>> | undefined;
  /** Where to write dx: dy or x itself or memory apart from them. By default a new array, or buffer, like dy. */
  out?: Y;
  /** Where to write dbias. By default a new array, or buffer, like dy. */
  dbias?: B;
}

/** Gradients with respect to x and, if the forward call had a bias, to that. */
export interface BiasGradients<
  X extends AnyData = AnyData,
  Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined,
  B extends AnyDataOf<DtypeOf<X>> | undefined = undefined,
> {
  readonly dx: Result<Like<X>, Y>;
  /** As long as the bias: the sums of dx by column, each summed in f64 from row 0 on and rounded once. undefined where there was no bias. */
  readonly dbias: Result<Like<X>, B> | undefined;
}

/** y = residual + dropout(x + bias): see {@link Fused.biasDropoutResidual}. */
export function biasDropoutResidual(
  context: Context,
  kernels: FusedKernels,
  x: AnyData,
  p: number,
  options: ResidualOptions<AnyData, AnyData | undefined>,
) {
  return framed(context, (frame) => {
    checkProbability(p, "p");
    checkObject(options, "options", "object");
    const { residual, out } = options;
    const { stream, training, input, bias } = takeForward(context, frame, x, p, options);
    const { dtype, stored, length } = input;
    const other = frame.input(residual, "residual", stored, length);
    const { operand: output, array: y } = frame.output(out, "out", stored, length, x, [input, other]);
    const { tile, bytes } = kernels.residual;
    const run = prepareElementwise(context, frame, { tile: tile[dtype], bytes: bytes[dtype] }, { input, other, output, bias });
    if (training) context.call.useStream(stream);
    run();
    const ticket: ResidualTicket = { ...context.call.recipe.toTicket(), op: "biasDropoutResidual", ...columnsOf(bias) };
    return { y, ticket };
  });
}

/** y = dropout(act(x + bias)): see {@link Fused.biasActivationDropout}. */
export function biasActivationDropout(
  context: Context,
  kernels: FusedKernels,
  x: AnyData,
  p: number,
  options: ActivationOptions<Rows | undefined>,
) {
  return framed(context, (frame) => {
    checkProbability(p, "p");
    checkObject(options, "options", "object");
    const { activation = "none", out } = options;
    checkChoice(activation, "activation", ACTIVATIONS);
    const { stream, training, input, bias } = takeForward(context, frame, x, p, options);
    if (input.dtype !== "f32") throw wrongKind("x", holdersOf("f32"), x);
    const { operand: output, array: y } = frame.output(out, "out", input.stored, input.length, x, [input]);
    const run = prepareElementwise(context, frame, inF32(kernels[activation]), { input, output, bias });
    if (training) context.call.useStream(stream);
    run();
    const ticket: ActivationTicket = { ...context.call.recipe.toTicket(), op: "biasActivationDropout", ...columnsOf(bias), activation };
    return { y, ticket };
  });
}

/** The gradients of both operations: see {@link Fused.backward}. */
export function biasBackward(
  context: Context,
  kernels: FusedKernels,
  dy: AnyData,
  ticket: ResidualTicket | ActivationTicket,
  options: BiasBackwardOptions<AnyData, AnyData | undefined, AnyData | undefined>,
) {
  return framed(context, (frame) => {
    const { call } = context;
    const { x, bias, out, dbias, dtype: half } = options;
    const { op, columns } = ticket;
    const activation = op === "biasActivationDropout" ? ticket.activation : "none";
    checkChoice(activation, "ticket.activation", ACTIVATIONS);
    call.recipe.read(ticket);
    const { length, rescale } = call.recipe;
    checkChoice(rescale, "ticket.rescale", ["train"]);
    if (columns !== undefined) checkColumns(columns, length);
    const input = frame.anyData(dy, "dy", half);
    const { dtype, stored } = input;
    if (op === "biasActivationDropout" && dtype !== "f32") throw wrongKind("dy", holdersOf("f32"), dy);
    if (input.length !== length) throw wrongValue("dy", `length ${length}, the ticket's`, input.length);
    const other = activation === "none" ? undefined : frame.input(x, "x", stored, length);
    const added = other === undefined || columns === undefined ? undefined : frame.input(bias, "bias", stored, columns);
    const takeSums = () => (columns === undefined ? undefined : frame.output(dbias, "dbias", stored, columns, dy));
    // Where dx is to be made, what the caller has made comes first: making one may detach views of wasm memory.
    const given = out === undefined && dbias !== undefined ? takeSums() : undefined;
    const { operand: output, array: dx } = frame.output(out, "out", stored, length, dy, other === undefined ? [input] : [input, other]);
    const sum = given ?? takeSums();
    call.setChance(dtype);
    const operands = { input, other, output, bias: added };
    const prepare = (after?: After) =>
      activation === "none"
        ? prepareDropout(context, frame, operands, after)
        : prepareElementwise(context, frame, inF32(kernels[`${activation}Gradient`]), operands, after);
    if (columns === undefined || sum === undefined) {
      prepare()();
      return { dx, dbias: undefined };
    }
    const sums = takeColumnSums(context, frame, sum.operand);
    const kernel = kernels.sum.rows[dtype];
    const run = prepare((pointer, at, count) => kernel(sums.pointer, pointer, count, at % columns, columns));
    sums.clear();
    run();
    sums.round();
    return { dx, dbias: sum.array };
  });
}

/** Takes what the forward calls share: the stream, x and the bias, and what to draw. */
function takeForward({ call }: Context, frame: Frame, x: AnyData, p: number, options: BiasOptions<AnyData, AnyData | undefined>) {
  const { bias: row, training = true, dtype: half, kind, seed, stream, start } = options;
  checkFlag(training, "training");
  call.takeStream(kind, seed, stream);
  const input = frame.anyData(x, "x", half);
  const { dtype, length } = input;
  const bias = row === undefined ? undefined : takeAlike(frame, row, "bias", input, half);
  if (bias !== undefined) {
    if (bias.length === 0 || length % bias.length !== 0) throw wrongValue("bias", `length that divides ${length}`, bias.length);
  }
  call.takeRange(length, start);
  call.recipe.use(p, "train", training);
  call.setChance(dtype);
  return { stream, training, input, bias };
}

function columnsOf(bias: Operand | undefined): { columns?: number } {
  return bias === undefined ? {} : { columns: bias.length };
}

/** The kernels in f32 of an operation that may have none that draws. */
function inF32(sources: { readonly tile?: { f32: Elementwise }; readonly bytes: { f32: Elementwise } }): Sources {
  return { tile: sources.tile?.f32, bytes: sources.bytes.f32 };
}
