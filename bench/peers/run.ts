// npm run bench:peers: measures, prints a table a size with what is missing from it, and writes the same as JSON.

import { writeFileSync } from "node:fs";
import { UsageError } from "../command-line.js";
import { engineVersion, MACHINE, VERSION } from "../machine.js";
import { Progress } from "../progress.js";
import { formatSize, formatTable } from "../report.js";
import { FORMAT, type Result, type Run } from "../results.js";
import { NothingSelected } from "../session.js";
import { type Options, readOptions, USAGE } from "./options.js";
import { type Missing, runPeers } from "./session.js";
import { PEERS } from "./table.js";

/** How long a call may take: what is slower would keep the others waiting for minutes. */
const MOST_MS = 1000;

async function run({ sizes, filter, rounds, json }: Options): Promise<void> {
  const engine = { ...engineVersion(), build: "simd" };
  console.log(`wasm-dropout ${VERSION} and peers, rounds: ${rounds}; ${engine.name} ${engine.version}, ${MACHINE.cpu}`);

  const results: Result[] = [];
  const missing: Missing[] = [];
  const progress = new Progress();
  const session = runPeers(
    { peers: PEERS, sizes, filter, rounds, mostMs: MOST_MS },
    (size, steps) => progress.begin(`${formatSize(size)} elements`, steps),
    () => progress.step(),
  );
  for await (const found of session) {
    progress.clear();
    const lines = found.missing.map(({ name, reason }) => `missing: ${name}: ${reason}`);
    console.log([`\n${formatSize(found.size)} elements`, formatTable(found.results, []), ...lines].join("\n"));
    results.push(...found.results);
    missing.push(...found.missing);
  }

  const date = new Date().toISOString();
  const all: Run = { format: FORMAT, version: VERSION, date, machine: MACHINE, engine, rounds, results, missing };
  writeFileSync(json, `${JSON.stringify(all, undefined, 2)}\n`);
  console.log(`\nResults: ${json}`);
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) console.log(USAGE);
  else await run(options);
} catch (error) {
  if (!(error instanceof UsageError || error instanceof NothingSelected)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
