// What results cost the process beyond what is written: pages that the system has to find for them.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { expect, inject, it } from "vitest";
import { missing } from "../support/missing.js";

/** Prints page faults a call, in a process whose allocator has seen nothing else; then kills itself, as Node 20 may wait for ever at its end. */
const PROGRAM = `
import { writeSync } from "node:fs";
import { createDropout } from "wasm-dropout";
const dropout = await createDropout({ seed: 1 });
const x = new Float32Array(2 ** 20).fill(1);
const calls = 100;
let before = 0;
for (let k = -20; k < calls; ++k) {
  if (k === 0) before = process.resourceUsage().minorPageFault;
  dropout.dropout(x, 0.5);
}
writeSync(1, String((process.resourceUsage().minorPageFault - before) / calls));
process.kill(process.pid, "SIGKILL");`;
/** Of a result of that many elements. */
const PAGES = (4 * 2 ** 20) / 4096;

function faults(environment: NodeJS.ProcessEnv = {}): number {
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", PROGRAM], {
    cwd: inject("packed").directory,
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  expect(stderr).toBe("");
  expect(stdout).not.toBe("");
  return Number(stdout);
}

it("a result takes memory that was freed, not fresh pages", (context) => {
  const { glibcVersionRuntime } = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header;
  if (glibcVersionRuntime === undefined) missing(context, "glibc", "the allocator is another");
  expect(faults()).toBeLessThan(PAGES / 2);
  // What a threshold that stays where it is costs, which is what the test would see if nothing moved it; but for systems that hand out huge pages unasked.
  const hugePages = "/sys/kernel/mm/transparent_hugepage/enabled";
  if (existsSync(hugePages) && readFileSync(hugePages, "utf8").includes("[always]")) return;
  expect(faults({ MALLOC_MMAP_THRESHOLD_: "131072" })).toBeGreaterThan(PAGES * 0.9);
});
