// npm run bench:tfjs: measures, and prints a table a backend with the bars that apply.

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
// Registers the gradients of the core.
import "@tensorflow/tfjs-layers";
import { runCommand } from "../../bench/command-line.js";
import { engineVersion, MACHINE, VERSION } from "../../bench/machine.js";
import { Progress } from "../../bench/progress.js";
import { align, formatSize } from "../../bench/terminal.js";
import { createTfjsDropout } from "../../src/tfjs/index.js";
import { measure } from "../peers/measure.js";
import { measureGpus } from "./gpu.js";
import { type Options, readOptions, USAGE } from "./options.js";
import { measurePrediction, PREDICTION_BAR } from "./prediction.js";
import { COPIES, OURS, PARTS, subjects, TFJS } from "./subjects.js";

const P = 0.5;

/** The least speed as a multiple of tf.dropout's, and the size it holds at. */
const BARS = { cpu: { forward: 20, gradient: 20 }, wasm: { forward: 35, gradient: 25 } } as const;
const BAR_SIZE = 2 ** 20;

async function run({ parts, sizes, rounds, gate }: Options): Promise<void> {
  const { name, version } = engineVersion();
  console.log(`wasm-dropout ${VERSION} in TensorFlow.js ${tf.version_core}, rounds: ${rounds}; ${name} ${version}, ${MACHINE.cpu}`);
  tf.enableProdMode();
  const outcomes: boolean[] = [];
  if (parts.includes("operations")) outcomes.push(...(await measureOperations(sizes, rounds)));
  if (parts.includes("prediction")) outcomes.push(...(await measurePredictions(rounds)));
  if (parts.includes("gpu")) {
    console.log("\nForward on GPUs, in headless Chromium; bars are for the share of tf.dropout's time.");
    const { rows, outcomes: met } = await measureGpus(sizes, rounds, P, (what) => console.error(`measuring ${what}`));
    console.log(align(rows));
    outcomes.push(...met);
  }
  if (gate && (outcomes.length === 0 || outcomes.includes(false))) process.exitCode = 1;
}

async function measurePredictions(rounds: number): Promise<boolean[]> {
  console.log("\n30 Monte-Carlo passes of a network like MobileNetV2 that drops behind its pooling, beside one plain prediction.");
  const rows = [["backend", "layers", "image", "plain, ms", "30 passes, ms", "ratio", "bar"]];
  const outcomes: boolean[] = [];
  for (const backend of ["cpu", "wasm"] as const) {
    console.error(`measuring predictions on ${backend}`);
    const { layers, image, plainMs, passesMs, ratio } = await measurePrediction(backend, rounds);
    const met = ratio <= PREDICTION_BAR;
    outcomes.push(met);
    const bar = `at most ${PREDICTION_BAR}: ${met ? "met" : "MISSED"}`;
    rows.push([backend, `${layers}`, `${image}`, plainMs.toFixed(1), passesMs.toFixed(1), ratio.toFixed(2), bar]);
  }
  console.log(align(rows));
  return outcomes;
}

/** Measures forward, and forward and gradient; returns whether each bar that applies is met. */
async function measureOperations(sizes: readonly number[], rounds: number): Promise<boolean[]> {
  console.log("Forward, and forward and gradient, ns an element; ratios with the 95% interval of their medians.");
  const wd = await createTfjsDropout({ seed: 1 });
  const progress = new Progress();
  const outcomes: boolean[] = [];
  for (const backend of ["cpu", "wasm"] as const) {
    if (!(await tf.setBackend(backend))) throw new Error(`tf.setBackend("${backend}") failed`);
    const rows = [["computes", "elements", TFJS, OURS, COPIES, `${TFJS} / ${OURS}`, "95%", `${OURS} / ${COPIES}`, "bar"]];
    for (const [part, size] of PARTS.flatMap((part) => sizes.map((size) => [part, size] as const))) {
      const { timed, free } = subjects(wd, size, P, part);
      progress.begin(`${backend}, ${part}, ${formatSize(size)} elements`, rounds * timed.length);
      const timings = await measure(
        timed,
        rounds,
        () => progress.step(),
        (failed, error) => {
          throw new Error(`${failed} failed`, { cause: error });
        },
      );
      progress.clear();
      free();
      const times = timed.map((subject) => ((timings.time(subject.name).median * 1e6) / size).toFixed(2));
      const { median, interval } = timings.ratio(TFJS, OURS);
      const [lower, upper] = interval.map((bound) => bound.toFixed(1));
      const least = BARS[backend][part];
      const met = median >= least;
      const bar = size === BAR_SIZE ? `at least ${least}: ${met ? "met" : "MISSED"}` : "";
      if (size === BAR_SIZE) outcomes.push(met);
      const shown = part === "forward" ? "forward" : "both";
      rows.push([
        shown,
        formatSize(size),
        ...times,
        median.toFixed(1),
        `${lower}..${upper}`,
        timings.ratio(OURS, COPIES).median.toFixed(2),
        bar,
      ]);
    }
    console.log(`\nbackend ${backend}\n${align(rows)}`);
  }
  return outcomes;
}

await runCommand(USAGE, readOptions, run);
