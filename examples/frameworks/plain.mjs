// Plain arrays: dropout of nested arrays, and a network that is trained by hand, its gradient made from tickets.

import { createDropout } from "wasm-dropout";
import { makeTask, makeWeights, P, RATE } from "./network.mjs";

/** @import { Dropout, DropoutOptions, Ticket } from "wasm-dropout" */
/** @import { Matrix, Task, Weights } from "./network.mjs" */

/**
 * Dropout of rows of numbers. JavaScript's numbers are f64: copied into a Float64Array, dropped there in place, copied out.
 *
 * @param {Dropout} dropout
 * @param {Matrix} rows
 * @param {number} p
 * @param {DropoutOptions<undefined>} [options]
 */
export function forward(dropout, rows, p, options) {
  const values = Float64Array.from(rows.flat());
  const { ticket } = dropout.forward(values, p, { ...options, out: values });
  return { rows: likeRows(values, rows), ticket };
}

/**
 * Its gradient: the same elements dropped. Of the mask nothing was kept but the ticket.
 *
 * @param {Dropout} dropout
 * @param {Matrix} rows
 * @param {Ticket<"dropout">} ticket
 */
export function backward(dropout, rows, ticket) {
  const values = Float64Array.from(rows.flat());
  return likeRows(dropout.backward(values, ticket, {}, { dx: values }).dx, rows);
}

/**
 * The mean squared error of the network in training, and its gradient.
 *
 * @param {Dropout} dropout
 * @param {Weights} weights
 * @param {Task} task
 * @param {number} p
 * @param {DropoutOptions<undefined>} [options]
 */
export function lossAndGradient(dropout, { hidden, output }, { x, y }, p, options) {
  const h = product(x, hidden).map((row) => row.map((value) => Math.max(0, value)));
  const { rows: dropped, ticket } = forward(dropout, h, p, options);
  const errors = pairwise(product(dropped, output), y, (value, target) => value - target);
  const loss = errors.flat().reduce((sum, error) => sum + error * error, 0) / y.length;

  const dErrors = errors.map((row) => row.map((error) => (2 * error) / y.length));
  const dDropped = product(dErrors, transpose(output));
  const dRelu = pairwise(backward(dropout, dDropped, ticket), h, (d, value) => (value > 0 ? d : 0));
  return { loss, gradient: { hidden: product(transpose(x), dRelu), output: product(transpose(dropped), dErrors) } };
}

/**
 * Gradient descent: each step takes the next mask of the seed.
 *
 * @param {number} seed
 * @param {number} steps
 */
export async function train(seed, steps) {
  const dropout = await createDropout({ seed });
  const task = makeTask();
  let weights = await makeWeights(seed);
  const losses = [];
  for (let step = 0; step < steps; ++step) {
    const { loss, gradient } = lossAndGradient(dropout, weights, task, P);
    losses.push(loss);
    /** @param {number} weight @param {number} slope */
    const descend = (weight, slope) => weight - RATE * slope;
    weights = { hidden: pairwise(weights.hidden, gradient.hidden, descend), output: pairwise(weights.output, gradient.output, descend) };
  }
  return { losses, weights };
}

/** @param {Float64Array} values @param {Matrix} rows @returns {Matrix} the values in rows as long as those given */
function likeRows(values, rows) {
  let end = 0;
  return rows.map(({ length }) => {
    end += length;
    return Array.from(values.subarray(end - length, end));
  });
}

/** @param {Matrix} a @param {Matrix} b @returns {Matrix} */
function product(a, b) {
  const columns = transpose(b);
  return a.map((row) => columns.map((column) => row.reduce((sum, value, i) => sum + value * Number(column[i]), 0)));
}

/** @param {Matrix} a @returns {Matrix} */
function transpose(a) {
  return (a[0] ?? []).map((_, i) => a.map((row) => Number(row[i])));
}

/** @param {Matrix} a @param {Matrix} b @param {(a: number, b: number) => number} f @returns {Matrix} */
function pairwise(a, b, f) {
  return a.map((row, n) => row.map((value, i) => f(value, Number(b[n]?.[i]))));
}
