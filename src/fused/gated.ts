// Gated linear units with dropout, y = dropout(act(gate) * value), and their gradients.
// Invariant: a result depends on the operands' values and the mask, not on where the operands lie and in what parts they are taken.

import { type ForwardPlan, readForward } from "../core/options.js";
import type { AnyData, Staged, Taken, TakenData } from "../engine/operand.js";
import type { Operation, Running, Taking } from "../engine/pass.js";
import { rowsOfPiece } from "../engine/pieces.js";
import { GATE_RECORD, GateField, ROW_FIELDS } from "../ground/abi.js";
import { checkChoice, checkFlag, checkInteger, wrongKind, wrongValue } from "../ground/check.js";
import { byteLength, holdersOf } from "../ground/dtypes.js";
import { checkOptions } from "../ground/options.js";
import { MAX_INDEX } from "../stream/ticket.js";
import { type FusedKernels, GLU_ACTIVATIONS, type GluActivation, type RowKernel } from "./kernels.js";
import { checkGradient, checkKept, checkNone, takeGradients } from "./operands.js";
import { GATED_BACKWARD_KEYS, GATED_KEYS, GATED_SAVED_KEYS, type GatedOptions } from "./options.js";
import { Sweep } from "./sweep.js";
import { drawAgain, type GatedTicket, type StoredTicket } from "./ticket.js";

/** The halves of rows of one array that are the gate and the value; undefined where these are two arrays. */
interface Halves {
  /** Columns of a half. */
  readonly columns: number;
  readonly gateFirst: boolean;
}

/** Checks the halves that options or a ticket name; `prefix` is what goes before names. */
function readHalves(columns: unknown, gateFirst: unknown, prefix: string): Halves | undefined {
  checkFlag(gateFirst, `${prefix}gateFirst`);
  if (columns === undefined) return undefined;
  checkInteger(columns, `${prefix}columns`, 1, MAX_INDEX);
  return { columns, gateFirst: gateFirst as boolean };
}

/** Operands of elements in two arrays, or in the halves of the rows of one. */
interface Pair {
  readonly first: Taken;
  /** undefined: the halves of the first. */
  readonly second: Taken | undefined;
}

/** A forward call, as read. */
interface GatedPlan {
  readonly common: ForwardPlan;
  readonly x: AnyData;
  readonly value: unknown;
  readonly halves: Halves | undefined;
  readonly activation: GluActivation;
  readonly backward: boolean;
}

/** y = dropout(act(gate) * value). */
export function gatedForward(
  kernels: FusedKernels,
): Operation<[x: AnyData, p: number, options: unknown], GatedPlan, { y: unknown; ticket: GatedTicket }> {
  return {
    read(x, p, options) {
      const common = readForward(p, options, GATED_KEYS);
      const { value, columns, gateFirst = true, activation = "silu", backward = common.training } = options as GatedOptions;
      checkChoice(activation, "activation", GLU_ACTIVATIONS);
      checkFlag(backward, "backward");
      if ((value === undefined) === (columns === undefined)) {
        throw wrongKind("columns", value === undefined ? 'number of columns of a half, or "value"' : 'undefined beside "value"', columns);
      }
      return { common, x, value, halves: readHalves(columns, gateFirst, ""), activation, backward };
    },
    take(pass, { common, x, value, halves, activation, backward }) {
      const { draw } = pass;
      draw.choose(common.kind, common.seed, common.stream);
      const first = pass.data(x, "x", common.half);
      const { stored, computed } = first;
      const second = halves === undefined ? pass.input(value, "value", stored, first.length) : undefined;
      const length = halves === undefined ? first.length : lengthOf(first, halves);
      draw.range(length, common.start);
      draw.chance(common.p, "train", common.training);
      const same = second === undefined ? [] : [first, second];
      const output = pass.output(common.out, "out", stored, length, x, ...same);
      const overwritten = same.filter((one) => checkKept(output, one, backward)).length > 0;
      const kernel = kernels[`${activation}Gate`].bytes[computed];
      const apply = takeGate(pass, kernel, halves, { from: { first, second }, output: { first: output, second: undefined } });
      const lost = overwritten ? { overwritten } : undefined;
      return (run) => {
        apply(run);
        return { y: output.array, ticket: Object.assign(run.ticket("gluDropout"), { activation }, halves, lost) };
      };
    },
  };
}

/** The number of elements of a half of an array. */
function lengthOf({ length, name }: Taken, { columns }: Halves): number {
  if (length % (2 * columns) !== 0) throw wrongValue(name, `length that is a multiple of ${2 * columns}, two halves a row`, length);
  return length / 2;
}

/** A backward call, as read. */
interface BackwardPlan {
  readonly dy: AnyData;
  readonly ticket: StoredTicket;
  readonly halves: Halves | undefined;
  readonly activation: GluActivation;
  readonly x: unknown;
  readonly value: unknown;
  readonly dx: unknown;
  readonly dvalue: unknown;
  readonly half: unknown;
  readonly backward: boolean;
}

interface Gradients {
  readonly dx: unknown;
  readonly dvalue: unknown;
}

/** The gradients of a gated linear unit. */
export function gatedBackward(
  kernels: FusedKernels,
): Operation<[dy: AnyData, ticket: StoredTicket, saved: unknown, options: unknown], BackwardPlan, Gradients> {
  return {
    read(dy, ticket, saved, options) {
      const { activation, columns, gateFirst } = ticket;
      checkChoice(activation, "ticket.activation", GLU_ACTIVATIONS);
      const halves = readHalves(columns, gateFirst, "ticket.");
      checkOptions(saved, GATED_SAVED_KEYS, "saved");
      checkOptions(options, GATED_BACKWARD_KEYS);
      const { x, value } = saved as { [name: string]: unknown };
      const { dx, dvalue, dtype, backward = true } = options as { [name: string]: unknown };
      checkFlag(backward, "backward");
      if (halves !== undefined) checkNone(dvalue, "dvalue", "second array");
      return { dy, ticket, halves, activation, x, value, dx, dvalue, half: dtype, backward: backward as boolean };
    },
    take(pass, { dy, ticket, halves, activation, x, value, dx, dvalue, half, backward }) {
      drawAgain(pass.draw, ticket);
      const { length } = pass.draw;
      const input = pass.data(dy, "dy", half);
      checkGradient(input, length);
      const { stored, computed } = input;
      const from = halves === undefined ? length : 2 * length;
      if (halves !== undefined && length % halves.columns !== 0) throw wrongValue("ticket.columns", `divisor of ${length}`, halves.columns);
      const first = pass.input(x, "saved.x", stored, from) as TakenData;
      const second = halves === undefined ? pass.input(value, "saved.value", stored, length) : undefined;
      const same = second === undefined ? [first] : [input, first, second];
      if (dx === false) throw wrongKind("dx", holdersOf(stored), false);
      if (dvalue === false) throw wrongKind("dvalue", holdersOf(stored), false);
      const matrix = { dtype: stored, length, same };
      const results = takeGradients(pass, dy, {
        dx: { ...matrix, value: dx, length: from },
        dvalue: { ...matrix, value: halves === undefined ? dvalue : false },
      });
      for (const result of [results.dx, results.dvalue]) {
        for (const read of [first, second]) if (result !== undefined && read !== undefined) checkKept(result, read, backward);
      }
      const output = { first: results.dx as Taken, second: results.dvalue };
      const apply = takeGate(pass, kernels[`${activation}GateGradient`].bytes[computed], halves, {
        from: { first, second },
        output,
        dy: input,
      });
      return (run) => {
        apply(run);
        return { dx: output.first.array, dvalue: output.second?.array };
      };
    },
  };
}

/** An operand whose elements a sweep takes as they are, or two halves of them. */
interface Reach {
  readonly enter: (at: number, count: number) => { readonly gate: number; readonly value: number };
  readonly leave: (at: number, count: number) => void;
}

/** Takes the sweep of a gated linear unit, or with dy of its gradients. */
function takeGate(
  pass: Taking,
  kernel: RowKernel,
  halves: Halves | undefined,
  { from, output, dy }: { readonly from: Pair; readonly output: Pair; readonly dy?: TakenData },
): (run: Running) => void {
  const { memory } = pass.engine;
  const { computed } = from.first as TakenData;
  const columns = halves?.columns ?? 0;
  const sweep = halves === undefined ? Sweep.ofElements(pass) : Sweep.ofRows(pass, pass.draw.length / columns, columns);
  const most = 2 * (halves === undefined ? 0 : rowsOfPiece(columns) * columns);
  const halfBytes = byteLength(computed, columns);
  /** The halves of the rows of one array. */
  const halvesOf = (operand: Taken): Reach => {
    const staged = pass.stage(operand, most);
    return {
      enter(at, count) {
        const address = staged.enter(2 * at, 2 * count);
        const other = address + halfBytes;
        return halves?.gateFirst === false ? { gate: other, value: address } : { gate: address, value: other };
      },
      leave: (at, count) => staged.leave(2 * at, 2 * count),
    };
  };
  const pairOf = ({ first, second }: Pair): Reach => {
    const [one, other]: (Staged | undefined)[] = [first, second].map((operand) =>
      operand === undefined ? undefined : sweep.matrix(operand),
    );
    return {
      enter: (at, count) => ({ gate: (one as Staged).enter(at, count), value: other === undefined ? 0 : other.enter(at, count) }),
      leave: () => undefined,
    };
  };
  const packed = halves !== undefined;
  const source = packed ? halvesOf(from.first) : pairOf(from);
  const result = packed && dy !== undefined ? halvesOf(output.first) : pairOf(output);
  const gradient = dy === undefined ? undefined : sweep.matrix(dy);
  const record = pass.scratch(GATE_RECORD);
  sweep.drawBytes();
  return (run) => {
    const fields = memory.view("f64", record, ROW_FIELDS);
    fields[GateField.scale] = run.scale;
    fields[GateField.gateStep] = 2 * halfBytes;
    fields[GateField.resultStep] = dy === undefined ? halfBytes : 2 * halfBytes;
    sweep.run(run, (at, count, keep, _first, rows) => {
      const { gate, value } = source.enter(at, count);
      const to = result.enter(at, count);
      fields[GateField.gate] = gate;
      fields[GateField.value] = value;
      fields[GateField.result] = to.gate;
      fields[GateField.second] = to.value;
      fields[GateField.dy] = gradient === undefined ? 0 : gradient.enter(at, count);
      fields[GateField.keep] = keep;
      fields[GateField.rows] = packed ? rows : 1;
      fields[GateField.columns] = packed ? columns : count;
      kernel(record);
      result.leave(at, count);
    });
  };
}
