// One Monte-Carlo prediction three times: in one process, over threads, and over processes of which one is killed in the middle. The number of passes
// may be given as an argument.

import { stdout } from "node:process";
import { moons, train } from "./network.mjs";
import { inOneProcess, partsOf } from "./parts.mjs";
import { inQueue } from "./queue.mjs";
import { connectionTo, startRedis } from "./redis.mjs";
import { inThreads } from "./threads.mjs";
import { endWorkers, startWorkers } from "./workers.mjs";

/** @import { ClassPrediction } from "wasm-dropout/monte-carlo" */

const SEED = 42;
const PASSES = Number(process.argv[2] ?? 2000);
const PART_PASSES = 50;
const WORKERS = 3;
const [COLUMNS, ROWS] = [48, 16];
const SHADES = " .:-=+*#%@";

// A grid of points around the two moons.
const points = Array.from({ length: ROWS * COLUMNS }, (_, i) => [
  ((i % COLUMNS) / (COLUMNS - 1)) * 5 - 2.5,
  1.5 - (Math.floor(i / COLUMNS) / (ROWS - 1)) * 3,
]).flat();

console.log(`Training on ${moons().x.length} points of two moons ...`);
const task = { weights: await train(SEED), points, seed: SEED, passes: PASSES, partPasses: PART_PASSES };
console.log(`${PASSES} passes on ${points.length / 2} points, in ${partsOf(task).length} parts\n`);

const [one, oneSeconds] = await timed(() => inOneProcess(task));
report("one process", one, oneSeconds);

const [threads, threadSeconds] = await timed(() => inThreads(task, { threads: 2, onProgress: showParts("threads") }));
report("2 threads", threads, threadSeconds);

const own = process.env["REDIS_URL"] === undefined ? await startRedis() : undefined;
const address = own?.address ?? /** @type {string} */ (process.env["REDIS_URL"]);
const workers = startWorkers(WORKERS, address);
try {
  let killed = "";
  const [queued, queueSeconds] = await timed(() =>
    inQueue(task, {
      connection: connectionTo(address),
      run: `example-${process.pid}`,
      onProgress: showParts("queue"),
      onPasses(worker, done) {
        // The first that is amid a part.
        if (killed === "" && done < PART_PASSES) {
          killed = worker;
          workers.get(worker)?.process.kill("SIGKILL");
        }
      },
    }),
  );
  report(`${WORKERS} processes, one of them killed`, queued, queueSeconds);
} finally {
  await endWorkers(workers);
  await own?.stop();
}

console.log("\nMutual information: the darker, the more the passes disagree. The moons are 0 and 1.\n");
const most = Math.max(...one.mutualInformation);
const { x, labels } = moons();
const marks = new Map(
  x.map(([a, b], i) => [
    Math.round(((1.5 - Number(b)) / 3) * (ROWS - 1)) * COLUMNS + Math.round(((Number(a) + 2.5) / 5) * (COLUMNS - 1)),
    `${labels[i]}`,
  ]),
);
for (let row = 0; row < ROWS; ++row) {
  const cells = Array.from({ length: COLUMNS }, (_, column) => {
    const at = row * COLUMNS + column;
    return marks.get(at) ?? SHADES[Math.min(SHADES.length - 1, Math.floor((Number(one.mutualInformation[at]) / most) * SHADES.length))];
  });
  console.log(`  ${cells.join("")}`);
}

/**
 * @template T
 * @param {() => Promise<T>} run
 * @returns {Promise<[T, number]>} the result and the seconds it took
 */
async function timed(run) {
  const start = performance.now();
  const result = await run();
  return [result, (performance.now() - start) / 1000];
}

/** @param {string} name @param {ClassPrediction} prediction @param {number} seconds */
function report(name, prediction, seconds) {
  const same = Object.is(JSON.stringify(prediction), JSON.stringify(one)) ? "the same, bit for bit" : "DIFFERENT";
  showLine("");
  console.log(`  ${name.padEnd(36)} ${seconds.toFixed(1).padStart(6)} s   ${same}`);
  if (same === "DIFFERENT") process.exitCode = 1;
}

/** @param {string} name */
function showParts(name) {
  return (/** @type {number} */ done, /** @type {number} */ all) => showLine(`  ${name}: part ${done} of ${all}`);
}

/** Rewrites the last line, on a terminal only. @param {string} text */
function showLine(text) {
  if (!stdout.isTTY) return;
  stdout.cursorTo(0);
  stdout.clearLine(0);
  stdout.write(text);
}
