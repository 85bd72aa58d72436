// That the benchmarks run and measure every kernel; what they measure is for people and for `npm run bench -- --gate`.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { kernelRows } from "../src/kernels.js";

const cwd = fileURLToPath(new URL("..", import.meta.url));
const command = ["--import", "tsx", "bench/run.ts"];

it("covers the table", () => {
  const json = join(mkdtempSync(join(tmpdir(), "bench-")), "results.json");
  const output = execFileSync(process.execPath, [...command, "--size", "4,6", "--rounds", "1", "--json", json], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const { results } = JSON.parse(readFileSync(json, "utf8")) as {
    results: { name: string; size: number; nsPerElement: number; ratio: number }[];
  };
  for (const size of [16, 64]) {
    const here = results.filter((result) => result.size === size);
    const names = here.map(({ name }) => name);
    for (const [verb, source, dtype] of kernelRows()) expect(names).toContain(`${source}_${verb}_${dtype}`);
    for (const { nsPerElement, ratio } of here) expect(nsPerElement > 0 && ratio > 0 && Number.isFinite(ratio)).toBe(true);
    expect(output).toContain(`2^${Math.log2(size)} elements`);
  }
});

it.each([
  [["--size", "99"], "--size expected integer in [4, 26]"],
  [["--rounds", "x"], "--rounds expected integer"],
  [["--filter", "nosuchkernel"], "nothing has"],
  [["--nosuchflag"], "nosuchflag"],
])("refuses %j", (args, message) => {
  const { status, stderr } = spawnSync(process.execPath, [...command, ...args], { cwd, encoding: "utf8" });
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});
