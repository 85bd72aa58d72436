// The command line.

import { fileURLToPath } from "node:url";
import { parseCommandLine, readJsonPath, readRounds, readSizes, UsageError } from "./command-line.js";

export const USAGE = `Measures every kernel and the API beside memory.copy of the same bytes.

npm run bench -- [options]
  --size 12,16    sizes, as powers of two of elements, 4 to 26 (default 8,12,16,20,24)
  --filter text   only what has text in its name, and what that is compared with
  --rounds N      rounds to take medians over (default 15); 1 is a trial, of a moment for each subject
  --json path     where to write the results (default bench/results.json)
  --scalar        the scalar build instead of the SIMD one; no bars apply to it
  --gate          measure what bars are about; exit with 1 if one is missed or none applies
  --help          this text`;

/** The options of the command line. */
export interface Options {
  /** Elements. */
  readonly sizes: readonly number[];
  readonly filter: string;
  readonly rounds: number;
  readonly json: string;
  readonly scalar: boolean;
  readonly gate: boolean;
  readonly help: boolean;
}

/** Reads the command line; throws {@link UsageError}. */
export function readOptions(args: string[]): Options {
  const { size, json, rounds, ...rest } = parseCommandLine({
    args,
    options: {
      size: { type: "string", default: "8,12,16,20,24" },
      filter: { type: "string", default: "" },
      rounds: { type: "string", default: "15" },
      json: { type: "string", default: fileURLToPath(new URL("results.json", import.meta.url)) },
      scalar: { type: "boolean", default: false },
      gate: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  }).values;
  if (rest.scalar && rest.gate) throw new UsageError("--gate is for the SIMD build: leave out --scalar");
  return { ...rest, json: readJsonPath(json), rounds: readRounds(rounds), sizes: readSizes(size) };
}
