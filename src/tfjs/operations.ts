// Dropout and noise on tensors. Invariant: what is refused is refused before anything is computed.

import type { Tensor } from "@tensorflow/tfjs-core";
import { checkBelowOne, wrongKind } from "../ground/check.js";
import { checkDeviation } from "../noise/amount.js";
import { diagonal, differentiable, identity } from "./differentiable.js";
import type { Draw } from "./draw.js";
import { kernels } from "./kernels.js";

/** For each dimension its size, which null also stands for, or 1, where all elements along it share a decision; if it has fewer, those in front are 1. */
export type NoiseShape = readonly (number | null)[];

/** Of no elements, or with no noise: what no kernel is needed for. */
function isPlain(x: Tensor, amount: number): boolean {
  return amount === 0 || x.size === 0;
}

function checkFloat(x: Tensor): void {
  if (x.dtype !== "float32") throw wrongKind("x.dtype", '"float32"', x.dtype);
}

export function dropout(x: Tensor, rate: number, noiseShape: NoiseShape | null | undefined, draw: Draw): Tensor {
  checkFloat(x);
  checkBelowOne(rate, "rate");
  if (isPlain(x, rate)) return identity(x);
  const { core, shapes } = kernels();
  if (noiseShape === undefined || noiseShape === null) {
    return differentiable(
      x,
      (values, out) => core.forward(values, rate, { ...draw, out }).ticket,
      (dy, ticket) => diagonal(dy, (values, dx) => void core.backward(values, ticket, {}, { dx })),
    );
  }
  return differentiable(
    x,
    (values, out) => shapes.broadcastDropout(values, rate, { ...draw, shape: shapeOf(x), noiseShape, out }).ticket,
    (dy, ticket) => diagonal(dy, (values, dx) => void shapes.backward(values, ticket, {}, { dx })),
  );
}

export function alphaDropout(x: Tensor, rate: number, noiseShape: NoiseShape | null | undefined, draw: Draw): Tensor {
  checkFloat(x);
  checkBelowOne(rate, "rate");
  if (isPlain(x, rate)) return identity(x);
  const { shapes } = kernels();
  return differentiable(
    x,
    (values, out) => shapes.alphaDropout(values, rate, { ...draw, shape: shapeOf(x), noiseShape: noiseShape ?? undefined, out }).ticket,
    (dy, ticket) => diagonal(dy, (values, dx) => void shapes.backward(values, ticket, {}, { dx })),
  );
}

export function gaussianDropout(x: Tensor, rate: number, { seed, stream }: Draw): Tensor {
  checkFloat(x);
  checkBelowOne(rate, "rate");
  if (isPlain(x, rate)) return identity(x);
  const { noise } = kernels();
  return differentiable(
    x,
    (values, out) => noise.gaussianDropout(values, rate, { seed, stream, out }).ticket,
    (dy, ticket) => diagonal(dy, (values, dx) => void noise.backward(values, ticket, {}, { dx })),
  );
}

export function gaussianNoise(x: Tensor, stddev: number, { seed, stream }: Draw): Tensor {
  checkFloat(x);
  checkDeviation(stddev, "stddev", "f32");
  if (isPlain(x, stddev)) return identity(x);
  const { noise } = kernels();
  return differentiable(x, (values, out) => noise.gaussianNoise(values, stddev, { seed, stream, out }).ticket, identity);
}

/** The shape of `x` as the kernels take it: a scalar is an array of one. */
function shapeOf({ shape }: Tensor): readonly number[] {
  return shape.length === 0 ? [1] : shape;
}
