// npm run bench:compare: lists the subjects that became slower or faster from one run to another.

import { parseCommandLine, runCommand, UnusableFile, UsageError } from "./command-line.js";
import { type Change, type Comparison, compare, TOLERANCE } from "./comparison.js";
import { readRun } from "./read-run.js";
import type { Result } from "./results.js";
import { align, formatSize } from "./terminal.js";

const USAGE = `Compares the ratios to memory.copy of two runs of the benchmark.

npm run bench:compare -- before.json after.json

Slower or faster is what changed by more than ${100 * TOLERANCE}% with 95% intervals apart from each other.
Exits with 1 if something became slower, with 2 if the files cannot be compared.`;

function format({ changes, onlyBefore, onlyAfter, warnings }: Comparison): string {
  return [
    ...warnings.map((warning) => `Warning: ${warning}.`),
    ...(warnings.length > 0 ? ["Ratios to copy are compared all the same; the difference may be the reason for a change.", ""] : []),
    align([["subject", "size", "before", "95%", "after", "95%", "change", ""], ...changes.map(formatChange)]),
    ...formatOnly("before", onlyBefore),
    ...formatOnly("after", onlyAfter),
    "",
    `${count(changes, "slower")} slower, ${count(changes, "faster")} faster, ${count(changes, "same")} within the noise.`,
  ].join("\n");
}

function formatChange({ before, after, change, verdict }: Change): string[] {
  const percent = `${change < 0 ? "" : "+"}${(100 * change).toFixed(1)}%`;
  const mark = verdict === "same" ? "" : verdict.toUpperCase();
  return [before.name, formatSize(before.size), ...formatRatio(before), ...formatRatio(after), percent, mark];
}

function formatRatio({ ratio, ratioInterval: [lower, upper] }: Result): string[] {
  return [ratio.toFixed(2), `${lower.toFixed(2)}..${upper.toFixed(2)}`];
}

function formatOnly(when: string, results: readonly Result[]): string[] {
  if (results.length === 0) return [];
  return ["", `Only ${when}:`, ...results.map(({ name, size, copy }) => `  ${name} at ${formatSize(size)}, beside ${copy}`)];
}

function count(changes: readonly Change[], verdict: Change["verdict"]): number {
  return changes.filter((change) => change.verdict === verdict).length;
}

function readOptions(args: string[]) {
  const options = { help: { type: "boolean", default: false } } as const;
  const { positionals, values } = parseCommandLine({ args, allowPositionals: true, options });
  return { ...values, files: positionals };
}

/** Prints the comparison of two files; exit code 1 if a subject became slower. */
function run({ files: [before, after, ...more] }: ReturnType<typeof readOptions>): void {
  if (before === undefined || after === undefined || more.length > 0) throw new UsageError("expected two files");
  const comparison = compare(readRun(before), readRun(after));
  if (comparison.changes.length === 0)
    throw new UnusableFile(`${before} and ${after} have no subject in common at the same size beside the same copy`);
  console.log(format(comparison));
  if (count(comparison.changes, "slower") > 0) process.exitCode = 1;
}

await runCommand(USAGE, readOptions, run);
