// npm run bench:peers: measures, prints a table per size and the peers that are missing from it, and writes the same as JSON.

import { runCommand } from "../../bench/command-line.js";
import { engineVersion, MACHINE, storeRun, VERSION } from "../../bench/machine.js";
import { Progress } from "../../bench/progress.js";
import type { Result } from "../../bench/results.js";
import { NothingSelected } from "../../bench/session.js";
import { formatSize, formatTable } from "../../bench/terminal.js";
import { type Options, readOptions, USAGE } from "./options.js";
import { type Missing, runPeers } from "./session.js";
import { PEERS } from "./table.js";

/** The longest time of a call: slower ones would keep the others waiting for minutes. */
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

  storeRun(json, engine, { rounds, results, missing });
  console.log(`\nResults: ${json}`);
}

await runCommand(USAGE, readOptions, run, NothingSelected);
