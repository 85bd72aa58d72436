// Residual, dropout and layer norm in one sweep, and its gradients.
// Invariant: a result depends on the operands' values and the mask, not on where the operands lie and in what parts they are taken.

import { type ForwardPlan, readForward } from "../core/options.js";
import type { AnyData } from "../engine/operand.js";
import type { Operation } from "../engine/pass.js";
import { NormField, NormGradientField, ROW_FIELDS, ROW_RECORD } from "../ground/abi.js";
import { checkAmount, checkFlag, wrongKind, wrongValue } from "../ground/check.js";
import { byteLength, holdersOf } from "../ground/dtypes.js";
import { checkOptions } from "../ground/options.js";
import { takeColumnSums } from "./column-sums.js";
import type { FusedKernels } from "./kernels.js";
import { checkGradient, checkKept, checkNone, takeF32, takeGradients } from "./operands.js";
import { NORM_BACKWARD_KEYS, NORM_KEYS, NORM_SAVED_KEYS, type NormOptions } from "./options.js";
import { Sweep } from "./sweep.js";
import { checkBoolean, checkColumns, drawAgain, type NormTicket, type StoredTicket } from "./ticket.js";

/** A forward call, as read. */
interface NormPlan {
  readonly common: ForwardPlan;
  readonly x: AnyData;
  readonly epsilon: number;
  readonly residual: unknown;
  readonly bias: unknown;
  readonly gamma: unknown;
  readonly beta: unknown;
  readonly h: unknown;
  readonly mean: unknown;
  readonly rstd: unknown;
}

interface Results {
  readonly y: unknown;
  readonly h: unknown;
  readonly mean: unknown;
  readonly rstd: unknown;
  readonly ticket: NormTicket;
}

/** y = layer norm of residual + dropout(x + bias). */
export function normForward(kernels: FusedKernels): Operation<[x: AnyData, p: number, options: unknown], NormPlan, Results> {
  return {
    read(x, p, options) {
      const common = readForward(p, options, NORM_KEYS);
      const { epsilon = 1e-5, residual, bias, gamma, beta, h, mean, rstd } = options as NormOptions;
      checkAmount(epsilon, "epsilon");
      return { common, x, epsilon, residual, bias, gamma, beta, h, mean, rstd };
    },
    take(pass, plan) {
      const { draw, engine } = pass;
      const { common } = plan;
      draw.choose(common.kind, common.seed, common.stream);
      const input = takeF32(pass, plan.x, "x", common.half);
      const { stored: dtype, length } = input;
      const residual = pass.input(plan.residual, "residual", dtype, length);
      const gamma = pass.ofDtype(plan.gamma, "gamma", dtype);
      const { length: columns } = gamma;
      if (columns === 0 ? length > 0 : length % columns !== 0) throw wrongValue("gamma", `length that divides ${length}`, columns);
      const beta = pass.input(plan.beta, "beta", dtype, columns);
      const bias = plan.bias === undefined ? undefined : pass.input(plan.bias, "bias", dtype, columns);
      draw.range(length, common.start);
      draw.chance(common.p, "train", common.training);

      const rows = columns === 0 ? 0 : length / columns;
      const same = [input, residual];
      const [y, stream, means, rstds] = pass.outputs(plan.x, [
        { name: "out", value: common.out, dtype, length, same },
        { name: "h", value: plan.h, dtype, length, same },
        { name: "mean", value: plan.mean, dtype: "f32", length: rows },
        { name: "rstd", value: plan.rstd, dtype: "f32", length: rows },
      ]);
      const sweep = Sweep.ofRows(pass, rows, columns);
      const [x, other, to, h] = [sweep.matrix(input), sweep.matrix(residual), sweep.matrix(y), sweep.matrix(stream)];
      const [mean, rstd] = [sweep.vector(means), sweep.vector(rstds)];
      const [factors, addends] = [pass.stage(gamma, columns), pass.stage(beta, columns)];
      const added = bias === undefined ? undefined : pass.stage(bias, columns);
      const record = pass.scratch(ROW_RECORD);
      sweep.drawBytes();
      const kernel = kernels.norm.bytes.f32;
      return (run) => {
        const fields = engine.memory.view("f64", record, ROW_FIELDS);
        fields[NormField.bias] = added === undefined ? 0 : added.enter(0, columns);
        fields[NormField.gamma] = factors.enter(0, columns);
        fields[NormField.beta] = addends.enter(0, columns);
        fields[NormField.columns] = columns;
        fields[NormField.epsilon] = plan.epsilon;
        fields[NormField.scale] = run.scale;
        sweep.run(run, (at, count, keep, row, some) => {
          fields[NormField.y] = to.enter(at, count);
          fields[NormField.h] = h.enter(at, count);
          fields[NormField.means] = mean.enter(row, some);
          fields[NormField.rstds] = rstd.enter(row, some);
          fields[NormField.x] = x.enter(at, count);
          fields[NormField.residual] = other.enter(at, count);
          fields[NormField.keep] = keep;
          fields[NormField.rows] = some;
          kernel(record);
        });
        const ticket = Object.assign(run.ticket("dropoutResidualLayerNorm"), { columns, bias: bias !== undefined });
        return { y: y.array, h: stream.array, mean: means.array, rstd: rstds.array, ticket };
      };
    },
  };
}

/** A backward call, as read. */
interface BackwardPlan {
  readonly dy: AnyData;
  readonly ticket: StoredTicket;
  readonly columns: number;
  readonly bias: boolean;
  readonly saved: { readonly [K in "h" | "mean" | "rstd" | "gamma"]: unknown };
  readonly dh: unknown;
  readonly gradients: { readonly [K in "dx" | "dresidual" | "dgamma" | "dbeta" | "dbias"]: unknown };
  readonly half: unknown;
  readonly backward: boolean;
}

type Gradients = BackwardPlan["gradients"];

/** The gradients of layer norm of residual + dropout(x + bias). */
export function normBackward(
  kernels: FusedKernels,
): Operation<[dy: AnyData, ticket: StoredTicket, saved: unknown, options: unknown], BackwardPlan, Gradients> {
  return {
    read(dy, ticket, saved, options) {
      const { columns, bias } = ticket;
      checkBoolean(bias, "ticket.bias");
      checkOptions(saved, NORM_SAVED_KEYS, "saved");
      checkOptions(options, NORM_BACKWARD_KEYS);
      const { h, mean, rstd, gamma } = saved as { [name: string]: unknown };
      const { dh, dx, dresidual, dgamma, dbeta, dbias, dtype, backward = true } = options as { [name: string]: unknown };
      checkFlag(backward, "backward");
      if (!bias) checkNone(dbias, "dbias", "bias");
      return {
        dy,
        ticket,
        columns: columns as number,
        bias,
        saved: { h, mean, rstd, gamma },
        dh,
        gradients: { dx, dresidual, dgamma, dbeta, dbias: bias ? dbias : false },
        half: dtype,
        backward: backward as boolean,
      };
    },
    take(pass, { dy, ticket, columns, saved, gradients, ...plan }) {
      const { draw, engine } = pass;
      drawAgain(draw, ticket);
      const { length } = draw;
      checkColumns(columns, length);
      const rows = columns === 0 ? 0 : length / columns;
      const input = takeF32(pass, dy, "dy", plan.half);
      checkGradient(input, length);
      const { stored: dtype } = input;
      const stream = pass.input(saved.h, "saved.h", dtype, length);
      const means = pass.input(saved.mean, "saved.mean", "f32", rows);
      const rstds = pass.input(saved.rstd, "saved.rstd", "f32", rows);
      const gamma = pass.input(saved.gamma, "saved.gamma", dtype, columns);
      const added = plan.dh === undefined ? undefined : pass.input(plan.dh, "dh", dtype, length);
      const same = added === undefined ? [input, stream] : [input, stream, added];
      const matrix = { dtype, length, same };
      const row = { dtype, length: columns };
      if (gradients.dx === false) throw wrongKind("dx", holdersOf(dtype), false);
      const results = takeGradients(pass, dy, {
        dx: { value: gradients.dx, ...matrix },
        dresidual: { value: gradients.dresidual, ...matrix },
        dgamma: { value: gradients.dgamma, ...row },
        dbeta: { value: gradients.dbeta, ...row },
        dbias: { value: gradients.dbias, ...row },
      });
      for (const result of [results.dx, results.dresidual]) if (result !== undefined) checkKept(result, stream, plan.backward);

      const sweep = Sweep.ofRows(pass, rows, columns);
      const [from, h, to] = [sweep.matrix(input), sweep.matrix(stream), sweep.matrix(results.dx as NonNullable<typeof results.dx>)];
      const dh = added === undefined ? undefined : sweep.matrix(added);
      const dresidual = results.dresidual === undefined ? undefined : sweep.matrix(results.dresidual);
      const [mean, rstd] = [sweep.vector(means), sweep.vector(rstds)];
      // The kernel writes dresidual, wanted or not.
      const unwanted = dresidual === undefined ? pass.scratch(byteLength("f32", Math.min(sweep.most, length))) : 0;
      const factors = pass.stage(gamma, columns);
      const [gammaSums, betaSums] = [takeColumnSums(pass, columns, results.dgamma), takeColumnSums(pass, columns, results.dbeta)];
      const biasSums = results.dbias === undefined ? undefined : takeColumnSums(pass, columns, results.dbias);
      const sums = biasSums === undefined ? [gammaSums, betaSums] : [gammaSums, betaSums, biasSums];
      const record = pass.scratch(ROW_RECORD);
      sweep.drawBytes();
      const kernel = kernels.normGradient.bytes.f32;
      const addRows = kernels.sum.rows.f32;
      return (run) => {
        const fields = engine.memory.view("f64", record, ROW_FIELDS);
        fields[NormGradientField.dgamma] = gammaSums.pointer;
        fields[NormGradientField.dbeta] = betaSums.pointer;
        fields[NormGradientField.gamma] = factors.enter(0, columns);
        fields[NormGradientField.columns] = columns;
        fields[NormGradientField.scale] = run.scale;
        for (const sum of sums) sum.clear();
        sweep.run(run, (at, count, keep, first, some) => {
          const result = to.enter(at, count);
          fields[NormGradientField.dx] = result;
          fields[NormGradientField.dresidual] = dresidual === undefined ? unwanted : dresidual.enter(at, count);
          fields[NormGradientField.dy] = from.enter(at, count);
          fields[NormGradientField.h] = h.enter(at, count);
          fields[NormGradientField.means] = mean.enter(first, some);
          fields[NormGradientField.rstds] = rstd.enter(first, some);
          fields[NormGradientField.dh] = dh === undefined ? 0 : dh.enter(at, count);
          fields[NormGradientField.keep] = keep;
          fields[NormGradientField.rows] = some;
          kernel(record);
          if (biasSums !== undefined) addRows(biasSums.pointer, result, count, 0, columns);
        });
        for (const sum of sums) sum.round();
        const { dx, dresidual: dr, dgamma, dbeta, dbias } = results;
        return { dx: dx?.array, dresidual: dr?.array, dgamma: dgamma?.array, dbeta: dbeta?.array, dbias: dbias?.array };
      };
    },
  };
}
