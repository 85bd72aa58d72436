// A prediction in parts: each has passes of its own, and where and when it is computed makes no difference.

import { createDropout } from "wasm-dropout";
import { createMonteCarlo } from "wasm-dropout/monte-carlo";
import { modelOf } from "./network.mjs";

/** @import { ClassPrediction } from "wasm-dropout/monte-carlo" */
/** @import { Weights } from "./network.mjs" */

/**
 * @typedef {object} Task plain JSON
 * @property {Weights} weights
 * @property {number[]} points [n, 2]
 * @property {number} seed of the masks
 * @property {number} passes of the whole prediction
 * @property {number} partPasses of a part; the last one may have fewer
 */

/**
 * @typedef {object} Part
 * @property {number} firstPass
 * @property {number} passes
 */

/**
 * @param {Pick<Task, "passes" | "partPasses">} task
 * @returns {Part[]} the parts of all passes, in their order
 */
export function partsOf({ passes, partPasses }) {
  if (!(Number.isInteger(passes) && passes >= 1)) throw new RangeError(`"passes" expected integer of at least 1, got ${passes}`);
  if (!(Number.isInteger(partPasses) && partPasses >= 1))
    throw new RangeError(`"partPasses" expected integer of at least 1, got ${partPasses}`);
  return Array.from({ length: Math.ceil(passes / partPasses) }, (_, i) => ({
    firstPass: i * partPasses,
    passes: Math.min(partPasses, passes - i * partPasses),
  }));
}

// One instance a thread: it is made at the first part.
const monteCarlo = createDropout({ seed: 0 }).then((dropout) => createMonteCarlo(dropout));

/**
 * Computes a part.
 *
 * @param {Task} task
 * @param {Part} part
 * @param {(done: number) => unknown} [onProgress]
 * @returns {Promise<ClassPrediction>}
 */
export async function compute({ weights, points, seed }, { firstPass, passes }, onProgress) {
  return (await monteCarlo).predict(modelOf(weights), Float64Array.from(points), {
    passes,
    firstPass,
    seed,
    samples: points.length / 2,
    classes: 2,
    output: "logits",
    onProgress: ({ done }) => onProgress?.(done),
    progressMs: 50,
  });
}

/**
 * Merges parts in the order of their passes: sums of floating-point numbers depend on the order, so that any other would give other last bits.
 *
 * @param {Task} task
 * @param {readonly ClassPrediction[]} results of all parts, in any order, here or from JSON
 * @returns {Promise<ClassPrediction>}
 * @throws {RangeError} if a part is missing or came twice
 */
export async function join(task, results) {
  const first = (/** @type {ClassPrediction} */ { ranges }) => Number(ranges[0]?.[0]);
  const merged = (await monteCarlo).merge([...results].sort((a, b) => first(a) - first(b)));
  if (merged.passes !== task.passes) throw new RangeError(`expected ${task.passes} passes, got ${merged.passes}`);
  return merged;
}

/**
 * Computes all parts here, one after another.
 *
 * @param {Task} task
 */
export async function inOneProcess(task) {
  const results = [];
  for (const part of partsOf(task)) results.push(await compute(task, part));
  return join(task, results);
}
