// The command line of the native yardsticks.

import { fileURLToPath } from "node:url";
import { parseCommandLine, readJsonPath, readRounds, readSizes, UsageError } from "../../bench/command-line.js";
import { P } from "../../bench/subjects/subject.js";

export const USAGE = `Measures dropout in C++, NumPy and PyTorch, each beside its own copy of the same bytes.

npm run bench:native -- [options]
  --size 12,16    sizes, as powers of two of elements, 4 to 26 (default 12,16,20,24)
  --p 0.1         drop probability (default ${P})
  --rounds N      rounds to take medians over (default 15)
  --json path     where to write the results (default bench/results-native.json)
  --help          this text`;

/** The options of the command line. */
export interface Options {
  /** Elements. */
  readonly sizes: readonly number[];
  readonly p: number;
  readonly rounds: number;
  readonly json: string;
  readonly help: boolean;
}

/** Reads the command line; throws {@link UsageError}. */
export function readOptions(args: string[]): Options {
  const { size, p, rounds, json, help } = parseCommandLine({
    args,
    options: {
      size: { type: "string", default: "12,16,20,24" },
      p: { type: "string", default: `${P}` },
      rounds: { type: "string", default: "15" },
      json: { type: "string", default: fileURLToPath(new URL("../../bench/results-native.json", import.meta.url)) },
      help: { type: "boolean", default: false },
    },
  }).values;
  return { sizes: readSizes(size), p: readProbability(p), rounds: readRounds(rounds), json: readJsonPath(json), help };
}

// At 0 and 1 nothing is drawn.
function readProbability(text: string): number {
  const p = Number(text);
  if (p > 0 && p < 1) return p;
  throw new UsageError(`--p expected number between 0 and 1, got ${JSON.stringify(text)}`);
}
