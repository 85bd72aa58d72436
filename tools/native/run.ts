// `npm run bench:native`: measures native programs to compare wasm-dropout with, prints a table per size and stores the results.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../../bench/command-line.js";
import { type Measured, Missing, type Program } from "../../bench/cpp/program.js";
import { MACHINE, storeRun } from "../../bench/machine.js";
import { Timings } from "../../bench/measure.js";
import { Progress } from "../../bench/progress.js";
import { type Result, resultOf } from "../../bench/results.js";
import { formatSize, formatTable } from "../../bench/terminal.js";
import { type Options, readOptions, USAGE } from "./options.js";
import { preparePrograms } from "./programs.js";

function run({ sizes, p, rounds, json }: Options): void {
  const directory = mkdtempSync(join(tmpdir(), "native-"));
  try {
    const prepared = preparePrograms(directory);
    const programs = prepared.filter((one): one is Program => !(one instanceof Missing));
    const missing = prepared.filter((one) => one instanceof Missing).map(({ name, reason }) => ({ name, reason }));
    console.log(`native code, p = ${p}, rounds: ${rounds}; ${MACHINE.cpu}`);

    const results: Result[] = [];
    const measured = new Map<string, Measured>();
    const progress = new Progress();
    for (const size of sizes) {
      progress.begin(`${formatSize(size)} elements`, programs.length);
      const here = programs.flatMap((program) => {
        const found = program.measure(size, rounds, p);
        measured.set(program.name, found);
        progress.step();
        return resultsOf(found, size, rounds);
      });
      progress.clear();
      if (here.length > 0) console.log(`\n${formatSize(size)} elements\n${formatTable(here, [])}`);
      results.push(...here);
    }

    storeRun(json, { name: "native", ...describe(measured) }, { rounds, results, missing });
    console.log(`\n${[...missing.map(({ name, reason }) => `Missing: ${name} (${reason})`), `Results: ${json}`].join("\n")}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The times of a program's subjects in the form of all results. */
function resultsOf({ subjects }: Measured, size: number, rounds: number): Result[] {
  const byRound = Array.from({ length: rounds }, (_, round) => new Map(subjects.map(({ name, times }) => [name, times[round] as number])));
  const timings = new Timings(byRound);
  return subjects.map(({ name, copy, bytes }) =>
    resultOf({ name, group: "native", copy, bytes }, size, timings.time(name), timings.ratio(name, copy)),
  );
}

/** Versions and builds of all that was measured. */
function describe(measured: ReadonlyMap<string, Measured>): { version: string; build: string } {
  const list = (key: "version" | "build") =>
    [...measured]
      .filter(([, found]) => found[key] !== "")
      .map(([name, found]) => `${name}: ${found[key]}`)
      .join("; ");
  return { version: list("version"), build: list("build") };
}

await runCommand(USAGE, readOptions, run);
