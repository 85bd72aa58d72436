// A step of training: gradient descent with momentum on cross-entropy, then the max-norm constraint.

import { losses, type MomentumOptimizer, type Scalar, type Tensor2D, tidy, type Variable, variableGrads } from "@tensorflow/tfjs-core";
import type { Sequential } from "@tensorflow/tfjs-layers";
import { logitsOf } from "./model.js";

/** Changes the weights of `model` by what `images` and their `targets` say. */
export function trainStep(model: Sequential, optimizer: MomentumOptimizer, images: Tensor2D, targets: Tensor2D): void {
  tidy(() => {
    const weights = model.trainableWeights.map((weight) => ({ variable: weight.read() as Variable, constraint: weight.constraint }));
    const loss = () => losses.softmaxCrossEntropy<Tensor2D, Scalar>(targets, logitsOf(model, images, true));
    const { grads } = variableGrads(
      loss,
      weights.map(({ variable }) => variable),
    );
    optimizer.applyGradients(Object.entries(grads).map(([name, tensor]) => ({ name, tensor })));
    // tfjs has constraints only where weights are set, not where an optimizer moves them.
    for (const { variable, constraint } of weights) if (constraint) variable.assign(constraint.apply(variable));
  });
}
