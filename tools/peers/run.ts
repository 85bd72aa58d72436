// npm run bench:peers: measures, prints a table per size and the peers that are missing from it, and writes the same as JSON.

import { runCommand } from "../../bench/command-line.js";
import { engineVersion, MACHINE, storeRun, VERSION } from "../../bench/machine.js";
import { Progress } from "../../bench/progress.js";
import type { Result } from "../../bench/results.js";
import { NothingSelected } from "../../bench/session.js";
import { align, formatSize, formatTable } from "../../bench/terminal.js";
import { fusedRows, measureFused } from "./fused.js";
import { type Options, readOptions, USAGE } from "./options.js";
import { type Missing, runPeers } from "./session.js";
import { PEERS } from "./table.js";

/** The longest time of a call: slower ones would keep the others waiting for minutes. */
const MOST_MS = 1000;

/** Rows and columns of fused operations, and their rounds: minima need more than medians. */
const MATRIX = [1024, 1024] as const;
const FUSED_ROUNDS = 40;

/** Measures and prints fused operations; a bar that is missed fails the command. */
async function runFused(): Promise<void> {
  const progress = new Progress();
  progress.begin("fused operations", FUSED_ROUNDS);
  const { results, missing } = await measureFused(...MATRIX, FUSED_ROUNDS, () => progress.step());
  progress.clear();
  console.log(
    [`\nfused operations, [${MATRIX.join(", ")}]`, align(fusedRows(results)), ...missing.map((one) => `missing: ${one}`)].join("\n"),
  );
  if (results.some(({ met }) => met === false)) process.exitCode = 1;
}

async function run(options: Options): Promise<void> {
  if (options.parts.includes("dropout")) await runDropout(options);
  if (options.parts.includes("fused")) await runFused();
}

async function runDropout({ sizes, filter, rounds, json }: Options): Promise<void> {
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
