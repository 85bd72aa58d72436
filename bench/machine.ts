// The machine that a benchmark runs on, for engines with Node's modules, and the file of its results.

import { readFileSync, writeFileSync } from "node:fs";
import { arch, availableParallelism, cpus, type } from "node:os";
import { type Engine, FORMAT, type Machine, type Run } from "./results.js";

export const MACHINE: Machine = {
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: availableParallelism(),
  os: `${type()}, ${arch()}`,
};

/** Version of the package. */
export const VERSION: string = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;

/** Returns name and version of the engine. Deno and Bun also have Node's version, so they are asked first. */
export function engineVersion(): { name: string; version: string } {
  const { deno, bun, node } = process.versions as Record<string, string | undefined>;
  if (deno !== undefined) return { name: "Deno", version: deno };
  if (bun !== undefined) return { name: "Bun", version: bun };
  return { name: "Node", version: node as string };
}

/** Writes what was `found` by a run that ends now on this machine to the file at `path`. */
export function storeRun(path: string, engine: Engine, found: Pick<Run, "rounds" | "results" | "bars" | "missing">): void {
  const run: Run = { format: FORMAT, version: VERSION, date: new Date().toISOString(), machine: MACHINE, engine, ...found };
  writeFileSync(path, `${JSON.stringify(run, undefined, 2)}\n`);
}
