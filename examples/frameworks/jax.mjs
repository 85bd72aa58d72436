// jax-js: a mask enters the graph as an array of multipliers, so that its gradients and its compiler need to know nothing of dropout.
//
// Copies: jax-js keeps its arrays in a wasm memory of its own, which nobody else gets a view of. numpy.array copies into it,
// dataSync() out of it; neither can be avoided. So the mask travels, once, rather than the data there and back.

import { defaultDevice, init, jit, numpy as np, valueAndGrad } from "@jax-js/jax";
import { createDropout } from "wasm-dropout";
import { makeTask, makeWeights, P, RATE } from "./network.mjs";

/** @import { Dropout, DropoutOptions, WasmBuffer } from "wasm-dropout" */

if (!(await init("wasm")).includes("wasm")) throw new Error("no device wasm");
defaultDevice("wasm");

/**
 * The next mask as multipliers: 0, or the scale of what is kept. Drawn in wasm memory, from where numpy.array copies: `buffer` is free again.
 * A product with it is dropout of finite numbers, but that negative ones become -0; a dropped NaN or infinity is NaN.
 *
 * @param {Dropout} dropout
 * @param {WasmBuffer<"f32">} buffer
 * @param {number[]} shape
 * @param {number} p
 */
export function multipliers(dropout, buffer, shape, p) {
  dropout.mask(buffer.length, p, { format: "f32", out: buffer });
  return np.array(buffer.array, { shape });
}

/**
 * Dropout of the values of an array of float32, outside any graph. Uses up `x`, as functions of jax-js do. dataSync() gives a copy, which is
 * dropped in place; numpy.array makes another.
 *
 * @param {Dropout} dropout
 * @param {np.Array} x
 * @param {number} p
 * @param {DropoutOptions<undefined>} [options]
 */
export function dropArray(dropout, x, p, options) {
  const { shape, device } = x;
  const values = /** @type {Float32Array<ArrayBuffer>} */ (x.dataSync());
  dropout.dropout(values, p, { ...options, out: values });
  return np.array(values, { shape, device });
}

/** @typedef {{ hidden: np.Array, output: np.Array }} Parameters */

/**
 * The mean squared error of the network in training.
 *
 * @param {Parameters} parameters
 * @param {np.Array} x
 * @param {np.Array} y
 * @param {np.Array} mask multipliers of the hidden layer
 */
export function loss({ hidden, output }, x, y, mask) {
  const dropped = np.maximum(np.matmul(x, hidden), 0).mul(mask);
  return np.square(np.matmul(dropped, output).sub(y)).mean();
}

/**
 * Gradient descent, as in plain.mjs.
 *
 * @param {number} seed
 * @param {number} steps
 */
export async function train(seed, steps) {
  const dropout = await createDropout({ seed });
  const task = makeTask();
  const weights = await makeWeights(seed);
  const shape = [task.x.length, weights.output.length];
  const buffer = dropout.alloc("f32", task.x.length * weights.output.length);
  const x = np.array(task.x);
  const y = np.array(task.y);
  let parameters = { hidden: np.array(weights.hidden), output: np.array(weights.output) };
  const lossAndGradient = jit(valueAndGrad(loss));
  const losses = [];
  for (let step = 0; step < steps; ++step) {
    const { hidden, output } = parameters;
    const mask = multipliers(dropout, buffer, shape, P);
    const [value, gradient] = lossAndGradient({ hidden: hidden.ref, output: output.ref }, x.ref, y.ref, mask);
    losses.push(value.item());
    parameters = { hidden: hidden.sub(gradient.hidden.mul(RATE)), output: output.sub(gradient.output.mul(RATE)) };
  }
  lossAndGradient.dispose();
  x.dispose();
  y.dispose();
  buffer.free();
  return { losses, weights: { hidden: parameters.hidden.js(), output: parameters.output.js() } };
}

/** The parts of this copy of jax-js that tests need. */
export const library = { init, jit, numpy: np, valueAndGrad };
