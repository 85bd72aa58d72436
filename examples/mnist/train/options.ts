// The command line.

import { fileURLToPath } from "node:url";
import { parseCommandLine, UsageError } from "../../../bench/command-line.js";
import { TRAINING_IMAGES } from "../idx.mjs";
import { BACKENDS, type Backend, DEFAULT, FULL, type Settings, SHORT } from "./settings.js";

export const USAGE = `Trains a network on MNIST with dropout and without, from the same weights, and writes a report. Interrupted, the same command goes on.

npm run example:train -- [options]
  --full        all ${TRAINING_IMAGES} training images, ${FULL.epochs} epochs: hours
  --short       a small network, ${SHORT.images} images, ${SHORT.epochs} epochs: seconds
  --images N    number of training images, 10 to ${TRAINING_IMAGES} (default ${DEFAULT.images})
  --epochs N    number of epochs, 1 to 10000 (default ${DEFAULT.epochs})
  --seeds N     from how many seeds to train, 1 to 1000 (default 3)
  --passes N    number of passes of the Monte-Carlo average, 2 to 10000 (default ${DEFAULT.passes}; with --short ${SHORT.passes})
  --backend B   what tfjs computes with: ${BACKENDS.join(" or ")} (default ${DEFAULT.backend})
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
  const { full, short, images, epochs, passes, seeds, backend, out, help } = parse(args);
  if (full && short) throw new UsageError("expected --full or --short, got both");
  const base = full ? FULL : short ? SHORT : DEFAULT;
  return {
    settings: {
      ...base,
      backend: readBackend(backend),
      images: readCount("--images", images, base.images, 10, TRAINING_IMAGES),
      epochs: readCount("--epochs", epochs, base.epochs, 1, 10_000),
      passes: readCount("--passes", passes, base.passes, 2, 10_000),
    },
    seeds: readCount("--seeds", seeds, 3, 1, 1000),
    directory: out,
    help,
  };
}

function parse(args: string[]) {
  const options = {
    full: { type: "boolean", default: false },
    short: { type: "boolean", default: false },
    images: { type: "string" },
    epochs: { type: "string" },
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

function readBackend(text: string): Backend {
  const backend = BACKENDS.find((name) => name === text);
  if (backend !== undefined) return backend;
  throw new UsageError(`"--backend" expected ${BACKENDS.join(" or ")}, got ${JSON.stringify(text)}`);
}
