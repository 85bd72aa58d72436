// Residual, dropout and layer norm in one pass, and its gradients.
// Invariant: a result depends on the operands' values and the mask, not on where the operands lie and in what pieces they are taken.

import type { Context, HalfOptions, Like, Result, StreamOptions } from "../core/dropout.js";
import { framed } from "../engine/frame.js";
import type { DataOf, Operand } from "../engine/operand.js";
import { NormField, NormGradientField, ROW_RECORD } from "../ground/abi.js";
import { checkAmount, checkFlag, checkObject, checkProbability, wrongKind, wrongValue } from "../ground/check.js";
import type { Ticket } from "../stream/ticket.js";
import { type ColumnSums, takeColumnSums } from "./column-sums.js";
import type { FusedKernels } from "./kernels.js";
import { writeFields } from "./record.js";
import {
  checkColumns,
  prepareRows,
  type Rows,
  type Statistics,
  takeAlike,
  takeF32,
  takeGradient,
  takeResults,
  takeTicket,
} from "./rows.js";

/** Options of {@link Fused.dropoutResidualLayerNorm}, with results of types Y, H, M and R. */
export interface NormOptions<
  Y extends Rows | undefined = undefined,
  H extends Rows | undefined = undefined,
  M extends DataOf<"f32"> | undefined = undefined,
  R extends DataOf<"f32"> | undefined = undefined,
> extends StreamOptions,
    HalfOptions {
  /** What the result of dropout is added to: as long as x, and, as gamma, beta and bias, of its dtype. */
  residual: Rows;
  /** What is added to every row of x: as long as gamma. By default nothing is added. */
  bias?: Rows | undefined;
  /** What normalised rows are multiplied by: an array whose length is the number of columns and divides that of x. */
  gamma: Rows;
  /** What is added to them: as long as gamma. */
  beta: Rows;
  /** What is added to the variance: a number that is finite and not negative; 1e-5 by default. At 0 a row of equal elements gives NaN. */
  epsilon?: number | undefined;
  /** false drops nothing and uses up no stream number; true by default. */
  training?: boolean | undefined;
  /**
   * Where to write y: x or residual itself or memory apart from them. By default, as with the other results, a new array, or buffer, like
   * x.
   */
  out?: Y;
  /** Where to write h: x or residual itself or memory apart from them. */
  h?: H;
  /** Where to write the means of the rows. */
  mean?: M;
  /** Where to write the reciprocals of the rows' standard deviations. */
  rstd?: R;
}

/** What {@link Fused.dropoutResidualLayerNorm} gives. */
export interface Normed<
  X extends Rows = Rows,
  Y extends Rows | undefined = undefined,
  H extends Rows | undefined = undefined,
  M extends DataOf<"f32"> | undefined = undefined,
  R extends DataOf<"f32"> | undefined = undefined,
> {
  /** [rows, columns] */
  readonly y: Result<Like<X>, Y>;
  /** The new residual stream, [rows, columns]. */
  readonly h: Result<Like<X>, H>;
  /** [rows], f32 */
  readonly mean: Result<Statistics<X>, M>;
  /** 1 / sqrt(variance + epsilon), [rows], f32 */
  readonly rstd: Result<Statistics<X>, R>;
  readonly ticket: NormTicket;
}

/** What {@link Fused.dropoutResidualLayerNorm} did: the mask's ticket, the number of columns and whether there was a bias. Plain JSON. */
export interface NormTicket extends Ticket {
  readonly op: "dropoutResidualLayerNorm";
  /** Length of gamma. */
  readonly columns: number;
  readonly bias: boolean;
}

/** Options of {@link Fused.backward} for a {@link NormTicket}, with results of types Y, S and, for the parameters' gradients, G. */
export interface NormBackwardOptions<
  Y extends Rows | undefined = undefined,
  S extends Rows | undefined = undefined,
  G extends Rows | undefined = undefined,
> extends HalfOptions {
  /** What the forward call gave. */
  h: Rows;
  mean: DataOf<"f32">;
  rstd: DataOf<"f32">;
  /** The gamma of the forward call. */
  gamma: Rows;
  /** The gradient with respect to h from what else h goes into: as long as dy, and of its dtype. By default there is nothing else. */
  dh?: Rows | undefined;
  /**
   * Where to write dx: dy, h or dh itself or memory apart from them. By default, as with the other results, a new array, or buffer, like
   * dy.
   */
  out?: Y;
  /** Where to write dresidual: dy, h or dh itself or memory apart from them. */
  dresidual?: S;
  /** Where to write dgamma. */
  dgamma?: G;
  /** Where to write dbeta. */
  dbeta?: G;
  /** Where to write dbias. */
  dbias?: G;
}

/** Gradients with respect to x, the residual, gamma, beta and, if the forward call had one, the bias. */
export interface NormGradients<
  X extends Rows = Rows,
  Y extends Rows | undefined = undefined,
  S extends Rows | undefined = undefined,
  G extends Rows | undefined = undefined,
> {
  /** [rows, columns] */
  readonly dx: Result<Like<X>, Y>;
  /** [rows, columns] */
  readonly dresidual: Result<Like<X>, S>;
  /** [columns]; as dbeta and dbias, summed in f64 from row 0 on and rounded once. */
  readonly dgamma: Like<X> | Result<Like<X>, G>;
  /** [columns] */
  readonly dbeta: Like<X> | Result<Like<X>, G>;
  /** [columns]; undefined where there was no bias. */
  readonly dbias: Like<X> | Result<Like<X>, G> | undefined;
}

/** An output that the caller may have made. */
type Out = Rows | undefined;

/** See {@link Fused.dropoutResidualLayerNorm}. */
export function normForward(
  context: Context,
  kernels: FusedKernels,
  x: Rows,
  p: number,
  options: NormOptions<Out, Out, DataOf<"f32"> | undefined, DataOf<"f32"> | undefined>,
) {
  return framed(context, (frame) => {
    const { call, memory } = context;
    checkProbability(p, "p");
    checkObject(options, "options", "object");
    const { epsilon = 1e-5, training = true, dtype: half, kind, seed, stream, start, out, h, mean, rstd } = options;
    const { residual: residualArray, bias: biasArray, gamma: gammaArray, beta: betaArray } = options;
    checkFlag(training, "training");
    checkAmount(epsilon, "epsilon");
    call.takeStream(kind, seed, stream);
    const input = takeF32(frame, x, "x", half);
    const { stored: dtype, length } = input;
    const residual = frame.input(residualArray, "residual", dtype, length);
    const gamma = takeAlike(frame, gammaArray, "gamma", input, half);
    const { length: columns } = gamma;
    if (columns === 0 || length % columns !== 0) throw wrongValue("gamma", `length that divides ${length}`, columns);
    const beta = frame.input(betaArray, "beta", dtype, columns);
    const bias = biasArray === undefined ? undefined : frame.input(biasArray, "bias", dtype, columns);
    call.takeRange(length, start);
    call.recipe.use(p, "train", training);
    call.setChance("f32");

    const rows = length / columns;
    const same = [input, residual];
    const results = takeResults(frame, x, [
      { name: "out", value: out, dtype, length, same },
      { name: "h", value: h, dtype, length, same },
      { name: "mean", value: mean, dtype: "f32", length: rows },
      { name: "rstd", value: rstd, dtype: "f32", length: rows },
    ]);
    const [y, sum, means, rstds] = results.map(({ operand }) => operand) as [Operand, Operand, Operand, Operand];
    for (const operand of [gamma, beta]) frame.stage(operand, columns);
    if (bias !== undefined) frame.stage(bias, columns);
    const record = frame.scratch(ROW_RECORD);
    const kernel = kernels.norm.bytes.f32;
    const run = prepareRows(
      context,
      frame,
      { rows, columns, matrices: [input, residual, y, sum], vectors: [means, rstds] },
      ({ at, count, row: first, rows: some }, keep) => {
        writeFields(memory, record, NormField, {
          y: y.enter(at, count),
          h: sum.enter(at, count),
          means: means.enter(first, some),
          rstds: rstds.enter(first, some),
          x: input.enter(at, count),
          residual: residual.enter(at, count),
          keep,
          rows: some,
        });
        kernel(record);
      },
    );

    if (training) call.useStream(stream);
    writeFields(memory, record, NormField, {
      bias: bias === undefined ? 0 : bias.enter(0, columns),
      gamma: gamma.enter(0, columns),
      beta: beta.enter(0, columns),
      columns,
      epsilon,
      scale: call.scale,
    });
    run();
    const ticket: NormTicket = { ...call.recipe.toTicket(), op: "dropoutResidualLayerNorm", columns, bias: bias !== undefined };
    return { y: results[0].array, h: results[1].array, mean: results[2].array, rstd: results[3].array, ticket };
  });
}

/** See {@link Fused.backward}. */
export function normBackward(
  context: Context,
  kernels: FusedKernels,
  dy: Rows,
  ticket: NormTicket,
  options: NormBackwardOptions<Out, Out, Out>,
) {
  return framed(context, (frame) => {
    const { call, memory } = context;
    const { h: hArray, mean, rstd, gamma: gammaArray, dh: dhArray, dtype: half, out, dresidual, dgamma, dbeta, dbias } = options;
    const { columns, bias } = ticket;
    const length = takeTicket(call, ticket);
    checkColumns(columns, length);
    if (typeof bias !== "boolean") throw wrongKind("ticket.bias", "boolean", bias);

    const rows = length / columns;
    const input = takeGradient(frame, dy, length, half);
    const { stored: dtype } = input;
    const h = frame.input(hArray, "h", dtype, length);
    const means = frame.input(mean, "mean", "f32", rows);
    const rstds = frame.input(rstd, "rstd", "f32", rows);
    const gamma = frame.input(gammaArray, "gamma", dtype, columns);
    const dh = dhArray === undefined ? undefined : frame.input(dhArray, "dh", dtype, length);
    const streams = dh === undefined ? [input, h] : [input, h, dh];
    const results = takeResults(frame, dy, [
      { name: "out", value: out, dtype, length, same: streams },
      { name: "dresidual", value: dresidual, dtype, length, same: streams },
      { name: "dgamma", value: dgamma, dtype, length: columns },
      { name: "dbeta", value: dbeta, dtype, length: columns },
      ...(bias ? [{ name: "dbias", value: dbias, dtype, length: columns }] : []),
    ]);
    const [dx, stream, ...parameters] = results.map(({ operand }) => operand) as [Operand, Operand, ...Operand[]];
    frame.stage(gamma, columns);
    const sums = parameters.map((operand) => takeColumnSums(context, frame, operand));
    const [gammaSums, betaSums, biasSums] = sums as [ColumnSums, ColumnSums, ColumnSums?];
    const record = frame.scratch(ROW_RECORD);
    const kernel = kernels.normGradient.bytes.f32;
    const addRows = kernels.sum.rows.f32;
    const run = prepareRows(
      context,
      frame,
      { rows, columns, matrices: [...streams, dx, stream], vectors: [means, rstds] },
      ({ at, count, row: first, rows: some }, keep) => {
        const to = dx.enter(at, count);
        writeFields(memory, record, NormGradientField, {
          dx: to,
          dresidual: stream.enter(at, count),
          dy: input.enter(at, count),
          h: h.enter(at, count),
          means: means.enter(first, some),
          rstds: rstds.enter(first, some),
          dh: dh === undefined ? 0 : dh.enter(at, count),
          keep,
          rows: some,
        });
        kernel(record);
        if (biasSums !== undefined) addRows(biasSums.pointer, to, count, 0, columns);
      },
    );

    writeFields(memory, record, NormGradientField, {
      dgamma: gammaSums.pointer,
      dbeta: betaSums.pointer,
      gamma: gamma.enter(0, columns),
      columns,
      scale: call.scale,
    });
    for (const sum of sums) sum.clear();
    run();
    for (const sum of sums) sum.round();
    const [first, second, third, fourth, fifth] = results.map(({ array }) => array);
    return { dx: first, dresidual: second, dgamma: third, dbeta: fourth, dbias: fifth };
  });
}
