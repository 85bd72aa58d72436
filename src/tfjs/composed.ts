// Fused operations made of tfjs's own operations and of selections by the same bits, for tensors in the memory of a GPU. Gradients are those of tfjs.
// Invariant: what is dropped is taken out before the operations that it goes into, so that no NaN or infinity of it reaches a result or a gradient.

import {
  add,
  cast,
  customGrad,
  div,
  erf,
  exp,
  type GradSaveFunc,
  logicalAnd,
  matMul,
  max,
  maximum,
  mean,
  mul,
  notEqual,
  relu,
  reshape,
  scalar,
  sigmoid,
  slice,
  softmax,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  where,
  zeros,
} from "@tensorflow/tfjs-core";
import { readForm } from "../attention/form.js";
import { takeMaskShape } from "../fused/attention.js";
import type { Activation, GluActivation } from "../fused/index.js";
import { checkChoice, checkFlag, checkNumber, wrongKind } from "../ground/check.js";
import { LARGEST } from "../ground/dtypes.js";
import { scale, threshold } from "../stream/probability.js";
import type { Draw } from "./draw.js";
import { dropout, select } from "./operations.js";

/** The decisions of an operation. */
export interface Chance {
  readonly rate: number;
  readonly draw: Draw;
}

// Each gives 0 for 0.
const ACTIVATE: Readonly<Record<GluActivation, (v: Tensor) => Tensor>> = {
  relu,
  gelu: (v) => mul(mul(v, 0.5), add(erf(mul(v, Math.SQRT1_2)), 1)),
  geluTanh: (v) => mul(mul(v, 0.5), add(tanh(mul(mul(v, add(mul(square(v), 0.044715), 1)), Math.sqrt(2 / Math.PI))), 1)),
  silu: (v) => mul(v, sigmoid(v)),
};
const GATES = Object.keys(ACTIVATE) as GluActivation[];

/** dropout(act(x + bias)) */
export function biasActivation(x: Tensor, bias: Tensor | undefined, activation: Activation, chance: Chance): Tensor {
  checkChoice(activation, "activation", ["none", ...GATES]);
  const v = plus(x, bias);
  return activation === "none" ? dropped(v, chance) : mul(ACTIVATE[activation](kept(v, chance)), factorOf(chance));
}

/** dropout(act(gate) * value), of two tensors or of the halves of one. */
export function gated(x: Tensor, value: Tensor | undefined, gateFirst = true, activation: GluActivation = "silu", chance: Chance): Tensor {
  checkChoice(activation, "activation", GATES);
  checkFlag(gateFirst, "gateFirst");
  const [gate, factor] = value === undefined ? halvesOf(x, gateFirst) : [x, value];
  return mul(mul(ACTIVATE[activation](kept(gate, chance)), kept(factor, chance)), factorOf(chance));
}

/** residual + dropout(x + bias) */
export function joined(x: Tensor, bias: Tensor | undefined, residual: Tensor | undefined, chance: Chance): Tensor {
  return plus(dropped(plus(x, bias), chance), residual);
}

/** The layer norm of h, or its RMS norm. */
export function normalised(h: Tensor, centred: boolean, epsilon: number, gamma: Tensor, beta: Tensor | undefined): Tensor {
  const centre = centred ? sub(h, mean(h, -1, true)) : h;
  return plus(mul(div(centre, sqrt(add(mean(square(centre), -1, true), epsilon))), gamma), beta);
}

/** dropout(softmax(factor * logits + mask)) */
export function softmaxed(logits: Tensor, factor: number | undefined, causal: unknown, mask: Tensor | undefined, chance: Chance): Tensor {
  const multiple = factor ?? 1;
  checkNumber(multiple, "scale", -LARGEST.f32, LARGEST.f32);
  if (typeof causal !== "boolean") throw wrongKind("causal", "boolean", causal);
  checkMask(mask, logits.shape);
  return dropped(probabilities(mul(logits, multiple), causal, mask), chance);
}

/** dropout(softmax(factor * q k^T + mask)) v */
export function attended(
  [q, k, v]: readonly [Tensor, Tensor, Tensor],
  factor: number | undefined,
  causal: unknown,
  mask: Tensor | undefined,
  chance: Chance,
): Tensor {
  const { scale, sizes } = readForm({ shape: q.shape, kShape: k.shape, vShape: v.shape, scale: factor, causal }, "");
  checkMask(mask, sizes.scores);
  const { problems, rows, keys, depth, size } = sizes;
  const products = matMul(reshape(q, [problems, rows, depth]), reshape(k, [problems, keys, depth]), false, true);
  const weights = dropped(probabilities(reshape(mul(products, scale), [...sizes.scores]), causal as boolean, mask), chance);
  const y = matMul(reshape(weights, [problems, rows, keys]), reshape(v, [problems, keys, size]));
  return reshape(y, [...q.shape.slice(0, -1), size]);
}

function checkMask(mask: Tensor | undefined, shape: readonly number[]): void {
  if (mask !== undefined) takeMaskShape(mask.shape, "maskShape", shape);
}

function plus(x: Tensor, addend: Tensor | undefined): Tensor {
  return addend === undefined ? x : add(x, addend);
}

function dropped(x: Tensor, { rate, draw }: Chance): Tensor {
  return dropout(x, rate, null, draw);
}

/** keep ? x : +0 */
function kept(x: Tensor, { rate, draw }: Chance): Tensor {
  return select(x, rate, draw);
}

/** The factor of what is kept. */
function factorOf({ rate, draw: { kind } }: Chance): number {
  return rate === 0 ? 1 : scale(threshold(rate, kind), kind, "f32");
}

function halvesOf(x: Tensor, gateFirst: boolean): [Tensor, Tensor] {
  const columns = (x.shape.at(-1) as number) / 2;
  const size = [...x.shape.slice(0, -1), columns];
  const half = (at: number) => slice(x, [...x.shape.slice(0, -1).fill(0), at], size);
  return gateFirst ? [half(0), half(columns)] : [half(columns), half(0)];
}

/** Softmax of scores, to which a mask is added where it has numbers; 0 where a boolean mask or causal order leaves a key out, or the mask has -Infinity. */
function probabilities(scores: Tensor, causal: boolean, mask: Tensor | undefined): Tensor {
  const added = mask?.dtype === "float32" ? mask : undefined;
  const v = plus(scores, added);
  const flags = [
    ...(causal ? [causalOrder(scores.shape)] : []),
    ...(mask === undefined ? [] : [added === undefined ? mask : notEqual(added, Number.NEGATIVE_INFINITY)]),
  ];
  if (flags.length === 0) return softmax(v);
  const seen = flags.reduce((all, flag) => logicalAnd(all, flag));
  // By hand, as what is left out may be greater than all that is seen, and a row may have nothing else.
  const most = greatest(where(seen, v, scalar(-LARGEST.f32)));
  const powers = mul(exp(where(seen, sub(v, most), scalar(0))), cast(seen, "float32"));
  // The sum is 1 at least where anything is seen.
  return div(powers, maximum(sum(powers, -1, true), 0.5));
}

function causalOrder(shape: readonly number[]): Tensor {
  const [queries, keys] = shape.slice(-2) as [number, number];
  const flags = Uint8Array.from({ length: queries * keys }, (_, i) => Number((i % keys) - Math.floor(i / keys) <= keys - queries));
  return tensor(flags, [queries, keys], "bool");
}

/** The greatest of each row, as a constant: softmax does not depend on it. */
function greatest(x: Tensor): Tensor {
  const { shape } = x;
  return customGrad((input: Tensor | GradSaveFunc) => ({ value: max(input as Tensor, -1, true), gradFunc: () => zeros(shape) }))(x);
}
