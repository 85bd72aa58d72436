// Operations on values as tensors with gradients of any order. What lies between forward and backward is what `forward` returns, a ticket, and
// no tensor.

import { clone, customGrad, type GradSaveFunc, type Tensor } from "@tensorflow/tfjs-core";
import { mapValues } from "./values.js";

type Run<R> = (values: Float32Array, out: Float32Array) => R;

/** y = forward(x), and dx = gradient(dy, what forward returned). */
export function differentiable<T>(x: Tensor, forward: Run<T>, gradient: (dy: Tensor, ticket: T) => Tensor): Tensor {
  return custom(x, (input) => {
    let ticket: T;
    const value = mapValues(input, (values, out) => {
      ticket = forward(values, out);
    });
    return { value, gradFunc: (dy) => gradient(dy, ticket) };
  });
}

/** y = D x for a diagonal matrix D, which is its own transpose, and so its own gradient. */
export function diagonal(x: Tensor, run: Run<void>): Tensor {
  return custom(x, (input) => ({ value: mapValues(input, run), gradFunc: (dy) => diagonal(dy, run) }));
}

/** y = x, of the same memory: clone() itself has a gradient only where those of the core are registered. */
export function identity(x: Tensor): Tensor {
  return custom(x, (input) => ({ value: clone(input), gradFunc: identity }));
}

function custom(x: Tensor, define: (input: Tensor) => { value: Tensor; gradFunc: (dy: Tensor) => Tensor }): Tensor {
  return customGrad((input: Tensor | GradSaveFunc) => define(input as Tensor))(x);
}
