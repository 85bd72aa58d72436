// Residual, dropout and a norm in one sweep, and its gradients.
// Invariant: a result depends on the operands' values and the mask, not on where the operands lie and in what parts they are taken.

import { type ForwardPlan, readForward } from "../core/options.js";
import type { AnyData, Taken, TakenData } from "../engine/operand.js";
import type { Operation, Running, Taking } from "../engine/pass.js";
import { rowsOfPiece } from "../engine/pieces.js";
import { NormField, NormGradientField, ROW_FIELDS, ROW_RECORD } from "../ground/abi.js";
import { checkAmount, checkFlag, wrongKind, wrongValue } from "../ground/check.js";
import { byteLength, type Dtype, holdersOf } from "../ground/dtypes.js";
import { checkOptions } from "../ground/options.js";
import { type ColumnSums, takeColumnSums } from "./column-sums.js";
import type { FusedKernels } from "./kernels.js";
import { checkGradient, checkKept, checkNone, dtypeOf, takeEither, takeGradients } from "./operands.js";
import {
  LAYER_NORM_KEYS,
  LAYER_NORM_SAVED_KEYS,
  type LayerNormOptions,
  NORM_BACKWARD_KEYS,
  RMS_NORM_KEYS,
  RMS_NORM_SAVED_KEYS,
} from "./options.js";
import { type PathPlan, type RowFactors, readPath, takeRowFactors } from "./path.js";
import { Sweep } from "./sweep.js";
import { checkBoolean, checkColumns, drawAgain, type NormOp, type NormTicket, type StoredTicket } from "./ticket.js";

/** The parts of an operation that may be there or not. */
interface Parts {
  readonly residual: boolean;
  readonly bias: boolean;
  readonly beta: boolean;
  readonly layerScale: boolean;
  readonly rowScale: boolean;
  readonly parallel: boolean;
}
const PARTS = ["residual", "bias", "beta", "layerScale", "rowScale", "parallel"] as const satisfies (keyof Parts)[];

/** A forward call, as read. */
interface NormPlan {
  readonly common: ForwardPlan;
  readonly x: AnyData;
  readonly epsilon: number;
  readonly path: PathPlan | undefined;
  readonly gamma: unknown;
  readonly given: { readonly [K in keyof Parts]: unknown };
  readonly h: unknown;
  readonly mean: unknown;
  readonly rstd: unknown;
  readonly backward: boolean;
}

interface Results {
  readonly y: unknown;
  readonly h: unknown;
  readonly mean?: unknown;
  readonly rstd: unknown;
  readonly ticket: NormTicket;
}

/** True for the norm that takes the mean away. */
function isCentred(op: NormOp): boolean {
  return op === "dropoutResidualLayerNorm";
}

/** y = norm of residual + dropout(x + bias). */
export function normForward(kernels: FusedKernels, op: NormOp): Operation<[x: AnyData, p: number, options: unknown], NormPlan, Results> {
  const centred = isCentred(op);
  return {
    read(x, p, options) {
      const common = readForward(p, options, centred ? LAYER_NORM_KEYS : RMS_NORM_KEYS);
      const given = options as LayerNormOptions;
      const { epsilon = 1e-5, residual, bias, gamma, beta, layerScale, rowScale, parallel, dropPath, samples, h, rstd } = given;
      const { mean, backward = common.training } = given;
      checkAmount(epsilon, "epsilon");
      checkFlag(backward, "backward");
      const path = readPath(dropPath, samples, common.training);
      return {
        ...{ common, x, epsilon, path, gamma, h, mean, rstd, backward },
        given: { residual, bias, beta, layerScale, rowScale, parallel },
      };
    },
    take(pass, plan) {
      const { draw, engine } = pass;
      const { common, given, path } = plan;
      const { half } = common;
      draw.choose(common.kind, common.seed, common.stream);
      const input = pass.data(plan.x, "x", half);
      const { stored: dtype, computed, length } = input;
      const residual = given.residual === undefined ? undefined : takeEither(pass, given.residual, "residual", input, length);
      const gamma = takeEither(pass, plan.gamma, "gamma", input);
      const { length: columns } = gamma;
      if (columns === 0 ? length > 0 : length % columns !== 0) throw wrongValue("gamma", `length that divides ${length}`, columns);
      const row = (value: unknown, name: string) => (value === undefined ? undefined : pass.input(value, name, gamma.stored, columns));
      const beta = row(given.beta, "beta");
      const bias = row(given.bias, "bias");
      const layerScale = row(given.layerScale, "layerScale");
      const parallel = given.parallel === undefined ? undefined : pass.input(given.parallel, "parallel", dtype, length);
      const rows = columns === 0 ? 0 : length / columns;
      const rowScale = given.rowScale === undefined ? undefined : takeRowScale(pass, given.rowScale, "rowScale", computed, rows);
      draw.range(parallel === undefined ? length : 2 * length, common.start);
      draw.chance(common.p, "train", common.training);

      const streamDtype = residual?.stored ?? dtypeOf(plan.h, input);
      const same = (stored: Taken["stored"], ...operands: (Taken | undefined)[]) =>
        operands.filter((one): one is Taken => one?.stored === stored);
      const wanted = [
        { name: "out", value: common.out, dtype, length, same: same(dtype, input, residual, parallel) },
        { name: "h", value: plan.h, dtype: streamDtype, length, same: same(streamDtype, input, residual) },
        ...(centred ? [{ name: "mean", value: plan.mean, dtype: computed, length: rows }] : []),
        { name: "rstd", value: plan.rstd, dtype: computed, length: rows },
      ];
      const taken = pass.outputs(plan.x, wanted);
      const [y, stream, rstds] = [taken[0], taken[1], taken[taken.length - 1]] as [Taken, Taken, Taken];
      const means = centred ? taken[2] : undefined;
      // The gradient of the layer scale reads x again.
      const lost = [y, stream].filter((one) => layerScale !== undefined && checkKept(one, input, plan.backward)).length > 0;

      const sweep = Sweep.ofRows(pass, rows, columns);
      const x = sweep.matrix(input);
      const other = residual === undefined ? undefined : sweep.matrix(residual);
      const second = parallel === undefined ? undefined : sweep.matrix(parallel);
      const [to, h, rstd] = [sweep.matrix(y), sweep.matrix(stream), sweep.vector(rstds)];
      const mean = means === undefined ? undefined : sweep.vector(means);
      const factors = pass.stage(gamma, columns);
      const [addends, added, scales] = [beta, bias, layerScale].map((one) => (one === undefined ? undefined : pass.stage(one, columns)));
      const extended =
        computed === "f64" || layerScale !== undefined || rowScale !== undefined || path !== undefined || second !== undefined;
      const branch = extended ? takeBranch(pass, path, rowScale, rows, columns, computed) : undefined;
      // A row that adds nothing.
      const nothing = pass.scratch(byteLength(computed, columns));
      const record = pass.scratch(ROW_RECORD);
      sweep.drawBytes(second === undefined ? 1 : 2);
      const kernel = kernels.norm.bytes[computed];
      return (run) => {
        const { memory } = engine;
        memory.view(computed, nothing, columns).fill(-0);
        const fields = memory.view("f64", record, ROW_FIELDS).fill(0);
        const rowAt = (staged: typeof addends, otherwise: number) => (staged === undefined ? otherwise : staged.enter(0, columns));
        fields[NormField.bias] = rowAt(added, extended ? nothing : 0);
        fields[NormField.gamma] = factors.enter(0, columns);
        fields[NormField.beta] = rowAt(addends, nothing);
        fields[NormField.columns] = columns;
        fields[NormField.epsilon] = plan.epsilon;
        fields[NormField.scale] = run.scale;
        fields[NormField.centred] = centred ? 1 : 0;
        fields[NormField.residual] = nothing;
        fields[NormField.residualStep] = other === undefined ? 0 : byteLength(computed, columns);
        if (branch !== undefined) {
          branch.begin(run);
          fields[NormField.all] = branch.all;
          fields[NormField.factors] = branch.factors.pointer;
          fields[NormField.layerScale] = rowAt(scales, branch.ones);
        }
        sweep.run(run, (at, count, keep, first, some, secondKeep) => {
          fields[NormField.y] = to.enter(at, count);
          fields[NormField.h] = h.enter(at, count);
          if (mean !== undefined) fields[NormField.means] = mean.enter(first, some);
          fields[NormField.rstds] = rstd.enter(first, some);
          fields[NormField.x] = x.enter(at, count);
          if (other !== undefined) fields[NormField.residual] = other.enter(at, count);
          if (second !== undefined) fields[NormField.parallel] = second.enter(at, count);
          if (branch !== undefined) fields[NormField.paths] = branch.factors.fill(run, first, some);
          fields[NormField.keep] = keep;
          fields[NormField.parallelKeep] = secondKeep;
          fields[NormField.rows] = some;
          kernel(record);
        });
        const ticket = ticketOf(run, op, columns, plan, lost);
        const common = { y: y.array, h: stream.array, rstd: rstds.array, ticket };
        return means === undefined ? common : { ...common, mean: means.array };
      };
    },
  };
}

/** The ticket of a forward call; parts that most calls lack are named where there are some. */
function ticketOf(run: Running, op: NormOp, columns: number, { given, path }: NormPlan, overwritten: boolean): NormTicket {
  const parts = {
    columns,
    residual: given.residual !== undefined,
    bias: given.bias !== undefined,
    beta: given.beta !== undefined,
  };
  const layer = given.layerScale === undefined ? undefined : { layerScale: true };
  const rows = given.rowScale === undefined ? undefined : { rowScale: true };
  const second = given.parallel === undefined ? undefined : { parallel: true };
  const dropped = path === undefined ? undefined : { dropPath: path.p };
  const samples = path?.samples === undefined ? undefined : { samples: path.samples };
  return Object.assign(run.ticket(op), parts, layer, rows, second, dropped, samples, overwritten ? { overwritten } : undefined);
}

/** Takes factors of rows, one for every so many. */
function takeRowScale(pass: Taking, value: unknown, name: string, dtype: Dtype, rows: number): TakenData {
  const taken = pass.ofDtype(value, name, dtype);
  if (taken.length === 0 ? rows > 0 : rows % taken.length !== 0)
    throw wrongValue(name, `length that divides ${rows}, the rows`, taken.length);
  return taken;
}

/** The operands of branches that have more than a residual. */
interface Branch {
  readonly factors: RowFactors;
  /** A row of ones, and behind it `all`: a byte of 1 for each column, and a byte of 0. */
  readonly ones: number;
  readonly all: number;
  readonly begin: (run: Running) => void;
}

function takeBranch(
  pass: Taking,
  path: PathPlan | undefined,
  rowScale: Taken | undefined,
  rows: number,
  columns: number,
  dtype: Dtype,
  prefix = "",
): Branch {
  const { memory } = pass.engine;
  const factors = takeRowFactors(pass, path, rowScale, rows, rowsOfPiece(columns), dtype, prefix);
  const ones = pass.scratch(byteLength(dtype, columns) + 2 * columns);
  const all = ones + byteLength(dtype, columns);
  return {
    factors,
    ones,
    all,
    begin(run) {
      factors.begin(run);
      memory.view(dtype, ones, columns).fill(1);
      memory
        .view("bytes", all, 2 * columns)
        .fill(1, 0, columns)
        .fill(0, columns);
    },
  };
}

/** A backward call, as read. */
interface BackwardPlan {
  readonly dy: AnyData;
  readonly ticket: StoredTicket;
  readonly columns: number;
  readonly parts: Parts;
  readonly path: PathPlan | undefined;
  readonly saved: { readonly [K in "h" | "mean" | "rstd" | "gamma" | "x" | "bias" | "layerScale" | "rowScale"]?: unknown };
  readonly dh: unknown;
  readonly gradients: {
    readonly [K in "dx" | "dresidual" | "dgamma" | "dbeta" | "dbias" | "dlayerScale" | "dparallel"]: unknown;
  };
  readonly half: unknown;
  readonly backward: boolean;
}

type Gradients = Partial<BackwardPlan["gradients"]>;

/** The gradients of a norm of residual + dropout(x + bias). */
export function normBackward(
  kernels: FusedKernels,
  op: NormOp,
): Operation<[dy: AnyData, ticket: StoredTicket, saved: unknown, options: unknown], BackwardPlan, Gradients> {
  const centred = isCentred(op);
  return {
    read(dy, ticket, saved, options) {
      const parts = readParts(ticket);
      const path = readPath(ticket.dropPath, ticket.samples, true, "ticket.");
      checkOptions(saved, centred ? LAYER_NORM_SAVED_KEYS : RMS_NORM_SAVED_KEYS, "saved");
      checkOptions(options, NORM_BACKWARD_KEYS);
      const { h, mean, rstd, gamma, x, bias, layerScale, rowScale } = saved as { [name: string]: unknown };
      const given = options as { [name: string]: unknown };
      const { dh, dx, dresidual, dgamma, dbeta, dbias, dlayerScale, dparallel, dtype, backward = true } = given;
      checkFlag(backward, "backward");
      const optional = { dresidual, dbeta, dbias, dlayerScale, dparallel };
      const of = { dresidual: "residual", dbeta: "beta", dbias: "bias", dlayerScale: "layerScale", dparallel: "parallel" } as const;
      for (const name in of) {
        const key = name as keyof typeof of;
        if (parts[of[key]]) continue;
        checkNone(optional[key], key, of[key]);
        optional[key] = false;
      }
      return {
        dy,
        ticket,
        columns: ticket.columns as number,
        parts,
        path,
        saved: { h, mean, rstd, gamma, x, bias, layerScale, rowScale },
        dh,
        gradients: { dx, dgamma, ...optional },
        half: dtype,
        backward: backward as boolean,
      };
    },
    take(pass, { dy, ticket, columns, parts, path, saved, gradients, ...plan }) {
      const { draw, engine } = pass;
      const { memory } = engine;
      drawAgain(draw, ticket);
      const length = parts.parallel ? draw.length / 2 : draw.length;
      if (!Number.isInteger(length)) throw wrongValue("ticket.length", "even number, as there are two branches", draw.length);
      checkColumns(columns, length);
      const rows = columns === 0 ? 0 : length / columns;
      const input = pass.data(dy, "dy", plan.half);
      checkGradient(input, length);
      const { stored: dtype, computed } = input;
      const stream = takeEither(pass, saved.h, "saved.h", input, length);
      const means = centred ? pass.input(saved.mean, "saved.mean", computed, rows) : undefined;
      const rstds = pass.input(saved.rstd, "saved.rstd", computed, rows);
      const gamma = takeEither(pass, saved.gamma, "saved.gamma", input, columns);
      const layerScale = parts.layerScale ? pass.input(saved.layerScale, "saved.layerScale", gamma.stored, columns) : undefined;
      const weighed = layerScale !== undefined && gradients.dlayerScale !== false;
      const from = weighed ? pass.input(saved.x, "saved.x", dtype, length) : undefined;
      const bias = weighed && parts.bias ? pass.input(saved.bias, "saved.bias", gamma.stored, columns) : undefined;
      const rowScale = parts.rowScale ? takeRowScale(pass, saved.rowScale, "saved.rowScale", computed, rows) : undefined;
      const added = plan.dh === undefined ? undefined : pass.input(plan.dh, "dh", stream.stored, length);
      const matrix = (stored: Taken["stored"]) => ({
        dtype: stored,
        length,
        same: [input, stream, added].filter((one): one is Taken => one?.stored === stored),
      });
      const row = { dtype: gamma.stored, length: columns };
      if (gradients.dx === false) throw wrongKind("dx", holdersOf(dtype), false);
      const results = takeGradients(pass, dy, {
        dx: { value: gradients.dx, ...matrix(dtype) },
        dresidual: { value: gradients.dresidual, ...matrix(stream.stored) },
        dparallel: { value: gradients.dparallel, ...matrix(dtype) },
        dgamma: { value: gradients.dgamma, ...row },
        dbeta: { value: gradients.dbeta, ...row },
        dbias: { value: gradients.dbias, ...row },
        dlayerScale: { value: gradients.dlayerScale, ...row },
      });
      for (const result of [results.dx, results.dresidual, results.dparallel])
        if (result !== undefined) checkKept(result, stream, plan.backward);

      const sweep = Sweep.ofRows(pass, rows, columns);
      const staged = (one: Taken | undefined) => (one === undefined ? undefined : sweep.matrix(one));
      const [gradient, h, to] = [sweep.matrix(input), sweep.matrix(stream), sweep.matrix(results.dx as Taken)];
      const [x, dh, dresidual, dparallel] = [from, added, results.dresidual, results.dparallel].map(staged);
      const mean = means === undefined ? undefined : sweep.vector(means);
      const rstd = sweep.vector(rstds);
      // The kernel writes dresidual, wanted or not.
      const unwanted = dresidual === undefined ? pass.scratch(byteLength(computed, Math.min(sweep.most, length))) : 0;
      const factors = pass.stage(gamma, columns);
      const [scales, addends] = [layerScale, bias].map((one) => (one === undefined ? undefined : pass.stage(one, columns)));
      const sums = { dgamma: takeColumnSums(pass, columns, results.dgamma), dbeta: takeColumnSums(pass, columns, results.dbeta) };
      const biasSums = results.dbias === undefined ? undefined : takeColumnSums(pass, columns, results.dbias);
      const scaleSums = weighed ? takeColumnSums(pass, columns, results.dlayerScale) : undefined;
      const all = [sums.dgamma, sums.dbeta, biasSums, scaleSums].filter((one): one is ColumnSums => one !== undefined);
      const extended = computed === "f64" || parts.layerScale || parts.rowScale || path !== undefined || parts.parallel;
      const branch = extended ? takeBranch(pass, path, rowScale, rows, columns, computed, "ticket.") : undefined;
      const nothing = weighed ? pass.scratch(byteLength(computed, columns)) : 0;
      const record = pass.scratch(ROW_RECORD);
      sweep.drawBytes(parts.parallel ? 2 : 1);
      const kernel = kernels.normGradient.bytes[computed];
      const addRows = kernels.sum.rows[computed];
      return (run) => {
        const fields = memory.view("f64", record, ROW_FIELDS).fill(0);
        fields[NormGradientField.dgamma] = sums.dgamma.pointer;
        fields[NormGradientField.dbeta] = sums.dbeta.pointer;
        fields[NormGradientField.gamma] = factors.enter(0, columns);
        fields[NormGradientField.columns] = columns;
        fields[NormGradientField.scale] = run.scale;
        if (branch !== undefined) {
          branch.begin(run);
          fields[NormGradientField.all] = branch.all;
          fields[NormGradientField.factors] = branch.factors.pointer;
          fields[NormGradientField.layerScale] = scales === undefined ? branch.ones : scales.enter(0, columns);
        }
        if (scaleSums !== undefined) {
          memory.view(computed, nothing, columns).fill(-0);
          fields[NormGradientField.dlayerScale] = scaleSums.pointer;
          fields[NormGradientField.bias] = addends === undefined ? nothing : addends.enter(0, columns);
        }
        for (const sum of all) sum.clear();
        sweep.run(run, (at, count, keep, first, some, secondKeep) => {
          const result = to.enter(at, count);
          fields[NormGradientField.dx] = result;
          fields[NormGradientField.dresidual] = dresidual === undefined ? unwanted : dresidual.enter(at, count);
          fields[NormGradientField.dy] = gradient.enter(at, count);
          fields[NormGradientField.h] = h.enter(at, count);
          if (mean !== undefined) fields[NormGradientField.means] = mean.enter(first, some);
          fields[NormGradientField.rstds] = rstd.enter(first, some);
          if (dh !== undefined) fields[NormGradientField.dh] = dh.enter(at, count);
          if (x !== undefined) fields[NormGradientField.x] = x.enter(at, count);
          if (dparallel !== undefined) fields[NormGradientField.dparallel] = dparallel.enter(at, count);
          if (branch !== undefined) fields[NormGradientField.paths] = branch.factors.fill(run, first, some);
          fields[NormGradientField.keep] = keep;
          fields[NormGradientField.parallelKeep] = secondKeep;
          fields[NormGradientField.rows] = some;
          kernel(record);
          if (biasSums !== undefined) addRows(biasSums.pointer, result, count, 0, columns);
        });
        for (const sum of all) sum.round();
        const gradientsOf: { -readonly [K in keyof Gradients]: unknown } = {};
        for (const name in results) gradientsOf[name as keyof Gradients] = results[name as keyof Gradients]?.array;
        return gradientsOf;
      };
    },
  };
}

/** The parts that a ticket names. */
function readParts(ticket: StoredTicket): Parts {
  const { residual, bias, beta, layerScale = false, rowScale = false, parallel = false } = ticket;
  const parts = { residual, bias, beta, layerScale, rowScale, parallel };
  for (const name of PARTS) checkBoolean(parts[name], `ticket.${name}`);
  return parts as Parts;
}
