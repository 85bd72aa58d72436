// Operations on tensors with gradients of any order. No tensor is kept between forward and backward.

import { clone, customGrad, type GradSaveFunc, type Tensor, zerosLike } from "@tensorflow/tfjs-core";

type Compute = (x: Tensor) => Tensor;

/** Returns y = forward(x), whose gradient is dx = gradient(dy), itself differentiable. */
export function differentiable(x: Tensor, forward: Compute, gradient: Compute): Tensor {
  return customGrad((input: Tensor | GradSaveFunc) => ({ value: forward(input as Tensor), gradFunc: gradient }))(x);
}

/** Returns y = D x for a diagonal matrix D, which is its own transpose, and so its own gradient. */
export function diagonal(x: Tensor, compute: Compute): Tensor {
  return differentiable(x, compute, (dy) => diagonal(dy, compute));
}

/** Returns y = x, of the same memory: clone() itself has a gradient only where those of the core are registered. */
export function identity(x: Tensor): Tensor {
  return diagonal(x, clone);
}

/** Returns y = 0. */
export function nothing(x: Tensor): Tensor {
  return diagonal(x, zerosLike);
}
