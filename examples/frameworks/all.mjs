// Runs the examples: one network, trained with plain arrays and with jax-js by the same masks, then asked in ONNX Runtime how sure it is.

import { createDropout } from "wasm-dropout";
import * as jax from "./jax.mjs";
import { P } from "./network.mjs";
import * as onnx from "./onnx.mjs";
import * as plain from "./plain.mjs";

const SEED = 42;
const STEPS = 300;
const PASSES = 200;
const POINTS = [
  [0.8, 0.8],
  [0.8, -0.8],
  [0, 0],
  [2, 2],
  [4, -4],
];

console.log(`Seed ${SEED}: the same output each time.`);

console.log("\n── Plain arrays, half of them dropped\n");
const rows = [[1, 2, 3, 4], [5, 6], [7]];
const { rows: dropped, ticket } = plain.forward(await createDropout({ seed: SEED }), rows, 0.5);
const ones = rows.map((row) => row.map(() => 1));
const gradient = plain.backward(await createDropout(), ones, ticket);
console.log(`  rows                       ${JSON.stringify(rows)}`);
console.log(`  dropout                    ${JSON.stringify(dropped)}`);
console.log(`  gradient, from the ticket  ${JSON.stringify(gradient)}`);

console.log(`\n── jax-js beside plain arrays: a network learns to multiply, p = ${P}\n`);
const byHand = await plain.train(SEED, STEPS);
const byJax = await jax.train(SEED, STEPS);
print(["step", "loss by hand (f64)", "loss by jax-js (f32)"]);
for (const step of [0, 1, 10, 100, STEPS - 1]) {
  print([`${step}`, ...[byHand, byJax].map(({ losses }) => Number(losses[step]).toFixed(6))]);
}
console.log("\n  The same seed draws the same masks; the rest is rounding.");

console.log(`\n── ONNX Runtime: the network of jax-js, ${PASSES} times with other units dropped\n`);
const points = POINTS.map((point) => [...point, 1]);
const { mean, variance } = await onnx.predict(byJax.weights, points, { seed: SEED, passes: PASSES });
print(["x", "product", "mean ± deviation"]);
for (const [i, [a = 0, b = 0]] of POINTS.entries()) {
  print([`${a}, ${b}`, (a * b).toFixed(2), `${Number(mean[i]).toFixed(2)} ± ${Math.sqrt(Number(variance[i])).toFixed(2)}`]);
}
console.log("\n  Trained between -1 and 1: far from there, the passes disagree.");

/** @param {string[]} cells */
function print(cells) {
  console.log(cells.map((cell, column) => cell.padStart(column === 0 ? 12 : 22)).join(""));
}
