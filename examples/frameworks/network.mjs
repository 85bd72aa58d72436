// The task of all examples here, and their network: the product of two numbers, with y = dropout(relu(x hidden)) output.

import { createDropout } from "wasm-dropout";
import { createNoise } from "wasm-dropout/noise";

/** @typedef {number[][]} Matrix rows of numbers */

/**
 * @typedef {object} Task
 * @property {Matrix} x [points, 3]: two numbers and a 1, which is what biases are the weights of
 * @property {Matrix} y [points, 1]
 */

/**
 * @typedef {object} Weights
 * @property {Matrix} hidden [3, units]
 * @property {Matrix} output [units, 1]
 */

/** Drop probability of the hidden layer. */
export const P = 0.2;
/** The learning rate. */
export const RATE = 0.05;
const INPUTS = 3;
const UNITS = 32;

/** @returns {Task} a grid of points in the square from -1 to 1, and their products */
export function makeTask() {
  const coordinates = [-1, -0.6, -0.2, 0.2, 0.6, 1];
  const pairs = coordinates.flatMap((a) => coordinates.map((b) => /** @type {const} */ ([a, b])));
  return { x: pairs.map(([a, b]) => [a, b, 1]), y: pairs.map(([a, b]) => [a * b]) };
}

/**
 * Weights to begin with: normal numbers of variance 2 / inputs (He et al. 2015), the same for the same seed.
 *
 * @param {number} seed
 * @returns {Promise<Weights>}
 */
export async function makeWeights(seed) {
  const noise = await createNoise(await createDropout({ seed }));
  /** @param {number} inputs @param {number} outputs @returns {Matrix} */
  const layer = (inputs, outputs) =>
    Array.from({ length: inputs }, () => Array.from(noise.normal(outputs, { stddev: Math.sqrt(2 / inputs) })));
  return { hidden: layer(INPUTS, UNITS), output: layer(UNITS, 1) };
}
