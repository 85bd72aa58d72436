// npm run bench: measures, prints a table a size, and writes the same as JSON. In Node, Deno and Bun alike.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXTENSIONS } from "../modules.mjs";
import { isMet } from "./bars.js";
import { runCommand } from "./command-line.js";
import { Missing, prepareCpp } from "./cpp/program.js";
import { engineVersion, MACHINE, storeRun, VERSION } from "./machine.js";
import { type Options, readOptions, USAGE } from "./options.js";
import { Progress } from "./progress.js";
import type { Result, Verdict } from "./results.js";
import { NothingSelected, runSession } from "./session.js";
import type { Modules } from "./subjects.js";
import { formatSize, formatTable, formatVerdicts } from "./terminal.js";

const compile = (build: string) => new WebAssembly.Module(readFileSync(new URL(`../build/${build}.wasm`, import.meta.url)));

function run({ sizes, filter, rounds, json, scalar, gate }: Options): void {
  const build = scalar ? "scalar" : "simd";
  const engine = { ...engineVersion(), build };
  console.log(`wasm-dropout ${VERSION}, ${build} build, rounds: ${rounds}; ${engine.name} ${engine.version}, ${MACHINE.cpu}`);

  const results: Result[] = [];
  const bars: Verdict[] = [];
  const progress = new Progress();
  const extensions = Object.fromEntries(EXTENSIONS.map((name) => [name, compile(`${name}/${build}`)])) as Modules["extensions"];
  const modules = { core: compile(`core/${build}`), reference: compile("reference"), extensions };
  const directory = mkdtempSync(join(tmpdir(), "bench-"));
  const prepared = prepareCpp(directory);
  const cpp = prepared instanceof Missing ? undefined : prepared;
  if (prepared instanceof Missing && !scalar) console.log(`No bar against C++ applies: ${prepared.reason}.`);
  const plan = { modules, cpp, sizes, filter, rounds, judged: !scalar, barsOnly: gate };
  const session = runSession(
    plan,
    (size, steps) => progress.begin(`${formatSize(size)} elements`, steps),
    () => progress.step(),
  );
  try {
    for (const found of session) {
      progress.clear();
      console.log(`\n${formatSize(found.size)} elements\n${formatTable(found.results, found.verdicts)}`);
      results.push(...found.results);
      bars.push(...found.verdicts);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }

  storeRun(json, engine, { rounds, results, bars });
  console.log(`\n${formatVerdicts(bars)}\nResults: ${json}`);
  if (gate && (bars.length === 0 || !bars.every(isMet))) process.exitCode = 1;
}

await runCommand(USAGE, readOptions, run, NothingSelected);
