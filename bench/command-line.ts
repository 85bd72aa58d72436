// The parts that the command lines of the benchmarks share.

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { type ParseArgsConfig, parseArgs } from "node:util";

/** A wrong command line. */
export class UsageError extends Error {}

/** A file that cannot be used. */
export class UnusableFile extends Error {}

/**
 * Runs a command on the options that `read` returns, or prints `usage` if they ask for help. A wrong command line, and
 * an error of class `also`, end it with exit code 2, the error's message and `usage`; a file that cannot be used, with the message alone.
 */
export async function runCommand<O extends { readonly help: boolean }>(
  usage: string,
  read: (args: string[]) => O,
  run: (options: O) => unknown,
  also: new (message: string) => Error = UsageError,
): Promise<void> {
  try {
    const options = read(process.argv.slice(2));
    if (options.help) console.log(usage);
    else await run(options);
  } catch (error) {
    if (error instanceof UsageError || error instanceof also) console.error(`${error.message}\n\n${usage}`);
    else if (error instanceof UnusableFile) console.error(error.message);
    else throw error;
    process.exitCode = 2;
  }
}

/** parseArgs() of Node; throws {@link UsageError}. */
export function parseCommandLine<const C extends ParseArgsConfig>(config: C): ReturnType<typeof parseArgs<C>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Sizes in elements, of a list of powers of two. */
export function readSizes(text: string): number[] {
  const exponents = text.split(",").map((exponent) => readWhole("--size", exponent, 4, 26));
  return [...new Set(exponents)].map((exponent) => 2 ** exponent);
}

/** Reads the number of rounds. */
export function readRounds(text: string): number {
  return readWhole("--rounds", text, 1, 1000);
}

/** A path to write results to. */
export function readJsonPath(path: string): string {
  if (existsSync(dirname(path))) return path;
  throw new UsageError(`--json expected a path in a directory that exists, got ${path}`);
}

function readWhole(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${flag} expected integer in [${min}, ${max}], got ${JSON.stringify(text)}`);
}
