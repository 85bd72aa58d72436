// npm run example:transformer: trains with dropout and without, side by side, and writes the report. Goes on where it was interrupted.

import { fork } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseCommandLine, runCommand, UnusableFile, UsageError } from "../../bench/command-line.js";
import { useBackend } from "../mnist/train/backend.js";
import { writeAtomically } from "../mnist/train/checkpoint.js";
import { Pace } from "../mnist/train/pace.js";
import { formatTime } from "../mnist/train/progress.js";
import type { Store } from "./checkpoint.js";
import { readPages } from "./pages.js";
import { conclusion, report } from "./report.js";
import { type News, type Point, readSettings, type Settings, settingsOf, usual, VARIANTS, type Variant, WrongSetting } from "./settings.js";
import { OtherTraining, train } from "./training.js";

const USAGE = `Trains a small transformer on this repository's pages, with dropout and without.

npm run example:transformer -- [options]
  --steps N         steps of each training (default 1000)
  --rate p          drop probability (default 0.2)
  --seed N          seed of weights, windows and masks (default 1)
  --tiny            a network and a text that take seconds, and show no difference
  --directory path  where checkpoints and the report are written (default build/transformer)
  --help            this text`;

const INTERRUPTED = 130;

interface Options {
  readonly settings: Settings;
  readonly directory: string;
  /** The training that a process of its own carries out. */
  readonly only: Variant | undefined;
  readonly help: boolean;
}

function readOptions(args: string[]): Options {
  const { tiny, directory, only, help, ...typed } = parseCommandLine({
    args,
    options: {
      steps: { type: "string" },
      rate: { type: "string" },
      seed: { type: "string" },
      tiny: { type: "boolean", default: false },
      directory: { type: "string", default: fileURLToPath(new URL("../../build/transformer", import.meta.url)) },
      only: { type: "string" },
      help: { type: "boolean", default: false },
    },
  }).values;
  try {
    const settings = readSettings({ ...usual(tiny), ...typed }, tiny);
    return { settings, directory, only: VARIANTS.find((variant) => variant === only), help };
  } catch (error) {
    throw error instanceof WrongSetting ? new UsageError(`--${error.message}`) : error;
  }
}

/** A file that is whole whenever the program is ended. */
function storeAt(path: string): Store {
  return {
    read: async () => (existsSync(path) ? readFileSync(path) : undefined),
    write: async (state) => writeAtomically(path, state),
  };
}

/** Carries out one training in this process, and tells the one that started it. */
async function runOne({ settings, directory }: Options, variant: Variant): Promise<void> {
  const interruption = new AbortController();
  process.on("SIGINT", () => interruption.abort()).on("SIGTERM", () => interruption.abort());
  await useBackend("wasm");
  const path = join(directory, variant);
  const tell = (news: News) => void process.send?.(news);
  try {
    const curve = await train(settingsOf(settings, variant), readPages(), storeAt(path), tell, interruption.signal);
    if ((curve.at(-1)?.step ?? 0) < settings.steps) process.exitCode = INTERRUPTED;
  } catch (error) {
    throw error instanceof OtherTraining ? new UnusableFile(`${path}: ${error.message}`) : error;
  } finally {
    process.disconnect?.();
  }
}

async function run(options: Options): Promise<void> {
  if (options.only !== undefined) return runOne(options, options.only);
  const { settings, directory } = options;
  mkdirSync(directory, { recursive: true });
  const start = performance.now();
  const curves: Record<Variant, Point[]> = { with: [], without: [] };
  const samples: Record<Variant, string> = { with: "", without: "" };
  const pace = new Pace(2 * settings.steps);
  const show = (variant: Variant, { step, training, validation }: Point) => {
    const { share, left } = pace;
    const losses = `training loss ${training.toFixed(3)}, validation loss ${validation.toFixed(3)}`;
    const ahead = left === undefined ? "" : `, ${formatTime(left)} left`;
    console.error(`${Math.floor(100 * share)}%${ahead}; ${variant} dropout, step ${step} of ${settings.steps}: ${losses}`);
  };
  const codes = await Promise.all(
    VARIANTS.map((variant) => {
      const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), "--only", variant], { execArgv: ["--import", "tsx"] });
      const pass = (signal: NodeJS.Signals) => child.kill(signal);
      process.on("SIGINT", pass).on("SIGTERM", pass);
      child.on("message", (news: News) => {
        if (news.type === "step") pace.note(variant, news.step);
        else if (news.type === "end") samples[variant] = news.sample;
        else {
          curves[variant].push(news.point);
          show(variant, news.point);
        }
      });
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
  writeAtomically(path, report(curves, samples, settings));
  console.log(`${conclusion(curves)}\n${path} (${formatTime((performance.now() - start) / 1000)})`);
}

await runCommand(USAGE, readOptions, run);
