// Time per element, beside what a copy takes and what a plain loop takes.

import { bindMemoryCopy } from "./copy.mjs";
import { grouped, printHeading, printTable, showProgress } from "./terminal.mjs";

/** @import { Dropout } from "wasm-dropout" */
/** @import { Images } from "./idx.mjs" */

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {() => void} run
 * @property {number} rounds in how many of the rounds it is timed
 */

const SIZES = [2 ** 16, 2 ** 20, 2 ** 24];
const P = 0.1;
const ROUNDS = 15;
const SLOW_ROUNDS = 3;
// A sample long enough that neither the clock's resolution nor what the contender before left in the caches matters.
const SAMPLE_MS = 3;
const WARM_UP_MS = 30;
const NAME_WIDTH = -30;

/**
 * @param {Dropout} dropout
 * @param {Images} images
 */
export function showTiming(dropout, { pixels }) {
  printHeading("5. Nanoseconds per element, and how many times memory.copy that is");
  const columns = SIZES.map((n) => {
    showProgress(`  ${grouped(n)} elements`);
    return timeSize(
      dropout,
      Float32Array.from(pixels.subarray(0, n), (grey) => grey / 255),
    );
  });
  showProgress();

  const [names = []] = columns.map((results) => results.map(({ name }) => name));
  printTable([["elements", ...SIZES.map(grouped)]], [NAME_WIDTH, 15, 15, 15]);
  printTable(
    names.map((name, row) => [
      name,
      ...columns.flatMap((results) => {
        const [copy, own] = [results[0]?.median ?? 0, results[row]?.median ?? 0];
        return [own.toFixed(3), `${(own / copy).toFixed(1)}x`];
      }),
    ]),
    [NAME_WIDTH, 8, 7, 8, 7, 8, 7],
  );
  console.log(`\n  f32, p = ${P}; medians of interleaved rounds. Full benchmark: npm run bench.`);
}

/**
 * @param {Dropout} dropout
 * @param {Float32Array} array
 */
function timeSize(dropout, array) {
  const n = array.length;
  const result = new Float32Array(n);
  const x = dropout.from(array);
  const y = dropout.alloc("f32", n);
  const copy = bindMemoryCopy(dropout.memory);
  const toBuffer = { out: y };
  const toArray = { out: result };
  const gradient = { dx: y };
  const { ticket } = dropout.forward(x, P, toBuffer);
  const contenders = [
    { name: "memory.copy", rounds: ROUNDS, run: () => copy(y.pointer, x.pointer, n * Float32Array.BYTES_PER_ELEMENT) },
    { name: "dropout, buffers", rounds: ROUNDS, run: () => dropout.dropout(x, P, toBuffer) },
    { name: "backward from ticket, buffers", rounds: ROUNDS, run: () => dropout.backward(x, ticket, {}, gradient) },
    { name: "dropout, Float32Array", rounds: ROUNDS, run: () => dropout.dropout(array, P, toArray) },
    { name: "plain JavaScript loop", rounds: SLOW_ROUNDS, run: () => plainDropout(array, P, result) },
  ];
  const medians = measure(contenders);
  for (const buffer of [x, y]) buffer.free();
  return contenders.map(({ name }, index) => ({ name, median: ((medians[index] ?? 0) / n) * 1e6 }));
}

/**
 * Milliseconds a call, by contender: medians over rounds in which they take turns, so that a drift of the machine's speed hits all alike.
 *
 * @param {readonly Contender[]} contenders
 */
function measure(contenders) {
  const tasks = contenders.map((contender) => ({
    ...contender,
    calls: callsPerSample(contender.run),
    samples: /** @type {number[]} */ ([]),
  }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { run, rounds, calls, samples } of tasks) {
      if (round < rounds) samples.push(timeCalls(run, calls) / calls);
    }
  }
  return tasks.map(({ samples }) => median(samples));
}

/**
 * Warms up, and says how many calls make a sample.
 *
 * @param {() => void} run
 */
function callsPerSample(run) {
  let fastest = Number.POSITIVE_INFINITY;
  for (let spent = 0; spent < WARM_UP_MS; ) {
    const elapsed = timeCalls(run, 1);
    fastest = Math.min(fastest, elapsed);
    spent += elapsed;
  }
  return Math.ceil(SAMPLE_MS / fastest);
}

/**
 * @param {() => void} run
 * @param {number} calls
 */
function timeCalls(run, calls) {
  const begin = performance.now();
  for (let call = 0; call < calls; call++) run();
  return performance.now() - begin;
}

/**
 * Dropout without a library.
 *
 * @param {Float32Array} x
 * @param {number} p
 * @param {Float32Array} y
 */
function plainDropout(x, p, y) {
  const s = 1 / (1 - p);
  for (let i = 0; i < x.length; i++) y[i] = Math.random() < p ? 0 : /** @type {number} */ (x[i]) * s;
}

/** @param {readonly number[]} samples */
function median(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
