// The classifier of this example: which of two moons a point of the plane belongs to. It is trained here.

import { createDropout } from "wasm-dropout";
import { createNoise } from "wasm-dropout/noise";

/**
 * @typedef {object} Weights rows of inputs, the last one the bias
 * @property {number[][]} hidden [2 + 1, units]
 * @property {number[][]} output [units + 1, 2]
 */

/** Drop probability of the hidden layer. */
export const P = 0.2;
const UNITS = 48;
const POINTS = 80;
const STEPS = 400;
const RATE = 0.5;

/** @returns {{ x: number[][], labels: number[] }} points on two half circles that reach into each other */
export function moons() {
  const labels = Array.from({ length: POINTS }, (_, i) => i % 2);
  const x = labels.map((label, i) => {
    const angle = (Math.PI * (i >> 1)) / (POINTS / 2 - 1);
    return label === 0 ? [Math.cos(angle) - 0.5, Math.sin(angle) - 0.25] : [0.5 - Math.cos(angle), 0.25 - Math.sin(angle)];
  });
  return { x, labels };
}

/**
 * Trains by gradient descent with dropout; the same seed gives the same weights.
 *
 * @param {number} seed
 * @returns {Promise<Weights>}
 */
export async function train(seed) {
  const dropout = await createDropout({ seed });
  const noise = await createNoise(dropout);
  /** @param {number} rows @param {number} columns */
  const layer = (rows, columns) => Array.from({ length: rows }, () => Array.from(noise.normal(columns, { stddev: Math.sqrt(2 / rows) })));
  const [hidden, output] = [layer(3, UNITS), layer(UNITS + 1, 2)];
  const { x, labels } = moons();
  for (let step = 0; step < STEPS; ++step) {
    const h = x.map((point) => relu(times([...point, 1], hidden)));
    const { y, ticket } = dropout.forward(Float64Array.from(h.flat()), P);
    const kept = h.map((_, i) => [...y.subarray(i * UNITS, (i + 1) * UNITS), 1]);
    const dLogits = kept.map((row, i) => softmax(times(row, output)).map((p, c) => (p - Number(c === labels[i])) / POINTS));
    const dKept = dLogits.flatMap((d) =>
      output.slice(0, UNITS).map((weights) => d.reduce((sum, value, c) => sum + value * Number(weights[c]), 0)),
    );
    const { dx } = dropout.backward(Float64Array.from(dKept), ticket);
    const dHidden = h.map((row, i) => row.map((value, unit) => (value > 0 ? Number(dx[i * UNITS + unit]) : 0)));
    descend(output, kept, dLogits);
    descend(
      hidden,
      x.map((point) => [...point, 1]),
      dHidden,
    );
  }
  return { hidden, output };
}

/**
 * The network as a model of Monte-Carlo dropout, of points as [n, 2].
 *
 * @param {Weights} weights
 * @returns {import("wasm-dropout/monte-carlo").Model<Float64Array>} gives logits, [n, 2]
 */
export function modelOf({ hidden, output }) {
  return (points, { dropout }) => {
    const n = points.length / 2;
    const h = new Float64Array(n * UNITS);
    for (let i = 0; i < n; ++i) h.set(relu(times([Number(points[2 * i]), Number(points[2 * i + 1]), 1], hidden)), i * UNITS);
    const kept = dropout(h, P, { layer: "hidden", out: h });
    const logits = new Float64Array(2 * n);
    for (let i = 0; i < n; ++i) logits.set(times([...kept.subarray(i * UNITS, (i + 1) * UNITS), 1], output), 2 * i);
    return logits;
  };
}

/** @param {readonly number[]} row @param {readonly number[][]} matrix */
function times(row, matrix) {
  const sums = new Array(matrix[0]?.length ?? 0).fill(0);
  row.forEach((value, i) => {
    const weights = /** @type {number[]} */ (matrix[i]);
    for (let j = 0; j < sums.length; ++j) sums[j] += value * Number(weights[j]);
  });
  return sums;
}

/** @param {number[]} row */
function relu(row) {
  return row.map((value) => Math.max(0, value));
}

/** @param {number[]} logits */
function softmax(logits) {
  const largest = Math.max(...logits);
  const terms = logits.map((value) => Math.exp(value - largest));
  const sum = terms.reduce((a, b) => a + b);
  return terms.map((term) => term / sum);
}

/** @param {number[][]} weights @param {readonly number[][]} inputs @param {readonly number[][]} dOutputs */
function descend(weights, inputs, dOutputs) {
  weights.forEach((row, i) => {
    for (let j = 0; j < row.length; ++j) {
      const slope = inputs.reduce((sum, input, n) => sum + Number(input[i]) * Number(dOutputs[n]?.[j]), 0);
      row[j] = Number(row[j]) - RATE * slope;
    }
  });
}
