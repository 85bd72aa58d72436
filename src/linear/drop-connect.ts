// DropConnect, a linear layer whose weights are dropped: Wan, Zeiler, Zhang, LeCun, Fergus, "Regularization of neural networks using
// DropConnect", ICML 2013. Masks are drawn a block of rows at a time into scratch and used from there.
// Invariant: scratch holds some rows of the operands and the masks of a few, never batch * out * in of anything, and how a layer is cut
// into parts changes no bit of a result.

import type { StreamOptions } from "../core/options.js";
import type { Data, Staged } from "../engine/operand.js";
import type { Operation, Running, Taking, Wanted } from "../engine/pass.js";
import { parts } from "../engine/pieces.js";
import { checkChoice, checkFlag, checkProbability, wrongValue } from "../ground/check.js";
import { byteLength, DTYPES, type Dtype } from "../ground/dtypes.js";
import { checkOptions } from "../ground/options.js";
import type { Draw } from "../stream/draw.js";
import { RESCALES, type Rescale } from "../stream/ticket.js";
import type { LinearKernels } from "./kernels.js";
import { checkSides, type LayerShape, layerOf, planOf } from "./layer.js";
import { drawExamples, maskRows } from "./masks.js";
import {
  DROP_CONNECT_KEYS,
  type DropConnectOptions,
  LINEAR_BACKWARD_KEYS,
  type LinearBackwardOptions,
  SAVED_LAYER_KEYS,
  type SavedLayer,
} from "./options.js";
import { type DropConnectTicket, decisions, readTicket } from "./ticket.js";

/** The operands and the sizes of a layer, as read. */
export interface LayerPlan {
  readonly x: unknown;
  readonly w: unknown;
  readonly bias: unknown;
  readonly sides: Partial<LayerShape>;
}

/** Takes x, w and bias and finds the layer's sizes. */
export function takeLayer(pass: Taking, { x, w, bias, sides }: LayerPlan) {
  const input = pass.dataOf(x, "x", DTYPES);
  const dtype = input.computed;
  const weights = pass.ofDtype(w, "w", dtype);
  const biases = bias === undefined ? undefined : pass.ofDtype(bias, "bias", dtype);
  return { dtype, input, weights, biases, layer: layerOf(sides, input.length, weights.length, biases?.length) };
}

/** A use of a draw by kernels that scale sums and not weights. */
interface Chance {
  /** The factor of a sum over kept weights, rounded to the dtype; 0 where all are dropped. */
  readonly factor: number;
  /** true if there are decisions to draw. */
  readonly drawn: boolean;
  /** true if all are dropped: then nothing is summed, so that not even an infinity can pass. */
  readonly none: boolean;
}

function settle(draw: Draw, dtype: Dtype): Chance {
  draw.settle(dtype, dtype);
  const none = draw.scale === Infinity;
  return { factor: none ? 0 : draw.scale, drawn: draw.random, none };
}

interface ForwardPlan extends LayerPlan, StreamOptions {
  readonly p: number;
  readonly perExample: boolean;
  readonly rescale: Rescale;
  readonly training: boolean;
  readonly out: unknown;
}

/** y = s (W masked) x + b. */
export function dropConnect(
  kernels: LinearKernels,
): Operation<[x: Data, p: number, options: unknown], ForwardPlan, { y: unknown; ticket: DropConnectTicket }> {
  return {
    read(x, p, options) {
      checkProbability(p, "p");
      checkOptions(options, DROP_CONNECT_KEYS);
      const {
        w,
        bias,
        shape,
        perExample = true,
        rescale = "train",
        training = true,
        out,
        kind,
        seed,
        stream,
        start,
      } = options as DropConnectOptions;
      checkFlag(perExample, "perExample");
      checkChoice(rescale, "rescale", RESCALES);
      checkFlag(training, "training");
      const sides = checkSides(shape, "shape");
      return { x, w, bias, sides, p, perExample, rescale, training, out, kind, seed, stream, start };
    },
    take(pass, plan) {
      const { p, perExample, rescale, training } = plan;
      const { draw } = pass;
      draw.choose(plan.kind, plan.seed, plan.stream);
      const { dtype, input, weights, biases, layer } = takeLayer(pass, plan);
      draw.range(decisions(layer, perExample, "shape"), plan.start);
      const output = pass.output(plan.out, "out", dtype, layer.batch * layer.out, plan.x);
      const { chunk, rows: block, group } = planOf(layer);
      const x = pass.stage(input, chunk * layer.in);
      const w = pass.stage(weights, block * layer.in);
      const bias = biases && pass.stage(biases, layer.out);
      const y = pass.stage(output, chunk * layer.out);
      draw.chance(p, rescale, training);
      const { factor, drawn, none } = settle(draw, dtype);
      const keep = drawn && perExample ? pass.scratch(group * block * layer.in) : 0;
      const masked = drawn && !perExample ? pass.scratch(byteLength(dtype, block * layer.in)) : 0;
      return (run) => {
        const kernel = kernels.forward.bytes[dtype];
        const size = byteLength(dtype, 1);
        const inputs = none ? 0 : layer.in;
        const biasAt = bias?.enter(0, layer.out) ?? 0;
        for (const { at: n, count: examples } of parts(layer.batch, chunk)) {
          const xAt = x.enter(n * layer.in, examples * layer.in);
          const yAt = y.enter(n * layer.out, examples * layer.out);
          for (const { at: o, count: rows } of parts(layer.out, block)) {
            let wAt = w.enter(o * layer.in, rows * layer.in);
            if (masked) {
              maskRows(run, draw, dtype, masked, wAt, layer, o, rows);
              wAt = masked;
            }
            for (const { at: k, count } of parts(examples, keep ? group : examples)) {
              if (keep) drawExamples(run, draw, keep, layer, n + k, count, o, rows);
              const to = yAt + size * (k * layer.out + o);
              kernel(to, layer.out, xAt + size * k * layer.in, wAt, biasAt && biasAt + size * o, keep, count, rows, inputs, factor);
            }
          }
          y.leave(n * layer.out, examples * layer.out);
        }
        return { y: output.array, ticket: { ...run.ticket("dropConnect"), perExample, shape: layer } };
      };
    },
  };
}

interface BackwardPlan {
  readonly dy: unknown;
  readonly ticket: unknown;
  readonly x: unknown;
  readonly w: unknown;
  readonly dx: unknown;
  readonly dw: unknown;
  readonly dbias: unknown;
}

/** The gradients; undefined for those that are not wanted. */
interface Gradients {
  readonly dx: unknown;
  readonly dw: unknown;
  readonly dbias: unknown;
}

/** The gradients of x, w and bias. */
export function backward(
  kernels: LinearKernels,
): Operation<[dy: Data, ticket: unknown, saved: unknown, options: unknown], BackwardPlan, Gradients> {
  return {
    read(dy, ticket, saved, options) {
      checkOptions(saved, SAVED_LAYER_KEYS, "saved");
      checkOptions(options, LINEAR_BACKWARD_KEYS);
      const { x, w } = saved as SavedLayer;
      const { dx, dw, dbias } = options as LinearBackwardOptions;
      return { dy, ticket, x, w, dx, dw, dbias };
    },
    take: (pass, plan) => takeBackward(kernels, pass, plan),
  };
}

/** Writes zeros to an operand that was staged in pieces of at most `most` elements. */
function writeZeros(run: Running, operand: Staged, dtype: Dtype, most: number): void {
  for (const { at, count } of parts(operand.length, Math.max(1, most))) {
    run.engine.memory.view(dtype, operand.enter(at, count), count).fill(0);
    operand.leave(at, count);
  }
}

function takeBackward(kernels: LinearKernels, pass: Taking, plan: BackwardPlan): (run: Running) => Gradients {
  const { draw } = pass;
  const { perExample, shape: layer } = readTicket(draw, plan.ticket);
  const upper = pass.dataOf(plan.dy, "dy", DTYPES);
  const dtype = upper.computed;
  const units = layer.batch * layer.out;
  if (upper.length !== units) throw wrongValue("dy", `length ${units}, the ticket's batch * out`, upper.length);
  const input = pass.input(plan.x, "saved.x", dtype, layer.batch * layer.in);
  const weights = pass.input(plan.w, "saved.w", dtype, layer.out * layer.in);
  const wanted: Wanted[] = [];
  /** Asks for a gradient; returns its place among the results, -1 for none. */
  const want = (name: "dx" | "dw" | "dbias", length: number, like: unknown) => {
    const value = plan[name];
    if (value === false) return -1;
    return wanted.push({ name, value: value === true ? undefined : value, dtype, length, like }) - 1;
  };
  const places = [want("dx", input.length, plan.x), want("dw", weights.length, plan.w), want("dbias", layer.out, plan.dy)] as const;
  const results = pass.outputs(plan.dy, wanted);
  const [forX, forW, forBias] = [results[places[0]], results[places[1]], results[places[2]]];
  const { chunk, rows: block, group } = planOf(layer);
  const dy = pass.stage(upper, chunk * layer.out);
  const w = forX && pass.stage(weights, block * layer.in);
  const dx = forX && pass.stage(forX, chunk * layer.in);
  const x = forW && pass.stage(input, chunk * layer.in);
  const dw = forW && pass.stage(forW, block * layer.in);
  const dbias = forBias && pass.stage(forBias, layer.out);
  const { factor, drawn, none } = settle(draw, dtype);
  const keep = drawn && perExample ? pass.scratch(group * block * layer.in) : 0;
  const masked = drawn && !perExample && forX ? pass.scratch(byteLength(dtype, block * layer.in)) : 0;
  const scaled = factor === 1 ? 0 : pass.scratch(byteLength(dtype, chunk * layer.out));
  return (run) => {
    const size = byteLength(dtype, 1);
    if (layer.batch === 0 || layer.out === 0) {
      // Sums over nothing.
      for (const [gradient, most] of [[dx, chunk * layer.in] as const, [dw, block * layer.in] as const, [dbias, layer.out] as const]) {
        if (gradient !== undefined) writeZeros(run, gradient, dtype, most);
      }
    }
    for (const { at: n, count: examples } of parts(layer.batch, chunk)) {
      const first = n === 0;
      const last = n + examples === layer.batch;
      const dyAt = dy.enter(n * layer.out, examples * layer.out);
      if (dbias !== undefined) {
        kernels.biasgradient.matrix[dtype](dbias.enter(0, layer.out), dyAt, examples, layer.out, Number(first));
        if (last) dbias.leave(0, layer.out);
      }
      if (scaled) kernels.scale.matrix[dtype](scaled, dyAt, examples * layer.out, factor);
      const g = scaled || dyAt;
      const xAt = x?.enter(n * layer.in, examples * layer.in);
      const dxAt = dx?.enter(n * layer.in, examples * layer.in);
      for (const { at: o, count: rows } of parts(layer.out, block)) {
        const at = o * layer.in;
        const weightsOfBlock = rows * layer.in;
        let wAt = w?.enter(at, weightsOfBlock);
        if (masked && wAt !== undefined) {
          maskRows(run, draw, dtype, masked, wAt, layer, o, rows);
          wAt = masked;
        }
        // A sum over examples goes on in the next chunk.
        const dwAt = first ? dw?.enter(at, weightsOfBlock) : dw?.reenter(at, weightsOfBlock);
        for (const { at: k, count } of parts(examples, keep ? group : examples)) {
          if (keep) drawExamples(run, draw, keep, layer, n + k, count, o, rows);
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
          if (last && drawn && !perExample) maskRows(run, draw, dtype, dwAt, dwAt, layer, o, rows);
          dw?.leave(at, weightsOfBlock);
        }
      }
      dx?.leave(n * layer.in, examples * layer.in);
    }
    return { dx: forX?.array, dw: forW?.array, dbias: forBias?.array };
  };
}
