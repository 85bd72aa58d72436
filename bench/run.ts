// npm run bench: measures, prints a table a size, and writes the same as JSON. In Node, Deno and Bun alike.

import { readFileSync, writeFileSync } from "node:fs";
import { isMet, type Verdict } from "./bars.js";
import { UsageError } from "./command-line.js";
import { engineVersion, MACHINE, VERSION } from "./machine.js";
import { type Options, readOptions, USAGE } from "./options.js";
import { Progress } from "./progress.js";
import { formatSize, formatTable, formatVerdicts } from "./report.js";
import { FORMAT, type Result, type Run } from "./results.js";
import { NothingSelected, runSession } from "./session.js";

const compile = (build: string) => new WebAssembly.Module(readFileSync(new URL(`../build/${build}.wasm`, import.meta.url)));

function run({ sizes, filter, rounds, json, scalar, gate }: Options): void {
  const build = scalar ? "scalar" : "simd";
  const engine = { ...engineVersion(), build };
  console.log(`wasm-dropout ${VERSION}, ${build} build, rounds: ${rounds}; ${engine.name} ${engine.version}, ${MACHINE.cpu}`);

  const results: Result[] = [];
  const bars: Verdict[] = [];
  const progress = new Progress();
  const plan = { kernels: compile(build), reference: compile("reference"), sizes, filter, rounds, judged: !scalar, barsOnly: gate };
  const session = runSession(
    plan,
    (size, steps) => progress.begin(`${formatSize(size)} elements`, steps),
    () => progress.step(),
  );
  for (const found of session) {
    progress.clear();
    console.log(`\n${formatSize(found.size)} elements\n${formatTable(found.results, found.verdicts)}`);
    results.push(...found.results);
    bars.push(...found.verdicts);
  }

  const found: Run & { bars: readonly Verdict[] } = {
    format: FORMAT,
    version: VERSION,
    date: new Date().toISOString(),
    machine: MACHINE,
    engine,
    rounds,
    results,
    bars,
  };
  writeFileSync(json, `${JSON.stringify(found, undefined, 2)}\n`);
  console.log(`\n${formatVerdicts(bars)}\nResults: ${json}`);
  if (gate && (bars.length === 0 || !bars.every(isMet))) process.exitCode = 1;
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) console.log(USAGE);
  else run(options);
} catch (error) {
  if (!(error instanceof UsageError || error instanceof NothingSelected)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
