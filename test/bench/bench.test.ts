// That the benchmarks run and measure every kernel; what they measure is for people and for `npm run bench -- --gate`.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { BARS, barsFor, CPP, isMet, judge } from "../../bench/bars.js";
import { compile, Missing } from "../../bench/cpp/program.js";
import { Timings } from "../../bench/measure.js";
import type { Run, Verdict } from "../../bench/results.js";
import { summarise } from "../../bench/statistics.js";
import { EXTENSIONS } from "../../modules.mjs";
import { CORE, type Family, rowsOf } from "../../src/engine/kernels.js";
import { missing } from "../support/missing.js";
import { BUN, DENO } from "../support/runtimes.js";

const cwd = fileURLToPath(new URL("../..", import.meta.url));
const command = ["--import", "tsx", "bench/run.ts"];

/** The table of each module's kernels. */
const TABLES: readonly (readonly Family[])[] = [
  CORE,
  ...(await Promise.all(
    EXTENSIONS.map(async (name) => ((await import(`../../src/${name}/kernels.ts`)) as { FAMILIES: readonly Family[] }).FAMILIES),
  )),
];

it("covers the tables", () => {
  const json = join(mkdtempSync(join(tmpdir(), "bench-")), "results.json");
  const output = execFileSync(process.execPath, [...command, "--size", "4", "--rounds", "1", "--json", json], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const { results } = JSON.parse(readFileSync(json, "utf8")) as {
    results: { name: string; size: number; nsPerElement: number; ratio: number }[];
  };
  const names = results.map(({ name }) => name);
  for (const [verb, source, dtype] of TABLES.flatMap((table) => rowsOf<Family>(table)))
    expect(names).toContain(`${source}_${verb}_${dtype}`);
  // A bar whose name is misspelt would never be missed.
  for (const { subject, against } of BARS) for (const name of [subject, against]) expect([...names, CPP]).toContain(name);
  for (const { size, nsPerElement, ratio } of results) {
    expect(size).toBe(16);
    expect(nsPerElement > 0 && ratio > 0 && Number.isFinite(ratio)).toBe(true);
  }
  expect(output).toContain("2^4 elements");
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

it("measures in a page", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "bench-page-"));
  const options = ["--browser", "chromium", "--size", "4", "--rounds", "1", "--filter", "popcount", "--json", folder];
  const { status, stderr } = spawnSync(process.execPath, ["--import", "tsx", "bench/page/run.ts", ...options], { cwd, encoding: "utf8" });
  const [, reason] = stderr.match(/NOT MEASURED: (.*)/) ?? [];
  if (reason !== undefined) return missing(context, "Chromium", reason);
  expect([status, stderr]).toEqual([0, ""]);
  const { engine, results } = JSON.parse(readFileSync(join(folder, "results-chromium.json"), "utf8")) as Run;
  expect([engine.name, engine.build]).toEqual(["Chromium", "simd"]);
  expect(results.map(({ name }) => name)).toEqual(["copy_f32", "bits_popcount_u32"]);
  for (const { nsPerElement } of results) expect(nsPerElement).toBeGreaterThan(0);
});

it.each([
  ["Deno", DENO, ["run", "--allow-all", "--unstable-sloppy-imports"]],
  ["Bun", BUN, ["run"]],
])("measures in %s", (name, program, args) => {
  const json = join(mkdtempSync(join(tmpdir(), "bench-")), "results.json");
  const options = ["bench/run.ts", "--size", "4", "--rounds", "1", "--filter", "popcount", "--json", json];
  execFileSync(program, [...args, ...options], { cwd, stdio: "ignore" });
  const { engine, results } = JSON.parse(readFileSync(json, "utf8")) as Run;
  expect(engine.name).toBe(name);
  expect(results.map((result) => result.name)).toEqual(["copy_f32", "bits_popcount_u32"]);
});

it("measures C++ in the rounds of the kernels, for the sizes that its bar is for", (context) => {
  const directory = mkdtempSync(join(tmpdir(), "bench-"));
  const compiled = compile(directory);
  if (compiled instanceof Missing) return process.arch === "x64" ? missing(context, "g++", compiled.reason) : context.skip(compiled.reason);
  const json = join(directory, "results.json");
  const options = ["--size", "8,12", "--rounds", "1", "--filter", "tile_dropout_f32", "--json", json];
  execFileSync(process.execPath, [...command, ...options], { cwd, stdio: "ignore" });
  const { bars = [] } = JSON.parse(readFileSync(json, "utf8")) as Run;
  expect(bars.filter(({ against }) => against === CPP)).toMatchObject([{ subject: "tile_dropout_f32", size: 2 ** 12, most: 1.1 }]);
  for (const { ratio } of bars) expect(ratio > 0 && Number.isFinite(ratio)).toBe(true);
});

it("applies a bar where both of its subjects were measured, and at its sizes alone", () => {
  const sizesOf = (...names: string[]) =>
    [10, 12, 20, 21].filter((k) => barsFor(new Set(names), 2 ** k).some(({ against }) => against === CPP));
  expect(sizesOf("tile_dropout_f32", CPP)).toEqual([12, 20]);
  expect(sizesOf("tile_dropout_f32")).toEqual([]);
});

it("judges by medians unless the noise reaches over the bar", () => {
  const [met, missed, open] = [0.9, 1.2, 1].map((middle) => {
    const rounds = Array.from(
      { length: 15 },
      (_, k) =>
        new Map([
          ["a", middle + (k - 7) / 100],
          ["b", 1],
        ] as const),
    );
    return judge(new Timings(rounds), [{ subject: "a", against: "b", most: 1 }], 16)[0] as Verdict;
  }) as [Verdict, Verdict, Verdict];
  expect([met, missed, open].map(({ outcome }) => outcome)).toEqual(["met", "missed", "open"]);
  expect([met, missed, open, { ...open, ratio: 1.001 }].map(isMet)).toEqual([true, false, true, false]);
});

it("knows where the median lies", () => {
  // Ranks 4 and 12 of 15: the sum of binomial(15, k) / 2^15 over k <= 3 is 0.0176, over k <= 4 it is 0.0592.
  const values = Array.from({ length: 15 }, (_, k) => k + 1);
  expect(summarise(values)).toEqual({ median: 8, quartiles: [4.5, 11.5], interval: [4, 12] });
  expect(summarise([3, 1, 2]).interval).toEqual([1, 3]);
  expect(summarise([7])).toEqual({ median: 7, quartiles: [7, 7], interval: [7, 7] });
});
