// The command line.

import { parseCommandLine, readRounds, readSizes, UsageError } from "../../bench/command-line.js";

export const PARTS = ["operations", "prediction", "gpu"] as const;
export type Part = (typeof PARTS)[number];

export const USAGE = `Measures dropout in TensorFlow.js:
  operations   forward and gradient on backends cpu and wasm: tf.dropout beside this package, and beside two results that are only copied
  prediction   30 Monte-Carlo passes of an image classifier beside one plain prediction
  gpu          forward on webgl and webgpu, in headless Chromium

npm run bench:tfjs -- [options]
  --part a,b      of ${PARTS.join(", ")} (default all)
  --size 12,16    sizes, as powers of two of elements, 4 to 26 (default 12,14,16,18,20,22)
  --rounds N      rounds to take medians over (default 9)
  --gate          exit with 1 if a bar is missed, or none applies
  --help          this text`;

/** The options of the command line. */
export interface Options {
  readonly parts: readonly Part[];
  /** Elements. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly gate: boolean;
  readonly help: boolean;
}

/** Reads the command line; throws UsageError. */
export function readOptions(args: string[]): Options {
  const { part, size, rounds, gate, help } = parseCommandLine({
    args,
    options: {
      part: { type: "string", default: PARTS.join(",") },
      size: { type: "string", default: "12,14,16,18,20,22" },
      rounds: { type: "string", default: "9" },
      gate: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  }).values;
  const parts = part.split(",").map((name) => {
    const known = PARTS.find((one) => one === name);
    if (known === undefined) throw new UsageError(`--part expected ${PARTS.join(" or ")}, got ${JSON.stringify(name)}`);
    return known;
  });
  return { parts, gate, help, rounds: readRounds(rounds), sizes: readSizes(size) };
}
