// The command line.

import { parseCommandLine, readRounds, readSizes } from "../../bench/command-line.js";

export const USAGE = `Measures forward and gradient of dropout in TensorFlow.js: tf.dropout beside this package, and beside two results that are only copied.

npm run bench:tfjs -- [options]
  --size 12,16    sizes, as powers of two of elements, 4 to 26 (default 12,14,16,18,20,22)
  --rounds N      rounds to take medians over (default 9)
  --gate          exit with 1 if a bar is missed, or none applies
  --help          this text`;

/** The options of the command line. */
export interface Options {
  /** Elements. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly gate: boolean;
  readonly help: boolean;
}

/** Reads the command line; throws UsageError. */
export function readOptions(args: string[]): Options {
  const { size, rounds, gate, help } = parseCommandLine({
    args,
    options: {
      size: { type: "string", default: "12,14,16,18,20,22" },
      rounds: { type: "string", default: "9" },
      gate: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  }).values;
  return { gate, help, rounds: readRounds(rounds), sizes: readSizes(size) };
}
