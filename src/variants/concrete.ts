// Concrete dropout: soft decisions, with a gradient for p. Source: Gal, Hron, Kendall, "Concrete dropout", NeurIPS 2017.

import { readForward } from "../core/options.js";
import type { AnyData } from "../engine/operand.js";
import type { Operation, Running, Taking } from "../engine/pass.js";
import { parts } from "../engine/pieces.js";
import { checkNumber, wrongValue } from "../ground/check.js";
import { byteLength, type DataDtype } from "../ground/dtypes.js";
import { F16_OVERFLOW } from "../stream/draw.js";
import { checkOrder } from "./exact.js";
import type { VariantsKernels } from "./kernels.js";
import { CONCRETE_KEYS, type ConcreteDropoutOptions } from "./options.js";
import { type ConcreteDropoutTicket, checkConcrete, rangeOf, readRange, TEMPERATURES, type TicketPlan } from "./ticket.js";

const TEMPERATURE = 0.1;
// Sums over every fourth element.
const SUMS = 4;

interface ConcretePlan {
  readonly x: AnyData;
  readonly p: number;
  readonly common: ReturnType<typeof readForward>;
  readonly temperature: number;
}

/** y = x m / (1 - p). */
export function concreteDropout(
  kernels: VariantsKernels,
): Operation<[x: AnyData, p: number, options: unknown], ConcretePlan, { y: unknown; ticket: ConcreteDropoutTicket }> {
  return {
    read(x, p, options) {
      checkConcrete(p, "p");
      const common = readForward(p, options, CONCRETE_KEYS);
      checkOrder(common.kind);
      const { temperature = TEMPERATURE } = options as ConcreteDropoutOptions<AnyData>;
      checkNumber(temperature, "temperature", ...TEMPERATURES);
      return { x, p, common, temperature };
    },
    take(pass, { x, p, common, temperature }) {
      const { training, out, half, seed, stream, start } = common;
      const { draw } = pass;
      draw.choose(undefined, seed, stream);
      const input = pass.dataOf(x, "x", singles(pass), half);
      const { length, stored } = input;
      if (stored === "f16" && 1 / (1 - p) >= F16_OVERFLOW) throw wrongValue("p", "below 1 - 1 / 65520 for f16", p);
      draw.range(length, start);
      const output = pass.output(out, "out", stored, length, x, input);
      draw.chance(0, "train", training);
      const [src, dst] = training ? [pass.stage(input), pass.stage(output)] : [pass.stageStored(input), pass.stageStored(output)];
      const kernel = kernels.soften.words.f32;
      return (run) => {
        const { memory } = run.engine;
        for (const { at, count } of parts(length)) {
          const from = src.enter(at, count);
          const to = dst.enter(at, count);
          if (training) kernel(to, from, count, p, temperature, run.params(at));
          else {
            const bytes = byteLength(src.dtype, count);
            if (to !== from) memory.view("bytes", to, bytes).set(memory.view("bytes", from, bytes));
          }
          dst.leave(at, count);
        }
        return { y: output.array, ticket: { ...rangeOf(draw), op: "concreteDropout", p: training ? p : 0, temperature } };
      };
    },
  };
}

/** The arrays of a backward call. */
interface ConcreteGradients {
  readonly dy: AnyData;
  readonly x: unknown;
  readonly dx: unknown;
  readonly half: unknown;
}

/** dx = dy m / (1 - p), and the derivative with respect to p. */
export function takeConcreteBackward(
  kernels: VariantsKernels,
  pass: Taking,
  { range, p, temperature }: Extract<TicketPlan, { op: "concreteDropout" }>,
  { dy, x, dx, half }: ConcreteGradients,
): (run: Running) => { dx: unknown; dp: number } {
  readRange(pass.draw, range);
  const input = pass.dataOf(dy, "dy", singles(pass), half);
  const { length, stored } = input;
  if (length !== pass.draw.length) throw wrongValue("dy", `length ${pass.draw.length}, the ticket's`, length);
  const saved = pass.input(x, "saved.x", stored, length);
  const output = pass.output(dx, "dx", stored, length, dy, input, saved);
  const [d, value, result] = [pass.stage(input), pass.stage(saved), pass.stage(output)];
  const sums = pass.scratch(byteLength("f64", SUMS));
  const kernel = kernels.softengradient.words.f32;
  return (run) => {
    const { memory } = run.engine;
    memory.view("f64", sums, SUMS).fill(0);
    for (const { at, count } of parts(length)) {
      const [from, other] = [d.enter(at, count), value.enter(at, count)];
      const to = result.enter(at, count);
      if (p > 0) kernel(to, from, other, count, p, temperature, sums, run.params(at));
      else if (to !== from) memory.view("f32", to, count).set(memory.view("f32", from, count));
      result.leave(at, count);
    }
    const [a = 0, b = 0, c = 0, e = 0] = memory.view("f64", sums, SUMS);
    return { dx: output.array, dp: a + b + (c + e) };
  };
}

/** Returns the dtypes that are computed with in f32. */
function singles({ engine }: Taking): DataDtype[] {
  return engine.dtypes.filter((dtype) => dtype !== "f64");
}
