// DropConnect, a linear layer whose weights are dropped: Wan, Zeiler, Zhang, LeCun, Fergus, "Regularization of neural networks using
// DropConnect", ICML 2013. Masks are drawn a block of rows at a time into scratch and used from there.
// Invariant: scratch holds some rows of the operands and the masks of a few, never batch * out * in of anything, and how a layer is cut
// into parts changes no bit of a result.

import type { Context, StreamOptions } from "../core/dropout.js";
import { WasmBuffer } from "../engine/buffer.js";
import { type Frame, framed, parts } from "../engine/frame.js";
import type { Data, DataOf, Operand } from "../engine/operand.js";
import { checkChoice, checkFlag, checkObject, checkProbability, wrongKind, wrongValue } from "../ground/check.js";
import { byteLength, type Dtype } from "../ground/dtypes.js";
import { RESCALES, type Rescale, type Ticket } from "../stream/ticket.js";
import { chanceOf, drawExamples, maskRows } from "./chance.js";
import type { LinearKernels } from "./kernels.js";
import { checkShape, checkSides, type LayerShape, layerOf, planOf } from "./layer.js";

/** Options that say what layer it is, for data of type D. */
export interface LayerOptions<D extends Data = DataOf<"f32">> {
  /** Bias [out], of the dtype of x; none by default. */
  bias?: D | undefined;
  /** Sizes of the layer: any one of `batch`, `in` and `out`, unless a bias gives `out`. The others follow from the lengths of x and w. */
  shape?: Partial<LayerShape> | undefined;
}

/** Options of {@link Linear.dropConnect}, for data of type D and an output of type Y. */
export interface DropConnectOptions<D extends Data = DataOf<"f32">, Y extends Data | undefined = undefined>
  extends LayerOptions<D>,
    StreamOptions {
  /** true (default): each example drops weights of its own, as in the paper. false: all examples of the batch drop the same. */
  perExample?: boolean | undefined;
  /** When to make up for what is dropped: in training (default), at test time, or not at all. */
  rescale?: Rescale | undefined;
  /** false gives the linear layer itself, its product times 1 - P(drop) if `rescale` is "test", and uses up no stream number; true by default. */
  training?: boolean | undefined;
  /** Where to write y: memory apart from the operands. By default a new array, or buffer, like x. */
  out?: Y;
}

/** What {@link Linear.dropConnect} drew: plain JSON. {@link Dropout.replay} makes the mask from it, [batch, out, in] or [out, in]. */
export interface DropConnectTicket extends Ticket {
  readonly op: "dropConnect";
  /** Whether each example has a mask of its own. */
  readonly perExample: boolean;
  /** Sizes of the layer. */
  readonly shape: LayerShape;
}

/** Whether a gradient is wanted (by default it is), or where to write it. */
export type Wanted<D extends Dtype> = boolean | DataOf<D> | undefined;

/** Options of {@link Linear.backward}. */
export interface LinearBackwardOptions<DX = Wanted<Dtype>, DW = Wanted<Dtype>, DB = Wanted<Dtype>> {
  /** false for no gradient of x, or where to write it: memory apart from all else. By default a new array, or buffer, like x. */
  dx?: DX;
  /** false for no gradient of w, or where to write it: memory apart from all else. By default a new array, or buffer, like w. */
  dw?: DW;
  /** false for no gradient of the bias, or where to write it: memory apart from all else. By default a new array, or buffer, like dy. */
  db?: DB;
}

/** Takes data that must have x's dtype, of whatever length. */
function takeLike(frame: Frame, value: unknown, name: string, dtype: Dtype): Operand {
  const length = value instanceof WasmBuffer || ArrayBuffer.isView(value) ? (value as Data).length : 0;
  return frame.input(value, name, dtype, length);
}

/** Takes x, w and bias and finds the layer's sizes, of which `sides` are given. */
export function takeLayer(frame: Frame, x: unknown, w: unknown, bias: unknown, sides: Partial<LayerShape>) {
  const input = frame.data(x, "x");
  const { dtype } = input;
  const weights = takeLike(frame, w, "w", dtype);
  const biases = bias === undefined ? undefined : takeLike(frame, bias, "bias", dtype);
  return { dtype, input, weights, biases, layer: layerOf(sides, input.length, weights.length, biases?.length) };
}

/** y and ticket of {@link Linear.dropConnect}. */
export function dropConnect(
  context: Context,
  kernels: LinearKernels,
  x: Data,
  w: Data,
  p: number,
  options: DropConnectOptions<Data, Data | undefined>,
) {
  checkProbability(p, "p");
  checkObject(options, "options", "object");
  const { bias, shape, perExample = true, rescale = "train", training = true, out, kind, seed, stream, start } = options;
  checkFlag(perExample, "perExample");
  checkChoice(rescale, "rescale", RESCALES);
  checkFlag(training, "training");
  const sides = checkSides(shape, "shape");
  const { call } = context;
  return framed(context, (frame) => {
    call.takeStream(kind, seed, stream);
    const { dtype, input, weights, biases, layer } = takeLayer(frame, x, w, bias, sides);
    call.takeRange(decisions(layer, perExample), start);
    const { operand: output, array: y } = frame.output(out, "out", dtype, layer.batch * layer.out, x);
    const plan = planOf(layer);
    frame.stage(input, plan.chunk * layer.in);
    frame.stage(weights, plan.rows * layer.in);
    if (biases !== undefined) frame.stage(biases, layer.out);
    frame.stage(output, plan.chunk * layer.out);
    call.recipe.use(p, rescale, training);
    const ticket: DropConnectTicket = { ...call.recipe.toTicket(), op: "dropConnect", perExample, shape: layer };
    const { factor, drawn, none } = chanceOf(call, dtype);
    const keep = drawn && perExample ? frame.scratch(plan.group * plan.rows * layer.in) : 0;
    const masked = drawn && !perExample ? frame.scratch(byteLength(dtype, plan.rows * layer.in)) : 0;
    if (training) call.useStream(stream);

    const kernel = kernels.forward.bytes[dtype];
    const size = byteLength(dtype, 1);
    const inputs = none ? 0 : layer.in;
    const biasAt = biases?.enter(0, layer.out) ?? 0;
    for (const { at: n, count: examples } of parts(layer.batch, plan.chunk)) {
      const xAt = input.enter(n * layer.in, examples * layer.in);
      const yAt = output.enter(n * layer.out, examples * layer.out);
      for (const { at: o, count: rows } of parts(layer.out, plan.rows)) {
        let wAt = weights.enter(o * layer.in, rows * layer.in);
        if (masked) {
          maskRows(context, dtype, masked, wAt, layer, o, rows);
          wAt = masked;
        }
        for (const { at: k, count } of parts(examples, keep ? plan.group : examples)) {
          if (keep) drawExamples(context, keep, layer, n + k, count, o, rows);
          const to = yAt + size * (k * layer.out + o);
          kernel(to, layer.out, xAt + size * k * layer.in, wAt, biasAt && biasAt + size * o, keep, count, rows, inputs, factor);
        }
      }
      output.leave(n * layer.out, examples * layer.out);
    }
    return { y: y as Data, ticket };
  });
}

/** Number of decisions that a layer draws. */
function decisions({ batch, out, in: inputs }: LayerShape, perExample: boolean): number {
  const count = (perExample ? batch : 1) * out * inputs;
  if (count > Number.MAX_SAFE_INTEGER) throw wrongValue("shape", "fewer than 2^53 decisions", `${batch} * ${out} * ${inputs}`);
  return count;
}

/** Takes what a ticket says into the call's recipe; throws unless it is one of dropConnect. */
function readTicket({ call }: Context, ticket: unknown): Pick<DropConnectTicket, "perExample" | "shape"> {
  checkObject(ticket, "ticket", "ticket");
  // All of its own before the recipe's part: a getter may run anything, another call too.
  const { op, perExample, shape } = ticket as { [K in keyof DropConnectTicket]?: unknown };
  checkChoice(op, "ticket.op", ["dropConnect"]);
  if (typeof perExample !== "boolean") throw wrongKind("ticket.perExample", "boolean", perExample);
  const layer = checkShape(shape, "ticket.shape");
  call.recipe.read(ticket);
  const count = (perExample ? layer.batch : 1) * layer.out * layer.in;
  if (call.recipe.length !== count) throw wrongValue("ticket.length", `${count}, the decisions of ticket.shape`, call.recipe.length);
  return { perExample, shape: layer };
}

/** The gradients of {@link Linear.backward}. */
export function backward(
  context: Context,
  kernels: LinearKernels,
  dy: Data,
  x: Data,
  w: Data,
  ticket: DropConnectTicket,
  options: LinearBackwardOptions,
) {
  checkObject(options, "options", "object");
  const { dx, dw, db } = options;
  const { call } = context;
  return framed(context, (frame) => {
    const { perExample, shape: layer } = readTicket(context, ticket);
    const gradient = frame.data(dy, "dy");
    const { dtype } = gradient;
    const units = layer.batch * layer.out;
    if (gradient.length !== units) throw wrongValue("dy", `length ${units}, the ticket's batch * out`, gradient.length);
    const input = frame.input(x, "x", dtype, layer.batch * layer.in);
    const weights = frame.input(w, "w", dtype, layer.out * layer.in);
    const plan = planOf(layer);
    const wanted = (value: unknown, name: string, length: number, like: Data) =>
      value === false ? undefined : frame.output(value === true ? undefined : value, name, dtype, length, like);
    const forX = wanted(dx, "dx", input.length, x);
    const forW = wanted(dw, "dw", weights.length, w);
    const forBias = wanted(db, "db", layer.out, dy);
    // A sum over examples that goes on in the next chunk: what was written is read again, through the same staging slot.
    const again = forW && frame.input(forW.array, "dw", dtype, weights.length);
    frame.stage(gradient, plan.chunk * layer.out);
    if (forX !== undefined) {
      frame.stage(weights, plan.rows * layer.in);
      frame.stage(forX.operand, plan.chunk * layer.in);
    }
    if (forW !== undefined && again !== undefined) {
      frame.stage(input, plan.chunk * layer.in);
      frame.stage(forW.operand, plan.rows * layer.in);
      again.slot = forW.operand.slot;
    }
    if (forBias !== undefined) frame.stage(forBias.operand, layer.out);
    const { factor, drawn, none } = chanceOf(call, dtype);
    const keep = drawn && perExample ? frame.scratch(plan.group * plan.rows * layer.in) : 0;
    const masked = drawn && !perExample && forX ? frame.scratch(byteLength(dtype, plan.rows * layer.in)) : 0;
    const scaled = factor === 1 ? 0 : frame.scratch(byteLength(dtype, plan.chunk * layer.out));

    const size = byteLength(dtype, 1);
    for (const { at: n, count: examples } of parts(layer.batch, plan.chunk)) {
      const first = n === 0;
      const last = n + examples === layer.batch;
      const dyAt = gradient.enter(n * layer.out, examples * layer.out);
      if (forBias !== undefined) {
        kernels.biasgradient.matrix[dtype](forBias.operand.enter(0, layer.out), dyAt, examples, layer.out, Number(first));
        if (last) forBias.operand.leave(0, layer.out);
      }
      if (scaled) kernels.scale.matrix[dtype](scaled, dyAt, examples * layer.out, factor);
      const g = scaled || dyAt;
      const xAt = forW && input.enter(n * layer.in, examples * layer.in);
      const dxAt = forX?.operand.enter(n * layer.in, examples * layer.in);
      for (const { at: o, count: rows } of parts(layer.out, plan.rows)) {
        const at = o * layer.in;
        const block = rows * layer.in;
        let wAt = forX && weights.enter(at, block);
        if (masked && wAt !== undefined) {
          maskRows(context, dtype, masked, wAt, layer, o, rows);
          wAt = masked;
        }
        const dwAt = first ? forW?.operand.enter(at, block) : again?.enter(at, block);
        for (const { at: k, count } of parts(examples, keep ? plan.group : examples)) {
          if (keep) drawExamples(context, keep, layer, n + k, count, o, rows);
          const from = g + size * (k * layer.out + o);
          const row = size * k * layer.in;
          if (dxAt !== undefined && wAt !== undefined) {
            const some = none ? 0 : rows;
            kernels.inputgradient.bytes[dtype](dxAt + row, from, layer.out, wAt, keep, count, some, layer.in, Number(o === 0));
          }
          if (dwAt !== undefined && xAt !== undefined) {
            const some = none ? 0 : count;
            kernels.weightgradient.bytes[dtype](dwAt, from, layer.out, xAt + row, keep, some, rows, layer.in, Number(first && k === 0));
          }
        }
        if (dwAt !== undefined) {
          if (last && drawn && !perExample) maskRows(context, dtype, dwAt, dwAt, layer, o, rows);
          forW?.operand.leave(at, block);
        }
      }
      forX?.operand.leave(n * layer.in, examples * layer.in);
    }
    return { dx: forX?.array as Data | undefined, dw: forW?.array as Data | undefined, db: forBias?.array as Data | undefined };
  });
}
