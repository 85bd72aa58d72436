// `npm run bench:code`: prints a table of the hot loops and their instructions.

import { runCommand, UnusableFile, UsageError } from "../../bench/command-line.js";
import { Missing } from "../../bench/cpp/program.js";
import { MACHINE } from "../../bench/machine.js";
import { align } from "../../bench/terminal.js";
import { whyNot } from "./assembly.js";
import { CLASSES } from "./classes.js";
import { type Count, countModule, countNative } from "./count.js";
import { type Options, readOptions, USAGE } from "./options.js";

function run({ modules, filter, markdown }: Options): void {
  const reason = whyNot();
  if (reason !== undefined) throw new UnusableFile(reason);
  const counts = modules.flatMap((name) => countModule(`${name}/simd`, filter));
  if (counts.length === 0) throw new UsageError(`nothing has ${JSON.stringify(filter)} in its name`);
  const native = countNative();
  const found = native instanceof Missing ? counts : [...counts, native];
  console.log(`V8 ${process.versions.v8} of Node ${process.versions.node}, ${MACHINE.cpu}; instructions of a pass\n`);
  console.log(markdown ? formatMarkdown(found) : align([HEAD, ...found.map(rowOf)]));
  if (native instanceof Missing) console.log(`\nMissing: ${native.name} (${native.reason})`);
}

const HEAD = ["kernel", "a pass", "instructions", "each", ...CLASSES, "loop in"];

/** More kernels than these share a loop only where it is a generator's. */
const NAMED = 2;

function rowOf({ kernels, function: name, elements, unit, instructions, classes }: Count): string[] {
  const shared = kernels.length > NAMED ? `${kernels.length} kernels` : kernels.join(", ");
  const pass = `${Number(elements.toFixed(1))} ${unit}s`;
  return [shared, pass, `${instructions}`, (instructions / elements).toFixed(2), ...CLASSES.map((one) => `${classes[one]}`), shorten(name)];
}

/** A name without the folders and types that only tell instances of a function apart. */
function shorten(name: string): string {
  return name.replace(/<.*/, "");
}

function formatMarkdown(counts: readonly Count[]): string {
  const lineOf = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    lineOf(HEAD),
    lineOf(HEAD.map((_, column) => (column === 0 || column === HEAD.length - 1 ? "---" : "---:"))),
    ...counts.map(rowOf).map(lineOf),
  ].join("\n");
}

await runCommand(USAGE, readOptions, run);
