// Dropout between a bias, an activation and a residual: y = residual + dropout(x + bias), y = dropout(act(x + bias)), and their gradients.
// Invariant: a result depends on the operands' values and the mask, not on where the operands lie and in what parts they are taken.

import { type ForwardPlan, readForward } from "../core/options.js";
import type { AnyData, Taken } from "../engine/operand.js";
import type { Operation, Taking } from "../engine/pass.js";
import { checkChoice, checkFlag, wrongValue } from "../ground/check.js";
import type { Dtype } from "../ground/dtypes.js";
import { checkOptions } from "../ground/options.js";
import { takeColumnSums } from "./column-sums.js";
import { type After, type Sources, takeDropout, takeElementwise } from "./elementwise.js";
import { ACTIVATIONS, type Activation, type FusedKernels } from "./kernels.js";
import { checkGradient, checkKept, checkNone } from "./operands.js";
import {
  ACTIVATION_BACKWARD_KEYS,
  ACTIVATION_KEYS,
  ACTIVATION_SAVED_KEYS,
  type ActivationOptions,
  type ActivationSaved,
  RESIDUAL_BACKWARD_KEYS,
  RESIDUAL_KEYS,
  type ResidualOptions,
} from "./options.js";
import { type ActivationTicket, checkBoolean, checkColumns, drawAgain, type ResidualTicket, type StoredTicket } from "./ticket.js";

/** A forward call, as read. */
interface BiasPlan {
  readonly common: ForwardPlan;
  readonly x: AnyData;
  readonly bias: unknown;
}

/** y = residual + dropout(x + bias). */
export function biasDropoutResidual(kernels: FusedKernels) {
  return {
    read(x, p, options) {
      const common = readForward(p, options, RESIDUAL_KEYS);
      const { bias, residual } = options as Partial<ResidualOptions>;
      return { common, x, bias, residual };
    },
    take(pass, plan) {
      const { input, bias } = takeForward(pass, plan, pass.data(plan.x, "x", plan.common.half));
      const { stored, computed, length } = input;
      const other = plan.residual === undefined ? undefined : pass.input(plan.residual, "residual", stored, length);
      const output = takeResult(pass, plan.common.out, "out", plan.x, input, other);
      const { tile, bytes } = other === undefined ? kernels.none : kernels.residual;
      const residual = other !== undefined;
      const columns = columnsOf(bias);
      const apply = takeElementwise(pass, { tile: tile[computed], bytes: bytes[computed] }, { input, other, output, bias });
      return (run) => {
        apply(run);
        return { y: output.array, ticket: Object.assign(run.ticket("biasDropoutResidual"), { residual }, columns) };
      };
    },
  } satisfies Operation<
    [x: AnyData, p: number, options: unknown],
    BiasPlan & { residual: unknown },
    { y: unknown; ticket: ResidualTicket }
  >;
}

/** y = dropout(act(x + bias)). */
export function biasActivationDropout(kernels: FusedKernels) {
  return {
    read(x, p, options) {
      const common = readForward(p, options, ACTIVATION_KEYS);
      const { bias, activation = "none", backward = common.training } = options as ActivationOptions;
      checkChoice(activation, "activation", ACTIVATIONS);
      checkFlag(backward, "backward");
      return { common, x, bias, activation, backward };
    },
    take(pass, plan) {
      const { activation } = plan;
      const { input, bias } = takeForward(pass, plan, pass.data(plan.x, "x", plan.common.half));
      const output = pass.output(plan.common.out, "out", input.stored, input.length, plan.x, input);
      const overwritten = activation !== "none" && checkKept(output, input, plan.backward);
      const apply = takeElementwise(pass, sourcesOf(kernels[activation], input.computed), { input, output, bias });
      const columns = columnsOf(bias);
      const lost = overwritten ? { overwritten } : undefined;
      return (run) => {
        apply(run);
        return { y: output.array, ticket: Object.assign(run.ticket("biasActivationDropout"), columns, { activation }, lost) };
      };
    },
  } satisfies Operation<
    [x: AnyData, p: number, options: unknown],
    BiasPlan & { activation: Activation; backward: boolean },
    { y: unknown; ticket: ActivationTicket }
  >;
}

/** Takes the draw of a forward call on `input`, and the bias. */
function takeForward<I extends Taken>(pass: Taking, { bias, common }: BiasPlan, input: I) {
  const { draw } = pass;
  const { p, training, kind, seed, stream, start } = common;
  const { stored, length } = input;
  draw.choose(kind, seed, stream);
  const row = bias === undefined ? undefined : pass.ofDtype(bias, "bias", stored);
  if (row !== undefined && length % row.length !== 0 && length + row.length > 0) {
    throw wrongValue("bias", `length that divides ${length}`, row.length);
  }
  draw.range(length, start);
  draw.chance(p, "train", training);
  return { input, bias: row };
}

/** Takes a result of the shape of `input`, which may be that itself, or `other`. */
function takeResult(pass: Taking, value: unknown, name: string, like: unknown, input: Taken, other: Taken | undefined): Taken {
  const { stored, length } = input;
  return other === undefined
    ? pass.output(value, name, stored, length, like, input)
    : pass.output(value, name, stored, length, like, input, other);
}

function columnsOf(bias: Taken | undefined): { columns: number } | undefined {
  return bias === undefined ? undefined : { columns: bias.length };
}

/** The kernels of an operation on data of `dtype`, of which there may be none that draws. */
function sourcesOf({ tile, bytes }: Activations, dtype: Dtype): Sources {
  return { tile: (tile as { readonly [D in Dtype]?: Sources["tile"] } | undefined)?.[dtype], bytes: bytes[dtype] };
}

type Activations = FusedKernels["relu" | "none"];

/** A backward call, as read. */
interface BackwardPlan {
  readonly dy: AnyData;
  readonly ticket: StoredTicket;
  readonly activation: Activation;
  readonly x?: unknown;
  readonly bias?: unknown;
  readonly dx: unknown;
  readonly dbias: unknown;
  /** false for a call without a residual. */
  readonly dresidual: unknown;
  readonly half: unknown;
  readonly backward: boolean;
}

interface Gradients {
  readonly dx: unknown;
  readonly dbias: unknown;
  readonly dresidual?: unknown;
}

type Backward = Operation<[dy: AnyData, ticket: StoredTicket, saved: unknown, options: unknown], BackwardPlan, Gradients>;

/** The gradients of residual + dropout(x + bias). */
export function residualBackward(kernels: FusedKernels): Backward {
  return {
    read(dy, ticket, saved, options) {
      const { residual } = ticket;
      checkBoolean(residual, "ticket.residual");
      checkOptions(saved, ACTIVATION_SAVED_KEYS, "saved");
      checkOptions(options, RESIDUAL_BACKWARD_KEYS);
      const { dx, dbias, dresidual, dtype } = options as { [name: string]: unknown };
      if (!residual) checkNone(dresidual, "dresidual", "residual");
      return { dy, ticket, activation: "none", dx, dbias, dresidual: residual && dresidual, half: dtype, backward: false };
    },
    take: (pass, plan) => takeBackward(kernels, pass, plan),
  };
}

/** The gradients of dropout(act(x + bias)). */
export function activationBackward(kernels: FusedKernels): Backward {
  return {
    read(dy, ticket, saved, options) {
      const { activation } = ticket;
      checkChoice(activation, "ticket.activation", ACTIVATIONS);
      checkOptions(saved, ACTIVATION_SAVED_KEYS, "saved");
      checkOptions(options, ACTIVATION_BACKWARD_KEYS);
      const { x, bias } = saved as ActivationSaved;
      const { dx, dbias, dtype, backward = true } = options as { [name: string]: unknown };
      checkFlag(backward, "backward");
      return { dy, ticket, activation, x, bias, dx, dbias, dresidual: false, half: dtype, backward: backward as boolean };
    },
    take: (pass, plan) => takeBackward(kernels, pass, plan),
  };
}

function takeBackward(
  kernels: FusedKernels,
  pass: Taking,
  plan: BackwardPlan,
): (run: Parameters<ReturnType<Backward["take"]>>[0]) => Gradients {
  const { dy, activation, half } = plan;
  const { columns } = plan.ticket;
  drawAgain(pass.draw, plan.ticket);
  const { length } = pass.draw;
  if (columns !== undefined) checkColumns(columns, length);
  const input = pass.data(dy, "dy", half);
  const { stored, computed } = input;
  checkGradient(input, length);
  const other = activation === "none" ? undefined : pass.input(plan.x, "saved.x", stored, length);
  const bias = other === undefined || columns === undefined ? undefined : pass.input(plan.bias, "saved.bias", stored, columns);

  if (columns === undefined) checkNone(plan.dbias, "dbias", "bias");
  const summed = columns !== undefined && plan.dbias !== false;
  const takeSums = () => (summed ? pass.output(plan.dbias, "dbias", stored, columns, dy) : undefined);
  const copied = plan.dresidual !== false;
  const takeCopy = () => (copied ? pass.output(plan.dresidual, "dresidual", stored, length, dy, input) : undefined);
  const takeDx = () => takeResult(pass, plan.dx, "dx", dy, input, other);
  // Results that the caller has made come first: making one may detach views of wasm memory.
  let output = plan.dx === undefined ? undefined : takeDx();
  let sum = plan.dbias === undefined ? undefined : takeSums();
  let copy = plan.dresidual === undefined ? undefined : takeCopy();
  output ??= takeDx();
  sum ??= takeSums();
  copy ??= takeCopy();
  if (other !== undefined) checkKept(output, other, plan.backward);

  const operands = { input, other, output, bias, copy };
  const sources = activation === "none" ? undefined : sourcesOf(kernels[`${activation}Gradient`], computed);
  const take = (after?: After) =>
    sources === undefined ? takeDropout(pass, operands, after) : takeElementwise(pass, sources, operands, after);
  const dx = output.array;
  const dbias = sum?.array;
  const gradients: Gradients = plan.ticket.op === "biasDropoutResidual" ? { dx, dbias, dresidual: copy?.array } : { dx, dbias };
  if (sum === undefined || columns === undefined || columns === 0) {
    const apply = take();
    return (run) => {
      apply(run);
      return gradients;
    };
  }
  const sums = takeColumnSums(pass, columns, sum);
  const kernel = kernels.sum.rows[computed];
  const apply = take((pointer, at, count) => kernel(sums.pointer, pointer, count, at % columns, columns));
  return (run) => {
    sums.clear();
    apply(run);
    sums.round();
    return gradients;
  };
}
