// The report of the benchmark and the comparison of runs: what they say of results made up here, at the borders of their rules.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { compare } from "../../bench/comparison.js";
import { readRun } from "../../bench/read-run.js";
import type { Group, Result, Run } from "../../bench/results.js";
import { answersChart, sizesChart } from "../../tools/report/charts.js";
import { formatFigure, formatPower } from "../../tools/report/figures.js";
import { element, plain } from "../../tools/report/markup.js";
import { page } from "../../tools/report/page.js";
import { standaloneSvg } from "../../tools/report/plot.js";
import { logTicks, spread } from "../../tools/report/scale.js";
import { answersOf, labelsOf, MAIN, mainRun, peersOf } from "../../tools/report/select.js";
import { expectDocumentAccessible } from "../support/axe.js";
import { HANG_MS } from "../support/limits.js";

const cwd = fileURLToPath(new URL("../..", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "bench-report-"));
afterAll(() => rmSync(directory, { recursive: true }));

const result = (name: string, size: number, ratio: number, group: Group = "kernel", margin = 0.01): Result => ({
  name,
  group,
  size,
  nsPerElement: ratio / 10,
  nsPerElementSpread: [ratio / 11, ratio / 9],
  gbPerSecond: 8,
  copy: "copy_f32",
  ratio,
  ratioInterval: [ratio * (1 - margin), ratio * (1 + margin)],
});

const runOf = (results: readonly Result[], more: Partial<Run> = {}): Run => ({
  format: 1,
  version: "9.8.7",
  date: "2026-01-02T03:04:05.000Z",
  machine: { cpu: "Some CPU", cores: 3, os: "Some OS" },
  engine: { name: "Node", version: "20.1.2", build: "simd" },
  rounds: 5,
  results,
  ...more,
});

const copy: Result = { ...result("copy_f32", 2 ** 20, 1, "reference"), ratioInterval: [1, 1] };
const kernels = MAIN.flatMap((name, i) => [12, 16, 20].map((exponent) => result(name, 2 ** exponent, 1.231 + i + exponent / 10)));

/** Throws unless `text` is one element of well-formed XML, of the kinds of markup that the report uses; gives the names of its elements. */
function elementsOf(text: string): string[] {
  const names: string[] = [];
  const open: string[] = [];
  let at = 0;
  const checkText = (end: number) => {
    const between = text.slice(at, end);
    if (/[<>]|&(?!(?:amp|lt|gt|quot);)/.test(between)) throw new Error(`bare markup in ${JSON.stringify(between)}`);
    if (open.length === 0 && between.trim() !== "") throw new Error(`text outside the element: ${between}`);
  };
  for (const match of text.matchAll(/<(\/?)([a-z][\w-]*)((?:\s+[\w:-]+="[^"<>]*")*)\s*(\/?)>/gi)) {
    const [tag, end, name = "", attributes = "", closed] = match;
    checkText(match.index);
    at = match.index + tag.length;
    const keys = [...attributes.matchAll(/([\w:-]+)="/g)].map(([, key]) => key);
    if (new Set(keys).size < keys.length || /&(?!(?:amp|lt|gt|quot);)/.test(attributes)) throw new Error(`attributes of ${tag}`);
    if (end === "/") {
      const opened = open.pop();
      if (opened !== name) throw new Error(`</${name}> closes <${opened}>`);
      continue;
    }
    if (open.length === 0 && names.length > 0) throw new Error(`a second element: ${tag}`);
    names.push(name);
    if (closed === "") open.push(name);
  }
  checkText(text.length);
  if (open.length > 0 || names.length === 0) throw new Error(`open: ${open.join(" ")}`);
  return names;
}

const elementsOfPage = (html: string) => {
  expect(html.startsWith("<!doctype html>\n")).toBe(true);
  return elementsOf(html.slice("<!doctype html>\n".length));
};

describe("the check of markup", () => {
  it.each(["<a><b></a></b>", "<a>", "</a>", "<a/><a/>", "<a>&</a>", '<a b="1" b="2"/>', '<a b="<"/>', "<a b=1/>", "a", "", "<a>1 < 2</a>"])(
    "refuses %s",
    (text) => {
      expect(() => elementsOf(text)).toThrow();
    },
  );

  it("accepts what is well-formed", () => {
    expect(elementsOf('<a b="1"><c /><d>&amp;</d></a>\n')).toEqual(["a", "c", "d"]);
  });
});

describe("markup", () => {
  it("escapes text and attributes", () => {
    expect(element("a", { href: '"><script>' }, "<b>&'", [plain("i", "x")]).text).toBe(
      '<a href="&quot;&gt;&lt;script&gt;">&lt;b&gt;&amp;\'<i>x</i></a>',
    );
  });

  it("leaves out control characters, which XML cannot hold", () => {
    expect(plain("p", "a\0\x1b[31mb\n").text).toBe("<p>a\ufffd\ufffd[31mb\n</p>");
  });

  it("closes what HTML does not close by itself", () => {
    for (const tag of ["td", "code", "title"]) expect(plain(tag, "").text).toBe(`<${tag}></${tag}>`);
    expect(plain("path").text).toBe("<path />");
  });
});

describe("scales", () => {
  it("goes from power to power", () => {
    expect(logTicks([3, 17], 2)).toEqual([2, 4, 8, 16, 32]);
  });

  it("takes larger steps over a wide range, with 1 among them", () => {
    const ticks = logTicks([0.3, 2 ** 24], 2, 6);
    expect(ticks.length).toBeLessThanOrEqual(8);
    expect(ticks).toContain(1);
    expect(ticks[0]).toBeLessThanOrEqual(0.3);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(2 ** 24);
  });

  it("keeps powers of ten on their ticks", () => {
    expect(logTicks([1000, 0.001], 10).map((tick) => Number(tick.toPrecision(9)))).toEqual([0.001, 0.01, 0.1, 1, 10, 100, 1000]);
  });

  it.each([[[]], [[0]], [[7]], [[1]], [[0, Number.POSITIVE_INFINITY, Number.NaN]]])("has a length for %j", (values) => {
    const ticks = logTicks(values, 2);
    expect(ticks.length).toBeGreaterThanOrEqual(2);
    for (const tick of ticks) expect(tick > 0 && Number.isFinite(tick)).toBe(true);
  });

  it("spreads labels apart and keeps their order", () => {
    expect(spread([10, 11, 50], 5, 0, 100)).toEqual([10, 15, 50]);
    expect(spread([99, 98, 100], 5, 0, 100)).toEqual([95, 90, 100]);
    expect(spread([0, 0, 0], 5, 0, 4)).toEqual([0, 5, 10]);
    expect(spread([], 5, 0, 4)).toEqual([]);
  });

  it("writes figures with three digits", () => {
    expect([0, 0.01054, 0.317, 2.6, 17.87, 123.4, 1240.2].map(formatFigure)).toEqual([
      "0",
      "0.0105",
      "0.317",
      "2.60",
      "17.9",
      "123",
      "1240",
    ]);
    expect([1, 2 ** 20, 1000].map(formatPower)).toEqual(["2⁰", "2²⁰", "1000"]);
  });
});

describe("the page", () => {
  const peers = runOf([copy, result("tfjs wasm", 2 ** 20, 234, "peer"), result("Dropout.dropout(array)", 2 ** 20, 5.67, "api")], {
    missing: [{ name: "onnxruntime-node", reason: "does not load" }],
    date: "2026-02-03T04:05:06.000Z",
  });
  const native = runOf([result("torch dropout", 2 ** 20, 45.6, "native")], { engine: { name: "native", version: "g++ 12", build: "-O3" } });
  const judged = runOf([copy, ...kernels, result("tile_dropout_f32, p = 0.5", 2 ** 20, 3.3)], {
    bars: [
      { subject: "A", against: "B", size: 2 ** 20, most: 2, ratio: 1.5, interval: [1, 2], outcome: "met" },
      { subject: "C", against: "D", size: 2 ** 20, most: 2, ratio: 2.5, interval: [2.1, 3], outcome: "missed" },
      { subject: "E", against: "F", size: 2 ** 20, most: 2, ratio: 2.25, interval: [1.9, 3], outcome: "open" },
    ],
  });
  const firefox = runOf(kernels, { engine: { name: "Firefox", version: "140", build: "simd" } });
  const runs = [judged, firefox, peers, native];
  const html = page(runs);
  // A failure names what is missing instead of printing the page.
  const expectSaid = (text: string) => expect(html.includes(text), text).toBe(true);

  it("is well-formed and brings all it needs", () => {
    const names = elementsOfPage(html);
    for (const name of ["script", "link", "img", "iframe"]) expect(names).not.toContain(name);
    expect(html.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|url\(|@import/);
    expectSaid("prefers-color-scheme: dark");
    const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of html.matchAll(/ href="#([^"]*)"/g)) expect(ids).toContain(target);
  });

  it("passes axe, on a phone and on a desk, in light and in dark", (context) => expectDocumentAccessible(html, context));

  it("tells charts in words too", () => {
    const charts = [...html.matchAll(/<svg [^>]*>/g)].map(([tag]) => tag);
    // The answer; sizes of two engines; engines; two of peers; kernels of two engines.
    expect(charts.length).toBe(8);
    for (const tag of charts) {
      expect(tag).toContain('role="img"');
      const [, ids = ""] = tag.match(/aria-labelledby="([^"]*)"/) ?? [];
      for (const id of ids.split(" ")) expectSaid(` id="${id}">`);
    }
  });

  it("names every run, every result and every missing entry", () => {
    const [first, second] = ["2026-01-02 03:04 UTC", "2026-02-03 04:05 UTC"];
    expect(labelsOf(runs)).toEqual([`Node 20.1.2, simd, ${first}`, "Firefox 140, simd", `Node 20.1.2, simd, ${second}`, "native"]);
    for (const label of labelsOf(runs)) expect(html).toMatch(new RegExp(`<h2 [^>]*>${label.replaceAll(/[()+]/g, "\\$&")}</h2>`));
    for (const { name, ratio, nsPerElement } of runs.flatMap(({ results }) => results)) {
      expectSaid(`<code>${name}</code>`);
      expectSaid(`<td class="figure">${formatFigure(ratio)}</td>`);
      expectSaid(`<td class="figure">${formatFigure(nsPerElement)}</td>`);
    }
    expectSaid("<code>onnxruntime-node</code>: does not load");
    for (const text of ["Some CPU, 3 cores, Some OS", "2026-01-02 03:04 UTC", "9.8.7", "5 rounds", "native g++ 12 (-O3)"]) expectSaid(text);
  });

  it("tells runs apart by machine where dates do not, and by number where nothing does", () => {
    const other = runOf([], { machine: { cpu: "Other CPU", cores: 1, os: "Some OS" } });
    const at = "Node 20.1.2, simd, 2026-01-02 03:04 UTC";
    expect(labelsOf([runOf([]), other])).toEqual([`${at}, Some CPU, 3 cores, Some OS`, `${at}, Other CPU, 1 core, Some OS`]);
    expect(labelsOf([other, other]).map((label) => label.slice(-3))).toEqual(["(1)", "(2)"]);
  });

  it("shows the run that covers most first, not the first file; the latest of several", () => {
    const bun = runOf([result("tile_dropout_f32", 2 ** 20, 2)], { engine: { name: "Bun", version: "1.4", build: "simd" } });
    expect(mainRun([bun, judged])).toBe(judged);
    const later = { ...judged, date: "2027-01-01T00:00:00.000Z" };
    expect(mainRun([judged, later, bun])).toBe(later);
    expect(mainRun([peers])).toBeUndefined();
    expect(answersOf([judged, peers, native])?.run).toBe(peers);
  });

  it("begins with what users ask, in plain words, from quick to slow", () => {
    const first = html.indexOf("<svg ");
    const chart = html.slice(first, html.indexOf("</svg>", first));
    const places = ["copy, nothing dropped", "wasm-dropout, ordinary arrays", "TensorFlow.js (wasm)"].map((name) =>
      chart.indexOf(`>${name}</text>`),
    );
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(chart).toContain("times as long)");
    expect(chart).not.toMatch(/_f32|Dropout\.dropout/);
  });

  it("says which bars were met, an open one by its median", () => {
    expectSaid("1 of 3 met");
    expect([...html.matchAll(/<(?:strong|span) class="(met|missed)">/g)].map(([, outcome]) => outcome)).toEqual([
      "met",
      "missed",
      "missed",
    ]);
  });

  it("puts what is ours beside peers, from another run on the same machine if need be", () => {
    expect(peersOf(peers, runs).results.map(({ name }) => name)).toEqual(["copy_f32", "Dropout.dropout(array)", "tfjs wasm"]);
    expect(peersOf(peers, runs).lender).toBeUndefined();
    expect(peersOf(native, runs)).toMatchObject({ results: [{ name: "tile_dropout_f32" }, { name: "torch dropout" }], lender: judged });
    const elsewhere = { ...judged, machine: { ...judged.machine, cpu: "Another" } };
    expect(peersOf(native, [elsewhere, native]).results.map(({ name }) => name)).toEqual(["torch dropout"]);
    expectSaid("native; wasm-dropout in Node 20.1.2, simd, 2026-01-02 03:04 UTC");
  });

  it("lets no name become markup", () => {
    const name = `"><script>alert('&')</script>\0`;
    const hostile = runOf([result(name, 2 ** 20, 2), { ...result(name, 2 ** 12, 2, "peer"), copy: name }], {
      version: name,
      machine: { cpu: name, cores: 1, os: name },
      engine: { name, version: name, build: name },
      missing: [{ name, reason: name }],
    });
    const main = { ...hostile, results: [...hostile.results, ...kernels] };
    expect(elementsOfPage(page([hostile, main]))).not.toContain("script");
    for (const chart of [sizesChart(main, name), answersChart([{ ...main, results: [result(MAIN[4] as string, 16, 2)] }])])
      expect(elementsOf(standaloneSvg(chart as NonNullable<typeof chart>, name))).not.toContain("script");
  });

  it.each([
    ["nothing", []],
    ["a copy alone", [copy]],
    ["one subject at one size", [result("tile_dropout_f32", 16, 2)]],
    ["one peer", [result("x", 1000, 2, "peer")]],
    ["a ratio of 0", [result("tile_dropout_f32", 16, 0), result("tile_dropout_f32", 64, 0), result("x", 16, 0, "peer")]],
    ["a wild interval", [{ ...result("multiply_f32", 16, 1), ratioInterval: [0, 1e9] as const }]],
  ])("stands for a run with %s", (_, results) => {
    const html = page([runOf(results)]);
    elementsOfPage(html);
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
    for (const { name } of results) expect(html).toContain(name);
  });

  it("stands for no run", () => {
    elementsOfPage(page([]));
  });
});

describe("the chart for README", () => {
  const chart = sizesChart(runOf(kernels), "Node") as NonNullable<ReturnType<typeof sizesChart>>;
  const text = standaloneSvg(chart, "Some CPU & more");

  it("is one well-formed SVG with a background and a style for light and dark", () => {
    const names = elementsOf(text);
    expect(names.slice(0, 5)).toEqual(["svg", "title", "desc", "style", "rect"]);
    expect(text).toContain(">Some CPU &amp; more</text>");
    expect(text).toContain('xmlns="http://www.w3.org/2000/svg"');
    expect(text).toContain("prefers-color-scheme: dark");
  });

  it("has a labelled line and a band for each main kernel", () => {
    for (const name of MAIN) expect(text).toContain(`>${name}</text>`);
    expect(text.match(/<g [^>]*fill-opacity="0.16"/g)).toHaveLength(MAIN.length);
    expect(text.match(/<title>[^<]* at 2/g)).toHaveLength(kernels.length);
  });

  it("places points at their ratios", () => {
    const series = (ratio: number) => runOf([result("multiply_f32", 16, ratio, "kernel", 0), result("multiply_f32", 32, 4, "kernel", 0)]);
    const heights = [1, 2].map((ratio) => {
      const drawn = standaloneSvg(sizesChart(series(ratio), "") as typeof chart, "");
      return [...drawn.matchAll(/<circle [^>]*cy="([\d.]+)"/g)].map(([, y]) => Number(y));
    });
    const [[one, four], [two]] = heights as [[number, number], [number, number]];
    expect(two).toBeCloseTo((one + four) / 2, 1);
    expect(one).toBeGreaterThan(four);
  });
});

describe("comparison", () => {
  const verdict = (before: Partial<Result>, after: Partial<Result>) => {
    const base = result("k", 16, 2, "kernel", 0);
    return compare(runOf([{ ...base, ...before }]), runOf([{ ...base, ...after }])).changes[0]?.verdict;
  };
  const at = (ratio: number, lower = ratio, upper = ratio): Partial<Result> => ({ ratio, ratioInterval: [lower, upper] });

  it.each([
    ["more than 3% with intervals apart", at(2), at(2.07), "slower"],
    ["3% exactly", at(1), at(1.03), "same"],
    ["a little more than 3%", at(1), at(1.0301), "slower"],
    ["much, but intervals that overlap", at(2, 1.9, 2.5), at(3, 2.4, 3.5), "same"],
    ["much, but intervals that touch", at(2, 1.9, 2.5), at(3, 2.5, 3.5), "same"],
    ["intervals apart by a hair", at(2, 1.9, 2.5), at(3, 2.5001, 3.5), "slower"],
    ["intervals apart, but little", at(2, 1.99, 2.01), at(2.05, 2.04, 2.06), "same"],
    ["no change", at(2), at(2), "same"],
    ["zero before and after", at(0), at(0), "same"],
    ["zero before", at(0), at(1), "slower"],
  ])("%s", (_, before, after, expected) => {
    expect(verdict(before, after)).toBe(expected);
    expect(verdict(after, before)).toBe(expected === "slower" ? "faster" : "same");
  });

  it("compares by name, size and copy, and leaves the copies out", () => {
    const [a, b, c] = [result("a", 16, 1), result("b", 16, 1), { ...result("c", 16, 1), copy: "copy_f64" }];
    const found = compare(runOf([copy, a, b, { ...c, copy: "copy_f32" }]), runOf([copy, { ...a, ratio: 1.5 }, { ...b, size: 32 }, c]));
    expect(found.changes).toMatchObject([{ before: { name: "a" }, change: 0.5 }]);
    expect(found.onlyBefore.map(({ name }) => name)).toEqual(["b", "c"]);
    expect(found.onlyAfter.map(({ name }) => name)).toEqual(["b", "c"]);
    expect(found.warnings).toEqual([]);
  });

  it("warns of another machine, engine or build", () => {
    const other = runOf([], {
      machine: { cpu: "x", cores: 4, os: "y" },
      engine: { name: "Deno", version: "2", build: "scalar" },
    });
    const { warnings } = compare(runOf([]), other);
    for (const word of ["machine", "cores", "system", "engine", "engine version", "build"]) {
      expect(warnings.some((warning) => warning.startsWith(`${word} differs: `))).toBe(true);
    }
  });
});

let files = 0;
const write = (run: unknown) => {
  const path = join(directory, `${++files}.json`);
  writeFileSync(path, typeof run === "string" ? run : JSON.stringify(run));
  return path;
};

describe("files", () => {
  it("gives back a run that was written", () => {
    const run = runOf([copy, ...kernels]);
    expect(readRun(write(run))).toEqual(run);
  });

  const good = runOf([result("a", 16, 1)]);
  const withResult = (more: object) => ({ ...good, results: [{ ...good.results[0], ...more }] });
  it.each([
    ["text", "nonsense", "JSON"],
    ["null", null, '"run" expected object, got null'],
    ["another format", { ...good, format: 2 }, '"format" expected 1, got 2'],
    ["no version", { ...good, version: undefined }, '"version" expected string, got undefined'],
    ["no date", { ...good, date: "tomorrow" }, '"date" expected ISO 8601 date, got string "tomorrow"'],
    ["no rounds", { ...good, rounds: 0 }, '"rounds" expected integer'],
    ["no machine", { ...good, machine: [] }, '"machine" expected object'],
    ["no processor", { ...good, machine: { ...good.machine, cpu: 1 } }, '"machine.cpu" expected string, got 1'],
    ["no engine", { ...good, engine: { name: "x", version: "y" } }, '"engine.build" expected string, got undefined'],
    ["no results", { ...good, results: {} }, '"results" expected array'],
    ["a result that is none", { ...good, results: [5] }, '"results[0]" expected object, got 5'],
    ["no name", withResult({ name: 5 }), '"results[0].name" expected string, got 5'],
    ["no group", withResult({ group: "x" }), '"results[0].group" expected "reference" or'],
    ["no size", withResult({ size: 0.5 }), '"results[0].size" expected integer'],
    ["no ratio", withResult({ ratio: null }), '"results[0].ratio" expected finite number, 0 or more, got null'],
    ["a negative time", withResult({ nsPerElement: -1 }), '"results[0].nsPerElement" expected finite number, 0 or more, got -1'],
    ["half an interval", withResult({ ratioInterval: [1] }), '"results[0].ratioInterval" expected array of two numbers'],
    ["an infinite interval", withResult({ ratioInterval: [1, null] }), '"results[0].ratioInterval[1]" expected finite number'],
    ["an interval upside down", withResult({ ratioInterval: [2, 1] }), '"results[0].ratioInterval" expected lower end first, got 2 and 1'],
    ["a subject twice", { ...good, results: [good.results[0], good.results[0]] }, '"results[1].name" expected a subject once at size 16'],
    ["a reason that is none", { ...good, missing: [{ name: "x" }] }, '"missing[0].reason" expected string'],
    ["a verdict that is none", { ...good, bars: [{ subject: "a", against: "b", outcome: "maybe" }] }, '"bars[0].outcome" expected "met"'],
  ])("refuses %s", (_, run, message) => {
    const path = write(run);
    expect(() => readRun(path)).toThrow(message);
    expect(() => readRun(path)).toThrow(path);
  });
});

describe("commands", () => {
  const call = (script: string, args: readonly string[]) =>
    spawnSync(process.execPath, ["--import", "tsx", script, ...args], { cwd, encoding: "utf8", timeout: HANG_MS });
  const slow = runOf([result("a", 16, 2), result("b", 16, 2), result("old", 16, 2)]);
  const quick = runOf([result("a", 16, 1), result("b", 16, 2), result("new", 16, 2)], {
    engine: { name: "Node", version: "20.1.2", build: "scalar" },
  });

  it("compares: exits with 1 if something became slower", () => {
    const { status, stdout } = call("bench/compare.ts", [write(quick), write(slow)]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^a +2\^4 .*\+100\.0% +SLOWER$/m);
    expect(stdout).toContain("build differs: scalar before, simd after");
    expect(stdout).toMatch(/Only before:\n {2}new at 2\^4.*\n\nOnly after:\n {2}old at 2\^4/);
    expect(stdout).toContain("1 slower, 0 faster, 1 within the noise.");
  });

  it("compares: exits with 0 if nothing did", () => {
    const { status, stdout } = call("bench/compare.ts", [write(slow), write(quick)]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^a +2\^4 .*-50\.0% +FASTER$/m);
  });

  const broken = write({ ...slow, results: [{ ...slow.results[0], ratio: "fast" }] });
  it.each([
    ["bench/compare.ts", [write(slow)], "expected two files"],
    ["bench/compare.ts", [write(slow), broken], `${broken}: "results[0].ratio" expected finite number, 0 or more, got string "fast"`],
    ["bench/compare.ts", [write(slow), write(runOf([copy]))], "no subject in common"],
    ["bench/compare.ts", ["--nosuchflag"], "nosuchflag"],
    ["tools/report/run.ts", [], "expected files of results"],
    ["tools/report/run.ts", [write(slow)], "expected --out or --svg"],
    ["tools/report/run.ts", [broken, "--out", join(directory, "no.html")], `${broken}: "results[0].ratio"`],
    ["tools/report/run.ts", [write(slow), "--svg", join(directory, "no.svg")], "no file has results of Dropout.dropout"],
    ["tools/report/run.ts", [write(slow), "--out", join(directory, "no", "no.html")], "ENOENT"],
  ])("%s refuses %j", (script, args, message) => {
    const { status, stdout, stderr } = call(script, args);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("    at ");
    expect(stdout).toBe("");
    expect(status).toBe(2);
  });

  it("writes a page and a chart", () => {
    const [out, svg] = [join(directory, "report.html"), join(directory, "chart.svg")];
    const { status, stderr } = call("tools/report/run.ts", [
      write(slow),
      write(runOf([...kernels, result("Dropout.dropout(buffer)", 2 ** 20, 2, "api")])),
      "--out",
      out,
      "--svg",
      svg,
    ]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(elementsOfPage(readFileSync(out, "utf8"))).toContain("svg");
    expect(elementsOf(readFileSync(svg, "utf8"))[0]).toBe("svg");
  });
});
