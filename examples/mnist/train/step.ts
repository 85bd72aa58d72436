// A step of training: the gradient of cross-entropy, the optimizer, then the max-norm constraint.

import {
  div,
  losses,
  matMul,
  minimum,
  mul,
  ones,
  type Scalar,
  sqrt,
  square,
  type Tensor,
  type Tensor2D,
  tidy,
  type Variable,
  variableGrads,
} from "@tensorflow/tfjs-core";
import type { Sequential } from "@tensorflow/tfjs-layers";
import type { Batch } from "./data.js";
import { logitsOf } from "./model.js";
import type { Optimizer } from "./optimizer.js";

/**
 * Changes the weights of `model` by what images and their targets say.
 *
 * @param optimizer of variablesOf() the model
 * @param step counts from 1
 */
export function trainStep(
  model: Sequential,
  optimizer: Optimizer,
  { images, targets }: Batch,
  { learningRate, maxNorm, step }: { readonly learningRate: number; readonly maxNorm: number; readonly step: number },
): void {
  tidy(() => {
    const variables = variablesOf(model);
    const loss = () => losses.softmaxCrossEntropy<Tensor2D, Scalar>(targets, logitsOf(model, images, true));
    const { grads } = variableGrads(loss, variables);
    optimizer.update(
      variables.map(({ name }) => grads[name] as Tensor),
      learningRate,
      step,
    );
    // All matrices but the last lead into hidden units.
    for (const matrix of variables.filter(({ rank }) => rank === 2).slice(0, -1)) limitNorms(matrix, maxNorm);
  });
}

/** The variables of a model that are trained. */
export function variablesOf(model: Sequential): Variable[] {
  return model.trainableWeights.map((weight) => weight.read() as Variable);
}

// Columns, the weights into a unit, are shortened to the norm `most`. Their sums of squares come as a product of matrices, as tfjs's sums
// over rows take longer than the rest of a step.
function limitNorms(matrix: Variable, most: number): void {
  const [inputs] = matrix.shape as [number, number];
  const norms = sqrt(matMul(ones([1, inputs]), square(matrix)));
  matrix.assign(mul(matrix, minimum(1, div(most, norms))));
}
