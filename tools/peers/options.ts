// The command line.

import { fileURLToPath } from "node:url";
import { parseCommandLine, readJsonPath, readRounds, readSizes, UsageError } from "../../bench/command-line.js";

export const USAGE = `Measures dropout of f32 data beside what else there is for JavaScript, and beside a copy of the same bytes.

npm run bench:peers -- [options]
  --size 12,16    sizes, as powers of two of elements, 4 to 26 (default 8,12,16,20,24)
  --filter text   only peers with text in their names; the copy and this package are always measured
  --rounds N      rounds to take medians over (default 7)
  --json path     where to write the results (default bench/results-peers.json)
  --part a,b      parts of dropout, fused; both by default. The latter are fused operations with dropout beside peers' without, on [1024, 1024]
  --help          this text`;

const PARTS = ["dropout", "fused"] as const;
type Part = (typeof PARTS)[number];

/** The options of the command line. */
export interface Options {
  /** Elements. */
  readonly sizes: readonly number[];
  readonly filter: string;
  readonly rounds: number;
  readonly json: string;
  readonly parts: readonly Part[];
  readonly help: boolean;
}

/** Reads the command line; throws UsageError. */
export function readOptions(args: string[]): Options {
  const { size, json, rounds, filter, part, help } = parseCommandLine({
    args,
    options: {
      size: { type: "string", default: "8,12,16,20,24" },
      filter: { type: "string", default: "" },
      rounds: { type: "string", default: "7" },
      json: { type: "string", default: fileURLToPath(new URL("../../bench/results-peers.json", import.meta.url)) },
      part: { type: "string", default: PARTS.join() },
      help: { type: "boolean", default: false },
    },
  }).values;
  const parts = part.split(",");
  const wrong = parts.find((one) => !PARTS.includes(one as Part));
  if (wrong !== undefined) throw new UsageError(`--part expected ${PARTS.join(" or ")}, got ${wrong}`);
  return { parts: parts as Part[], filter, help, json: readJsonPath(json), rounds: readRounds(rounds), sizes: readSizes(size) };
}
