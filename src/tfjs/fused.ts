// Fused operations as operations of tfjs with gradients: bias, activation and dropout; gated units; dropout, residual and norms; softmax; attention.
// Each draws one stream; the gradient draws it again from the ticket. Tensors that a gradient reads again are saved by tfjs, as those of its own operations.
// Invariant: gradients are those of kernels, which have none of their own: who asks for gradients of gradients is refused. On a GPU, operations are made of
// tfjs's own, with gradients of any order.

import {
  cast,
  clone,
  customGrad,
  dispose,
  type GradSaveFunc,
  keep,
  type NamedTensorMap,
  Tensor,
  type TensorLike,
  tensor,
  tidy,
} from "@tensorflow/tfjs-core";
import type { Attention, AttentionTicket } from "../attention/index.js";
import type { ActivationTicket, Fused, GatedTicket, NormTicket, ResidualTicket, SoftmaxTicket } from "../fused/index.js";
import { checkAmount, checkBelowOne, wrongKind, wrongValue } from "../ground/check.js";
import { checkOptions } from "../ground/options.js";
import type { PassContext } from "../monte-carlo/pass.js";
import type { Sequence } from "../stream/sequence.js";
import { STREAM_VERSION } from "../stream/ticket.js";
import { attended, biasActivation, gated, joined, normalised, softmaxed } from "./composed.js";
import { type Draw, drawNext, drawsOf, isRows, type Seed, type Stream, sequenceOfSeed } from "./draw.js";
import type { Extended, Extensions } from "./extensions.js";
import {
  ACTIVATION_KEYS,
  type AttendOptions,
  type BiasActivationOptions,
  GLU_KEYS,
  type GluOptions,
  type Input,
  JOIN_KEYS,
  type JoinOptions,
  NORM_KEYS,
  type NormalisedOptions,
  SCORE_KEYS,
  type ScoreOptions,
} from "./fused-options.js";
import { checkReadable, currentDevice } from "./gpu.js";
import { device } from "./self-check.js";
import { computeValues, type Some } from "./values.js";

function toTensor(value: unknown, name: string): Tensor {
  const x = value instanceof Tensor ? value : tensor(value as TensorLike);
  if (x.dtype !== "float32") throw wrongKind(`${name}.dtype`, '"float32"', x.dtype);
  checkReadable(x);
  return x;
}

function columnsOf(x: Tensor): number {
  if (x.rank === 0) throw wrongValue("x.shape", "at least one dimension", "[]");
  return x.shape.at(-1) as number;
}

/** Takes a tensor of a shape; undefined for none. */
function optional(value: unknown, name: string, shape: readonly number[]): Tensor | undefined {
  if (value === undefined) return undefined;
  const x = toTensor(value, name);
  if (x.shape.join() !== shape.join()) throw wrongValue(`${name}.shape`, `[${shape.join(", ")}]`, `[${x.shape.join(", ")}]`);
  return x;
}

type Gradient = (dy: Tensor, saved: readonly Tensor[]) => Tensor[];

/** A function of tensors; `save` keeps what its gradient reads again. Where that is asked for a gradient itself, it throws. */
function operation(inputs: readonly Tensor[], forward: (save: (tensors: Tensor[]) => void) => Tensor, gradient: Gradient): Tensor {
  return customGrad((...args: (Tensor | GradSaveFunc)[]) => {
    const save = args.at(-1) as GradSaveFunc;
    return {
      value: forward(save),
      gradFunc: (dy: Tensor, saved: Tensor[] | NamedTensorMap) => {
        const kept = saved as Tensor[];
        return gradient(dy, kept).map((one) => firstOrder([dy, ...kept], one));
      },
    };
  })(...inputs);
}

/** Returns `result` as a function of `inputs` that has no gradient. */
function firstOrder(inputs: readonly Tensor[], result: Tensor): Tensor {
  return customGrad(() => ({
    value: result,
    gradFunc: () => {
      throw wrongKind("grad", "gradient of the first order: fused operations have no others", "gradient of a gradient");
    },
  }))(...inputs);
}

/**
 * Fused operations with dropout on tensors of f32, of any rank, whose rows are those of the last dimension. Of {@link TfjsDropout.fused}.
 *
 * On backends "webgl" and "webgpu" they are made of tfjs's own operations, as many as they replace elsewhere, with the same masks: values differ in the last
 * digits, and a NaN or infinity in the v of attention reaches every query.
 */
export class TfjsFused {
  readonly #extensions: Extensions;
  readonly #sequence: Sequence;

  /** @internal */
  constructor(extensions: Extensions, sequence: Sequence) {
    this.#extensions = extensions;
    this.#sequence = sequence;
  }

  /**
   * Returns dropout(activation(x + bias)), as {@link Fused.biasActivationDropout} has it, with gradients for x and the bias.
   *
   * @param x tensor of f32, [..., columns]
   * @param rate drop probability in [0, 1)
   * @param options see {@link BiasActivationOptions}
   * @throws TypeError and RangeError as {@link TfjsDropout.dropout} does, and TypeError without `createFused`
   * @example
   * import "@tensorflow/tfjs-backend-cpu";
   * import { ones, zeros } from "@tensorflow/tfjs-core";
   * import { createFused } from "wasm-dropout/fused";
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42, extensions: { createFused } });
   * const y = wd.fused.biasActivationDropout(ones([2, 3, 4]), 0.1, { bias: zeros([4]), activation: "geluTanh" });
   */
  biasActivationDropout(x: Input, rate: number, options: BiasActivationOptions = {}): Tensor {
    checkOptions(options, ACTIVATION_KEYS);
    const { activation = "none", seed, bias: given } = options;
    return this.#run("fused", "x", x, rate, seed, (input, draw) => {
      const bias = optional(given, "bias", [columnsOf(input)]);
      if (onGpu()) return biasActivation(input, bias, activation, { rate, draw });
      const shape = input.shape;
      let ticket: ActivationTicket | undefined;
      const operands = [input, ...(bias === undefined ? [] : [bias])];
      return operation(
        operands,
        (save) => {
          const [y] = this.#compute(operands, [shape], ([values, added], [out], { fused }) => {
            ({ ticket } = (fused as Fused).biasActivationDropout(values, rate, { ...draw, activation, bias: added, out }));
          });
          save(activation === "none" ? [] : operands);
          return y as Tensor;
        },
        (dy, saved) =>
          this.#compute(
            [dy, ...saved],
            [shape, ...(bias === undefined ? [] : [bias.shape])],
            ([values, x, added], [dx, dbias], { fused }) => {
              const read = saved.length === 0 ? {} : { x, bias: added };
              (fused as Fused).backward(values, ticket as ActivationTicket, read, { dx, ...(bias !== undefined && { dbias }) });
            },
          ),
      );
    });
  }

  /**
   * Returns residual + dropout(x + bias), as {@link Fused.biasDropoutResidual} has it, with gradients for all three.
   *
   * @param x tensor of f32, [..., columns]
   * @param rate drop probability in [0, 1)
   * @param options see {@link JoinOptions}
   * @throws TypeError and RangeError as {@link TfjsFused.biasActivationDropout} does
   * @example
   * import "@tensorflow/tfjs-backend-cpu";
   * import { ones } from "@tensorflow/tfjs-core";
   * import { createFused } from "wasm-dropout/fused";
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42, extensions: { createFused } });
   * const h = wd.fused.biasDropoutResidual(ones([8, 4]), 0.1, { residual: ones([8, 4]) });
   */
  biasDropoutResidual(x: Input, rate: number, options: JoinOptions = {}): Tensor {
    checkOptions(options, JOIN_KEYS);
    const { seed, bias: added, residual: other } = options;
    return this.#run("fused", "x", x, rate, seed, (input, draw) => {
      const bias = optional(added, "bias", [columnsOf(input)]);
      const residual = optional(other, "residual", input.shape);
      if (onGpu()) return joined(input, bias, residual, { rate, draw });
      return this.#join(input, bias, residual, rate, draw, (operands) => {
        const [h] = this.#compute(operands, [input.shape], ([values, ...others], [out], { fused }) => {
          const [bias, residual] = pick(others, [added !== undefined, other !== undefined]);
          (fused as Fused).biasDropoutResidual(values, rate, { ...draw, bias, residual, out });
        });
        return h as Tensor;
      });
    });
  }

  /**
   * Returns h = residual + dropout(x + bias) and y, its layer norm, as {@link Fused.dropoutResidualLayerNorm} has it: one pass over memory forward. Both
   * have gradients, so that h may go on as the residual stream.
   *
   * @param x tensor of f32, [..., columns]
   * @param rate drop probability in [0, 1)
   * @param options see {@link NormalisedOptions}
   * @throws TypeError and RangeError as {@link TfjsFused.biasActivationDropout} does
   * @example
   * import "@tensorflow/tfjs-backend-cpu";
   * import { ones } from "@tensorflow/tfjs-core";
   * import { createFused } from "wasm-dropout/fused";
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42, extensions: { createFused } });
   * const { y, h } = wd.fused.dropoutResidualLayerNorm(ones([8, 4]), 0.1, { residual: ones([8, 4]), gamma: ones([4]) });
   */
  dropoutResidualLayerNorm(x: Input, rate: number, options: NormalisedOptions): { y: Tensor; h: Tensor } {
    return this.#normalise("dropoutResidualLayerNorm", x, rate, options);
  }

  /**
   * Returns h = residual + dropout(x + bias) and y, its RMS norm, as {@link Fused.dropoutResidualRMSNorm} has it, otherwise as
   * {@link TfjsFused.dropoutResidualLayerNorm} does.
   *
   * @param x tensor of f32, [..., columns]
   * @param rate drop probability in [0, 1)
   * @param options see {@link NormalisedOptions}
   * @throws TypeError and RangeError as {@link TfjsFused.biasActivationDropout} does
   * @example
   * import "@tensorflow/tfjs-backend-cpu";
   * import { ones } from "@tensorflow/tfjs-core";
   * import { createFused } from "wasm-dropout/fused";
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42, extensions: { createFused } });
   * const { y, h } = wd.fused.dropoutResidualRMSNorm(ones([8, 4]), 0.1, { residual: ones([8, 4]), gamma: ones([4]) });
   */
  dropoutResidualRMSNorm(x: Input, rate: number, options: NormalisedOptions): { y: Tensor; h: Tensor } {
    return this.#normalise("dropoutResidualRMSNorm", x, rate, options);
  }

  /**
   * Returns dropout(act(gate) * value), a gated linear unit (SwiGLU, GEGLU), as {@link Fused.gluDropout} has it, with gradients for gate and value.
   *
   * @param x tensor of f32: the gate, or gate and value side by side, [..., 2 * columns]
   * @param rate drop probability in [0, 1)
   * @param options see {@link GluOptions}
   * @returns a tensor of the shape of the gate
   * @throws TypeError and RangeError as {@link TfjsFused.biasActivationDropout} does
   * @example
   * import "@tensorflow/tfjs-backend-cpu";
   * import { randomNormal } from "@tensorflow/tfjs-core";
   * import { createFused } from "wasm-dropout/fused";
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42, extensions: { createFused } });
   * const y = wd.fused.gluDropout(randomNormal([2, 3, 8]), 0.1, { activation: "silu" }); // [2, 3, 4]
   */
  gluDropout(x: Input, rate: number, options: GluOptions = {}): Tensor {
    checkOptions(options, GLU_KEYS);
    const { activation, gateFirst, seed, value: given } = options;
    return this.#run("fused", "x", x, rate, seed, (input, draw) => {
      const value = optional(given, "value", input.shape);
      const { shape } = input;
      const columns = columnsOf(input) / 2;
      if (value === undefined && !(Number.isInteger(columns) && columns > 0))
        throw wrongValue("x.shape", '[..., 2 * columns], or "value" beside it', `[${shape.join(", ")}]`);
      if (onGpu()) return gated(input, value, gateFirst, activation, { rate, draw });
      const halves = value === undefined ? { columns } : {};
      const operands = [input, ...(value === undefined ? [] : [value])];
      let ticket: GatedTicket | undefined;
      return operation(
        operands,
        (save) => {
          const result = value === undefined ? [...shape.slice(0, -1), columns] : shape;
          const [y] = this.#compute(operands, [result], ([values, value], [out], { fused }) => {
            ({ ticket } = (fused as Fused).gluDropout(values, rate, { ...draw, ...halves, gateFirst, activation, value, out }));
          });
          save(operands);
          return y as Tensor;
        },
        (dy, saved) =>
          this.#compute(
            [dy, ...saved],
            operands.map(({ shape }) => shape),
            ([values, x, value], [dx, dvalue], { fused }) => {
              (fused as Fused).backward(values, ticket as GatedTicket, { x, value }, { dx, ...(value !== undefined && { dvalue }) });
            },
          ),
      );
    });
  }

  /**
   * Returns dropout(softmax(scale * logits + mask)) along the last dimension, as {@link Fused.softmaxDropout} has it, with a gradient for the logits.
   *
   * @param logits tensor of f32, [..., keys], with `causal` [..., queries, keys]
   * @param rate drop probability in [0, 1)
   * @param options see {@link ScoreOptions}
   * @throws TypeError and RangeError as {@link TfjsFused.biasActivationDropout} does
   * @example
   * import "@tensorflow/tfjs-backend-cpu";
   * import { randomNormal } from "@tensorflow/tfjs-core";
   * import { createFused } from "wasm-dropout/fused";
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42, extensions: { createFused } });
   * const weights = wd.fused.softmaxDropout(randomNormal([2, 4, 10, 10]), 0.1, { scale: 1 / Math.sqrt(8), causal: true });
   */
  softmaxDropout(logits: Input, rate: number, options: ScoreOptions = {}): Tensor {
    checkOptions(options, SCORE_KEYS);
    const { seed, scale, causal = false, attentionMask: given } = options;
    return this.#run("fused", "logits", logits, rate, seed, (input, draw) => {
      const { shape } = input;
      if (input.rank < (causal ? 2 : 1))
        throw wrongValue("logits.shape", causal ? "[..., queries, keys]" : "[..., keys]", `[${shape.join(", ")}]`);
      checkMask(given);
      if (onGpu()) return softmaxed(input, scale, causal, given, { rate, draw });
      const mask = maskOf(given);
      let ticket: SoftmaxTicket | undefined;
      return operation(
        [input],
        (save) => {
          const [y] = this.#compute([input], [shape], ([values], [out], { fused }) => {
            ({ ticket } = (fused as Fused).softmaxDropout(values, rate, { ...draw, ...mask, shape, scale, causal, out }));
          });
          save([input]);
          return y as Tensor;
        },
        (dy, saved) =>
          this.#compute([dy, ...saved], [shape], ([values, logits], [dlogits], { fused }) => {
            (fused as Fused).backward(values, ticket as SoftmaxTicket, { logits, attentionMask: mask.attentionMask }, { dlogits });
          }),
      );
    });
  }

  /**
   * Returns scaled dot-product attention with dropout of its probabilities, as {@link Attention.forward} has it, with gradients for q, k and v; the scores are
   * never kept.
   *
   * @param q tensor of f32, [..., heads, queries, depth]
   * @param k [..., heads, keys, depth]; q may have a multiple of its heads
   * @param v [..., heads, keys, size]
   * @param rate drop probability in [0, 1)
   * @param options see {@link AttendOptions}
   * @returns [..., heads, queries, size]
   * @throws TypeError and RangeError as {@link Attention.forward} does, and TypeError without `createAttention`
   * @example
   * import "@tensorflow/tfjs-backend-cpu";
   * import { randomNormal } from "@tensorflow/tfjs-core";
   * import { createAttention } from "wasm-dropout/attention";
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42, extensions: { createAttention } });
   * const [q, k, v] = [1, 2, 3].map(() => randomNormal([2, 4, 10, 8]));
   * const y = wd.fused.attention(q, k, v, 0.1, { causal: true });
   */
  attention(q: Input, k: Input, v: Input, rate: number, options: AttendOptions = {}): Tensor {
    checkOptions(options, SCORE_KEYS);
    const { seed, scale, causal = false, attentionMask: given } = options;
    return this.#run("attention", "q", q, rate, seed, (queries, draw) => {
      const [keys, values] = [toTensor(k, "k"), toTensor(v, "v")];
      if (queries.rank < 2) throw wrongValue("q.shape", "[..., queries, depth]", `[${queries.shape.join(", ")}]`);
      checkMask(given);
      if (onGpu()) return attended([queries, keys, values], scale, causal, given, { rate, draw });
      const mask = maskOf(given);
      const form = { shape: queries.shape, kShape: keys.shape, vShape: values.shape, scale, causal, ...mask };
      const result = [...queries.shape.slice(0, -1), values.shape.at(-1) ?? 0];
      let ticket: AttentionTicket | undefined;
      const operands = [queries, keys, values];
      return operation(
        operands,
        (save) => {
          const [y, logSumExp] = this.#compute(
            operands,
            [result, queries.shape.slice(0, -1)],
            ([q, k, v], [out, logSumExp], { attention }) => {
              const how = { ...draw, ...form, k, v, out, logSumExp };
              ({ ticket } = (attention as Attention).forward(q, rate, how));
            },
          ) as [Tensor, Tensor];
          save([...operands, y, logSumExp]);
          return y;
        },
        (dy, saved) =>
          this.#compute(
            [dy, ...saved],
            operands.map(({ shape }) => shape),
            (read, [dq, dk, dv], { attention }) => {
              const [values, q, k, v, y, logSumExp] = read;
              const all = { q, k, v, y, logSumExp, attentionMask: mask.attentionMask };
              (attention as Attention).backward(values, ticket as AttentionTicket, all, { dq, dk, dv });
            },
          ),
      );
    });
  }

  #compute(
    inputs: readonly Tensor[],
    shapes: readonly (readonly number[])[],
    run: (inputs: Some, outputs: Some, extended: Extended) => void,
  ): Tensor[] {
    checkDevice();
    for (const x of inputs) checkReadable(x);
    return computeValues(this.#extensions, inputs, shapes, run);
  }

  /** h = residual + dropout(x + bias) and its norm. */
  #normalise(op: NormTicket["op"], x: Input, rate: number, options: NormalisedOptions): { y: Tensor; h: Tensor } {
    checkOptions(options, NORM_KEYS);
    const { seed, bias: added, residual: other, gamma: factors, beta: addends, epsilon = 1e-5 } = options;
    checkAmount(epsilon, "epsilon");
    const centred = op === "dropoutResidualLayerNorm";
    const results: { y?: Tensor } = {};
    const h = this.#run(
      "fused",
      "x",
      x,
      rate,
      seed,
      (input, draw) => {
        const row = [columnsOf(input)];
        const bias = optional(added, "bias", row);
        const residual = optional(other, "residual", input.shape);
        if (factors === undefined) throw wrongKind("gamma", "tensor or what tfjs makes one of", factors);
        const gamma = optional(factors, "gamma", row) as Tensor;
        const beta = optional(addends, "beta", row);
        if (onGpu()) {
          const sum = joined(input, bias, residual, { rate, draw });
          results.y = normalised(sum, centred, epsilon, gamma, beta);
          return sum;
        }
        const rows = [input.size / Math.max(1, row[0] as number)];
        const { shape } = input;
        let made: Tensor[] = [];
        let ticket: NormTicket | undefined;
        const sum = this.#join(input, bias, residual, rate, draw, (operands) => {
          const all = [...operands, gamma, ...(beta === undefined ? [] : [beta])];
          const shapes = [shape, shape, rows, ...(centred ? [rows] : [])];
          made = this.#compute(all, shapes, ([values, ...others], [h, out, rstd, mean], extended) => {
            const fused = extended.fused as Fused;
            const [bias, residual, gamma, beta] = pick(others, [added !== undefined, other !== undefined, true, addends !== undefined]);
            const how = { ...draw, bias, residual, gamma: gamma as Float32Array, beta, epsilon, h, out, rstd };
            ({ ticket } = centred
              ? fused.dropoutResidualLayerNorm(values, rate, { ...how, mean })
              : fused.dropoutResidualRMSNorm(values, rate, how));
          });
          // These outlive the scope of the forward function, which disposes of all but its result.
          for (const one of made.slice(1)) keep(one);
          return made[0] as Tensor;
        });
        const [, y, ...statistics] = made as [Tensor, Tensor, ...Tensor[]];
        const operands = [sum, gamma, ...(beta === undefined ? [] : [beta])];
        results.y = operation(
          operands,
          (save) => {
            save([sum, gamma, ...statistics]);
            return clone(y);
          },
          (dy, saved) =>
            this.#compute([dy, ...saved], [shape, row, ...(beta === undefined ? [] : [row])], (read, [dx, dgamma, dbeta], extended) => {
              const fused = extended.fused as Fused;
              const [values, h, gamma, rstd, mean] = read;
              // The gradient with respect to h: dropout's follows in that of h.
              const alone = { ...(ticket as NormTicket), p: 0, residual: false, bias: false };
              const how = { dx, dgamma, ...(beta !== undefined && { dbeta }) };
              if (isCentred(alone)) fused.backward(values, alone, { h, mean, rstd, gamma }, how);
              else fused.backward(values, alone as NormTicket<"dropoutResidualRMSNorm">, { h, rstd, gamma }, how);
            }),
        );
        dispose([y, ...statistics]);
        return sum;
      },
      results,
    );
    return { y: results.y as Tensor, h };
  }

  /** h = residual + dropout(x + bias), which `forward` computes. */
  #join(
    x: Tensor,
    bias: Tensor | undefined,
    residual: Tensor | undefined,
    rate: number,
    draw: Draw,
    forward: (operands: Tensor[]) => Tensor,
  ): Tensor {
    const operands = [x, bias, residual].filter((one) => one !== undefined);
    const columns = bias === undefined ? undefined : { columns: bias.size };
    const ticket: ResidualTicket = {
      ...{ version: STREAM_VERSION, op: "biasDropoutResidual", kind: draw.kind, seed: `${draw.seed}`, stream: `${draw.stream}` },
      ...{ start: 0, p: rate, length: x.size, residual: false, ...columns },
    };
    return operation(
      operands,
      () => forward(operands),
      (dy) => {
        const [dx, dbias] = this.#compute(
          [dy],
          [x.shape, ...(bias === undefined ? [] : [bias.shape])],
          ([values], [dx, dbias], { fused }) => {
            (fused as Fused).backward(values, ticket, {}, { dx, ...(bias !== undefined && { dbias }) });
          },
        );
        return [dx, ...(bias === undefined ? [] : [dbias]), ...(residual === undefined ? [] : [dy.clone()])] as Tensor[];
      },
    );
  }

  /** Has `use` draw the next stream, or that of `seed`; what stands in `others` outlives the scope as the result does. */
  #run(
    name: "fused" | "attention",
    argument: string,
    x: Input,
    rate: number,
    seed: Seed | Stream | PassContext | null | undefined,
    use: (x: Tensor, draw: Draw) => Tensor,
    others: Readonly<Record<string, Tensor>> = {},
  ): Tensor {
    this.#extensions.check(name);
    checkBelowOne(rate, "rate");
    const { kind } = this.#sequence;
    let result: Tensor | undefined;
    tidy(() => {
      const input = toTensor(x, argument);
      if (typeof seed === "object" && seed !== null) {
        const draws = drawsOf(seed, kind, input, null);
        if (isRows(draws))
          throw wrongKind("seed", "context of one sample or of shared masks, as the mask is one", `context of ${draws.length} samples`);
        result = use(input, draws);
      } else {
        const sequence = seed === undefined || seed === null ? this.#sequence : sequenceOfSeed(kind, seed);
        result = drawNext(sequence, (draw) => use(input, draw));
      }
      return [result, ...Object.values(others)];
    });
    return result as Tensor;
  }
}

function isCentred(ticket: NormTicket): ticket is NormTicket<"dropoutResidualLayerNorm"> {
  return ticket.op === "dropoutResidualLayerNorm";
}

/** Returns true where operations are made of tfjs's own, as tensors are in the memory of a GPU. */
function onGpu(): boolean {
  return device() !== undefined;
}

/** Throws TypeError on a backend whose tensors are in the memory of a GPU. */
function checkDevice(): void {
  const gpu = currentDevice();
  if (gpu !== undefined)
    throw wrongKind("backend", '"cpu" or "wasm", as in the forward call, whose gradient this is', gpu.synchronous ? "webgl" : "webgpu");
}

/** Distributes values in order to those places that are taken. */
function pick(values: readonly Float32Array[], taken: readonly boolean[]): (Float32Array | undefined)[] {
  let next = 0;
  return taken.map((is) => (is ? values[next++] : undefined));
}

/** Throws TypeError for what is no attention mask. */
function checkMask(mask: unknown): asserts mask is Tensor | undefined {
  if (mask === undefined) return;
  if (!(mask instanceof Tensor)) throw wrongKind("attentionMask", "tensor", mask);
  if (mask.dtype !== "float32" && mask.dtype !== "bool") throw wrongKind("attentionMask.dtype", '"float32" or "bool"', mask.dtype);
  checkReadable(mask);
}

/** Returns the options of an attention mask: its values, bytes of a boolean one, and its shape. */
function maskOf(mask: Tensor | undefined): { readonly attentionMask?: Float32Array | Uint8Array; readonly maskShape?: readonly number[] } {
  if (mask === undefined) return {};
  const attentionMask = mask.dtype === "float32" ? mask.dataSync<"float32">() : Uint8Array.from(cast(mask, "int32").dataSync<"int32">());
  return { attentionMask, maskShape: mask.shape };
}
