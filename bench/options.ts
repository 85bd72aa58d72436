// The command line.

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export const USAGE = `Measures every kernel and the API beside memory.copy of the same bytes.

npm run bench -- [options]
  --size 12,16    sizes, as powers of two of elements, 4 to 26 (default 8,12,16,20,24)
  --filter text   only what has text in its name, and what that is compared with
  --rounds N      rounds to take medians over (default 15)
  --json path     where to write the results (default bench/results.json)
  --scalar        the scalar build instead of the SIMD one; no bars apply to it
  --gate          measure what bars are about; exit with 1 if one is missed or none applies
  --help          this text`;

/** What the command line says. */
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

/** A command line that makes no sense. */
export class UsageError extends Error {}

/** Reads the command line; throws {@link UsageError}. */
export function readOptions(args: string[]): Options {
  const { size, json, rounds, ...rest } = parse(args);
  if (rest.scalar && rest.gate) throw new UsageError("--gate is for the SIMD build: leave out --scalar");
  if (!existsSync(dirname(json))) throw new UsageError(`--json expected a path in a directory that exists, got ${json}`);
  return { ...rest, json, rounds: readWhole("--rounds", rounds, 1, 1000), sizes: readSizes(size) };
}

/** Sizes in elements, of a list of powers of two. */
export function readSizes(text: string): number[] {
  const exponents = text.split(",").map((exponent) => readWhole("--size", exponent, 4, 26));
  return [...new Set(exponents)].map((exponent) => 2 ** exponent);
}

function parse(args: string[]) {
  try {
    return parseArgs({
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
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** The integer that `text` is, given for `flag`. */
export function readWhole(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${flag} expected integer in [${min}, ${max}], got ${JSON.stringify(text)}`);
}
