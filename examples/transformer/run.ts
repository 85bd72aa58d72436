// npm run example:transformer: trains with dropout and without, side by side, and writes the report. Goes on where it was interrupted.

import { fork } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseCommandLine, runCommand, UsageError } from "../../bench/command-line.js";
import { useBackend } from "../mnist/train/backend.js";
import { writeAtomically } from "../mnist/train/checkpoint.js";
import { formatTime } from "../mnist/train/progress.js";
import { type Curves, conclusion, report } from "./report.js";
import { type Point, type Settings, train } from "./training.js";

const USAGE = `Trains a small transformer on this repository's pages, with dropout and without.

npm run example:transformer -- [options]
  --steps N         steps of each training (default 1000)
  --rate p          drop probability (default 0.2)
  --seed N          seed of weights, windows and masks (default 1)
  --tiny            a network and a text that take seconds, and show no difference
  --directory path  where checkpoints and the report are written (default build/transformer)
  --help            this text`;

const FORM = { length: 48, width: 64, heads: 4, blocks: 2, windows: 8, validation: 24, every: 25, learningRate: 4e-3, text: 8000 };
const TINY = { length: 12, width: 16, heads: 2, blocks: 1, windows: 2, validation: 4, every: 2, learningRate: 3e-3, text: 1000 };
const INTERRUPTED = 130;

interface Options {
  readonly settings: Settings;
  readonly directory: string;
  /** The training that a process of its own carries out. */
  readonly only: string | undefined;
  readonly help: boolean;
}

function readOptions(args: string[]): Options {
  const { steps, rate, seed, tiny, directory, only, help } = parseCommandLine({
    args,
    options: {
      steps: { type: "string" },
      rate: { type: "string", default: "0.2" },
      seed: { type: "string", default: "1" },
      tiny: { type: "boolean", default: false },
      directory: { type: "string", default: fileURLToPath(new URL("../../build/transformer", import.meta.url)) },
      only: { type: "string" },
      help: { type: "boolean", default: false },
    },
  }).values;
  const settings = { ...(tiny ? TINY : FORM), seed: Number(seed), rate: Number(rate), steps: Number(steps ?? (tiny ? 6 : 1000)) };
  if (!Number.isSafeInteger(settings.seed) || settings.seed < 0) throw new UsageError(`--seed expected integer from 0 on, got ${seed}`);
  if (!Number.isSafeInteger(settings.steps) || settings.steps < 1) throw new UsageError(`--steps expected integer from 1 on, got ${steps}`);
  if (!(settings.rate > 0 && settings.rate < 1)) throw new UsageError(`--rate expected number in (0, 1), got ${rate}`);
  return { settings, directory, only, help };
}

/** Carries out one training in this process, and reports its points to the one that started it. */
async function runOne({ settings, directory }: Options, name: string): Promise<void> {
  const interruption = new AbortController();
  process.on("SIGINT", () => interruption.abort()).on("SIGTERM", () => interruption.abort());
  await useBackend("wasm");
  const curve = await train(
    { ...settings, rate: name === "with" ? settings.rate : 0 },
    join(directory, name),
    (point) => process.send?.(point),
    interruption.signal,
  );
  if ((curve.at(-1)?.step ?? 0) < settings.steps) process.exitCode = INTERRUPTED;
  process.disconnect?.();
}

async function run(options: Options): Promise<void> {
  if (options.only !== undefined) return runOne(options, options.only);
  const { settings, directory } = options;
  mkdirSync(directory, { recursive: true });
  const start = performance.now();
  const curves: Record<string, Point[]> = {};
  let first: number | undefined;
  const show = (name: string, point: Point) => {
    const steps = () => Object.values(curves).reduce((total, curve) => total + (curve.at(-1)?.step ?? 0), 0);
    (curves[name] as Point[]).push(point);
    first ??= steps();
    const share = steps() / (2 * settings.steps);
    const left =
      steps() > first
        ? `, ${formatTime(((performance.now() - start) / 1000 / (steps() - first)) * (2 * settings.steps - steps()))} left`
        : "";
    const losses = `training loss ${point.training.toFixed(3)}, validation loss ${point.validation.toFixed(3)}`;
    console.error(`${Math.floor(100 * share)}%${left}; ${name} dropout, step ${point.step} of ${settings.steps}: ${losses}`);
  };
  const codes = await Promise.all(
    ["with", "without"].map((name) => {
      curves[name] = [];
      const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), "--only", name], { execArgv: ["--import", "tsx"] });
      const pass = (signal: NodeJS.Signals) => child.kill(signal);
      process.on("SIGINT", pass).on("SIGTERM", pass);
      child.on("message", (point) => show(name, point as Point));
      return new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? 1)));
    }),
  );
  const failed = codes.find((code) => code !== 0);
  if (failed !== undefined) {
    if (failed === INTERRUPTED) console.error(`interrupted; the same command goes on from the last checkpoints, in ${directory}`);
    process.exitCode = failed;
    return;
  }
  const path = join(directory, "report.html");
  writeAtomically(path, report(curves as unknown as Curves, settings));
  console.log(`${conclusion(curves as unknown as Curves)}\n${path} (${formatTime((performance.now() - start) / 1000)})`);
}

await runCommand(USAGE, readOptions, run);
