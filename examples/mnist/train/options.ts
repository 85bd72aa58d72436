// The command line.

import { fileURLToPath } from "node:url";
import { parseCommandLine, UsageError } from "../../../bench/command-line.js";
import { TRAINING_IMAGES } from "../idx.mjs";
import { BACKENDS, DEFAULT, FULL, OPTIMIZERS, type Schedule, type Settings, SHORT } from "./settings.js";

export const USAGE = `Trains a network on MNIST with dropout and without, from the same weights, and writes a report. Interrupted, the same command goes on.

npm run example:train -- [options]
  --full        all ${TRAINING_IMAGES} training images, ${FULL.schedules.with.epochs} epochs with dropout and ${FULL.schedules.without.epochs} without
  --short       a small network, ${SHORT.images} images, ${SHORT.schedules.with.epochs} epochs: seconds
  --images N    number of training images, 10 to ${TRAINING_IMAGES} (default ${DEFAULT.images})
  --epochs N    number of epochs, 1 to 10000 (default ${DEFAULT.schedules.with.epochs})
  --seeds N     from how many seeds to train, 1 to 1000 (default 3; with --full 1)
  --passes N    number of passes of the Monte-Carlo average, 2 to 10000 (default ${DEFAULT.passes}; with --short ${SHORT.passes})
  --backend B   what tfjs computes with: ${BACKENDS.join(" or ")} (default ${DEFAULT.backend})
  --validation N       holds out N training images and takes them in place of the test images, to choose settings by; 10 to 30000
  --hidden N           units of each hidden layer, 1 to 8192
  --learning-rate X    its highest value, of both variants, as are the next three
  --optimizer O        ${OPTIMIZERS.join(" or ")}
  --momentum X         below 1
  --max-norm X         of the weights into a hidden unit
  --out path    directory of checkpoints and of report.html (default build/mnist-training)
  --help        this text`;

export interface Options {
  readonly settings: Settings;
  readonly seeds: number;
  /** The folder that everything is written to. */
  readonly directory: string;
  readonly help: boolean;
}

export function readOptions(args: string[]): Options {
  const { full, short, images, validation, hidden, passes, seeds, backend, out, help, ...ofSchedules } = parse(args);
  if (full && short) throw new UsageError("expected --full or --short, got both");
  const base = full ? FULL : short ? SHORT : DEFAULT;
  const heldOut = readCount("--validation", validation, base.validation, 10, TRAINING_IMAGES / 2);
  const most = TRAINING_IMAGES - heldOut;
  const units = hidden === undefined ? undefined : readCount("--hidden", hidden, 0, 1, 8192);
  return {
    settings: {
      ...base,
      backend: readName("--backend", backend, BACKENDS),
      images: readCount("--images", images, Math.min(base.images, most), 10, most),
      validation: heldOut,
      hidden: units === undefined ? base.hidden : base.hidden.map(() => units),
      schedules: { with: readSchedule(ofSchedules, base.schedules.with), without: readSchedule(ofSchedules, base.schedules.without) },
      passes: readCount("--passes", passes, base.passes, 2, 10_000),
    },
    seeds: readCount("--seeds", seeds, full ? 1 : 3, 1, 1000),
    directory: out,
    help,
  };
}

type ScheduleTexts = Pick<ReturnType<typeof parse>, "epochs" | "learning-rate" | "optimizer" | "momentum" | "max-norm">;

function readSchedule(texts: ScheduleTexts, base: Schedule): Schedule {
  return {
    epochs: readCount("--epochs", texts.epochs, base.epochs, 1, 10_000),
    learningRate: readNumber("--learning-rate", texts["learning-rate"], base.learningRate, ABOVE_0),
    optimizer: readName("--optimizer", texts.optimizer ?? base.optimizer, OPTIMIZERS),
    momentum: readNumber("--momentum", texts.momentum, base.momentum, SHARE),
    maxNorm: readNumber("--max-norm", texts["max-norm"], base.maxNorm, ABOVE_0),
  };
}

function parse(args: string[]) {
  const options = {
    full: { type: "boolean", default: false },
    short: { type: "boolean", default: false },
    images: { type: "string" },
    validation: { type: "string" },
    hidden: { type: "string" },
    epochs: { type: "string" },
    "learning-rate": { type: "string" },
    optimizer: { type: "string" },
    momentum: { type: "string" },
    "max-norm": { type: "string" },
    passes: { type: "string" },
    seeds: { type: "string" },
    backend: { type: "string", default: DEFAULT.backend },
    out: { type: "string", default: fileURLToPath(new URL("../../../build/mnist-training", import.meta.url)) },
    help: { type: "boolean", short: "h", default: false },
  } as const;
  return parseCommandLine({ args, options }).values;
}

function readCount(flag: string, text: string | undefined, otherwise: number, least: number, most: number): number {
  if (text === undefined) return otherwise;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`"${flag}" expected integer in [${least}, ${most}], got ${JSON.stringify(text)}`);
}

const ABOVE_0 = { name: "above 0", has: (value: number) => value > 0 };
const SHARE = { name: "in [0, 1)", has: (value: number) => value < 1 };

function readNumber(flag: string, text: string | undefined, otherwise: number, range: typeof ABOVE_0): number {
  if (text === undefined) return otherwise;
  if (/^\d*\.?\d+$/.test(text) && range.has(Number(text))) return Number(text);
  throw new UsageError(`"${flag}" expected decimal number ${range.name}, got ${JSON.stringify(text)}`);
}

function readName<N extends string>(flag: string, text: string, names: readonly N[]): N {
  const name = names.find((candidate) => candidate === text);
  if (name !== undefined) return name;
  throw new UsageError(`"${flag}" expected ${names.join(" or ")}, got ${JSON.stringify(text)}`);
}
