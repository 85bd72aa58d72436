// A run from its settings to its outcome: training, the errors on the test images, and with dropout the Monte-Carlo average. What is done is
// on disk: a checkpoint while it trains, the outcome once it has ended.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Point, writeAtomically } from "./checkpoint.js";
import { wrongOf } from "./errors.js";
import { type MonteCarloResult, monteCarlo } from "./monte-carlo.js";
import { RandomNumbers } from "./random.js";
import { curveCounts, finalCount, nameOf, type Run } from "./settings.js";
import { evaluationExamples, trainNetwork } from "./training.js";

/** The results of a run. */
export interface Outcome {
  readonly run: Run;
  readonly curve: readonly Point[];
  /** Time of training. */
  readonly seconds: number;
  /** The number of test images that the network gets wrong, with its weights scaled. */
  readonly testWrong: number;
  /** Which they are, by their place among the test images in use. */
  readonly wrong: readonly number[];
  readonly monteCarlo?: MonteCarloResult;
}

/** The progress of a run. */
export interface Status {
  /** Share of its work. */
  readonly done: number;
  /** Epochs that have ended, with the latest point of the curve. */
  readonly epochs: number;
  /** Passes of the Monte-Carlo average that have. */
  readonly passes: number;
  readonly point?: Point | undefined;
}

/** Has the outcome of `run` in `directory`, where what was done before is not done again. */
export async function carryOut(run: Run, directory: string, onStatus: (status: Status) => void): Promise<void> {
  const { checkpoint, outcome: path } = pathsOf(run, directory);
  if (existsSync(path)) return;
  const work = workOf(run);
  const status = (epochs: number, passes: number, point?: Point) =>
    onStatus({ done: (epochs * work.epoch + passes * work.pass) / work.total, epochs, passes, point });

  const random = await RandomNumbers.create(run.seed);
  const { model, progress } = await trainNetwork(run, checkpoint, ({ curve }) => status(curve.length, 0, curve.at(-1)));
  const { curve, seconds } = progress;
  const examples = evaluationExamples(run, random, finalCount(run));
  const wrong = wrongOf(model, examples);
  let passes = 0;
  const onPass = () => status(curve.length, ++passes, curve.at(-1));
  const average = run.dropout ? { monteCarlo: await monteCarlo(model, examples, run.passes, onPass) } : {};
  const outcome: Outcome = { run, curve, seconds, testWrong: wrong.length, wrong, ...average };
  writeAtomically(path, JSON.stringify(outcome));
}

/** The outcome of a run that was carried out in `directory`. */
export function readOutcome(run: Run, directory: string): Outcome {
  return JSON.parse(readFileSync(pathsOf(run, directory).outcome, "utf8"));
}

/** Returns the file of a run's checkpoint; other settings have other files. */
export function pathsOf(run: Run, directory: string): { checkpoint: string; outcome: string } {
  const digest = createHash("sha256").update(JSON.stringify(run)).digest("hex").slice(0, 8);
  const path = join(directory, `${nameOf(run).replaceAll(" ", "-")}-${digest}`);
  return { checkpoint: `${path}.checkpoint`, outcome: `${path}.json` };
}

/** Work in forward passes of an image; a step of training costs three, forward, and back to weights and to inputs. */
export function workOf(run: Run): { epoch: number; pass: number; total: number } {
  const counts = curveCounts(run);
  const epoch = 3 * run.images + counts.training + counts.test;
  const pass = run.dropout ? finalCount(run) : 0;
  return { epoch, pass, total: run.epochs * epoch + run.passes * pass };
}
