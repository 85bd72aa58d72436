// The command line.

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readSizes, readWhole, UsageError } from "../options.js";

export const USAGE = `Measures dropout of f32 data beside what else there is for JavaScript, and beside a copy of the same bytes.

npm run bench:peers -- [options]
  --size 12,16    sizes, as powers of two of elements, 4 to 26 (default 8,12,16,20,24)
  --filter text   only peers with text in their names; the copy and this package are always measured
  --rounds N      rounds to take medians over (default 7)
  --json path     where to write the results (default bench/results-peers.json)
  --help          this text`;

/** What the command line says. */
export interface Options {
  /** Elements. */
  readonly sizes: readonly number[];
  readonly filter: string;
  readonly rounds: number;
  readonly json: string;
  readonly help: boolean;
}

/** Reads the command line; throws {@link UsageError}. */
export function readOptions(args: string[]): Options {
  const { size, json, rounds, filter, help } = parse(args);
  if (!existsSync(dirname(json))) throw new UsageError(`--json expected a path in a directory that exists, got ${json}`);
  return { filter, help, json, rounds: readWhole("--rounds", rounds, 1, 1000), sizes: readSizes(size) };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        size: { type: "string", default: "8,12,16,20,24" },
        filter: { type: "string", default: "" },
        rounds: { type: "string", default: "7" },
        json: { type: "string", default: fileURLToPath(new URL("../results-peers.json", import.meta.url)) },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
