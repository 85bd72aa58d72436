// The charts of the report, from runs. A chart for which there is nothing is undefined.

import type { Group, Result, Run } from "../../bench/results.js";
import { type Bar, type BarOptions, barChart, type Key } from "./bars.js";
import { formatFigure, formatPower, formatRatio, formatTick, formatTimes } from "./figures.js";
import { type Line, lineChart } from "./lines.js";
import type { Chart } from "./plot.js";
import { logTicks } from "./scale.js";
import { answersOf, commonSize, labelsOf, MAIN, pairsOf, peersOf, seriesOf } from "./select.js";

const RATIO = { axis: "times as long as memory.copy of the same data (logarithmic)", base: 2, fromOne: true } as const;

/** One dropout by this package and by its alternatives, in plain words. */
export function answersChart(runs: readonly Run[]): Chart | undefined {
  const found = answersOf(runs);
  if (found === undefined) return undefined;
  const size = found.answers[0]?.result.size as number;
  const ms = (ns: number) => (ns * size) / 1e6;
  const ours = found.answers.find(({ result }) => result.group === "api")?.result;
  const bars = found.answers.map(({ name, result: { nsPerElement, nsPerElementSpread, group, copy, name: subject } }): Bar => {
    const [lower, upper] = nsPerElementSpread;
    const times = nsPerElement / (ours?.nsPerElement ?? nsPerElement);
    return {
      label: name,
      value: ms(nsPerElement),
      text: `${formatFigure(ms(nsPerElement))} ms${times > 1 ? ` (${formatTimes(times)})` : ""}`,
      interval: [ms(lower), ms(upper)],
      colour: subject === copy ? COLOUR_OF.reference : COLOUR_OF[group],
    };
  });
  const options: BarOptions = {
    title: `Dropout of ${size.toLocaleString("en")} numbers`,
    axis: "milliseconds, shorter is better; each line is ten times the one before",
    keys: [],
    base: 10,
    fromOne: false,
  };
  return barChart(options, [{ bars }]);
}

/** The main kernels over sizes. */
export function sizesChart(run: Run, label: string): Chart | undefined {
  const series = seriesOf(run, MAIN).map((results) => results.toSorted((a, b) => a.size - b.size));
  const all = series.flat();
  if (all.length === 0) return undefined;
  const lines = series.map((results, colour): Line => {
    const name = results[0]?.name ?? "";
    const points = results.map(({ size, ratio, ratioInterval: [lower, upper] }) => {
      return { x: size, y: ratio, lower, upper, title: `${name} at ${formatPower(size)}: ${formatRatio(ratio)}` };
    });
    return { name, points, colour };
  });
  const axis = (label: string, ticks: readonly number[], format: (tick: number) => string) => {
    return { label, ticks, format, from: ticks[0] as number, to: ticks.at(-1) as number, base: 2 };
  };
  const sizes = logTicks(
    all.map(({ size }) => size),
    2,
  );
  const ratios = logTicks([1, ...all.flatMap(({ ratio, ratioInterval }) => [ratio, ...ratioInterval])], 2);
  return lineChart(
    {
      title: `Time over size: ${label}`,
      description: lines
        .map(({ name, points }) => `${name}: ${points.map(({ x, y }) => `${formatRatio(y)} at ${formatPower(x)}`).join(", ")}.`)
        .join(" "),
      x: axis("elements", sizes, formatPower),
      y: axis("times as long as memory.copy of the same data (logarithmic)", ratios, formatTick),
      rule: 1,
    },
    lines,
  );
}

/** The main kernels in each engine that measured one of them, if there are several. */
export function enginesChart(runs: readonly Run[]): Chart | undefined {
  const labels = labelsOf(runs);
  const rows = runs
    .map((run, i) => ({ label: labels[i] as string, results: run.results.filter(({ name }) => MAIN.includes(name)) }))
    .filter(({ results }) => results.length > 0);
  const size = commonSize(rows.flatMap(({ results }) => results));
  if (rows.length < 2 || size === undefined) return undefined;
  const clusters = MAIN.map((name, colour) => ({
    heading: name,
    bars: rows.flatMap(({ label, results }) =>
      results.filter((result) => result.name === name && result.size === size).map((result) => ratioBar(result, label, colour)),
    ),
  })).filter(({ bars }) => bars.length > 0);
  return barChart({ ...RATIO, title: `Every engine, ${formatPower(size)} elements`, keys: [] }, clusters);
}

const COLOUR_OF: Readonly<Record<Group, number>> = { api: 0, kernel: 0, peer: 1, native: 3, reference: 2 };
const MEANING: readonly (readonly [number, string])[] = [
  [0, "wasm-dropout"],
  [1, "JavaScript libraries and loops"],
  [3, "native"],
  [2, "copy"],
];

/** Peers and native code beside this package and the copy. */
export function peersChart(run: Run, runs: readonly Run[]): Chart | undefined {
  const { results, lender } = peersOf(run, runs);
  const labels = labelsOf(runs);
  const label = (of: Run) => labels[runs.indexOf(of)] as string;
  const size = results[0]?.size;
  if (size === undefined) return undefined;
  const bars = results.map((result): Bar => {
    const { name, group, copy, nsPerElement, nsPerElementSpread } = result;
    return {
      label: name,
      value: nsPerElement,
      text: `${formatFigure(nsPerElement)} ns`,
      interval: nsPerElementSpread,
      colour: name === copy ? COLOUR_OF.reference : COLOUR_OF[group],
    };
  });
  const keys = MEANING.filter(([colour]) => bars.some((bar) => bar.colour === colour)).map(([colour, text]): Key => ({ text, colour }));
  const options: BarOptions = {
    title: `What one could use instead, ${formatPower(size)} elements: ${label(run)}${lender === undefined ? "" : `; wasm-dropout in ${label(lender)}`}`,
    axis: "nanoseconds per element (logarithmic; whiskers: half of the rounds)",
    keys,
    base: 10,
    fromOne: false,
  };
  return barChart(options, [{ bars }]);
}

/** Every kernel and call of the API at one size, of a run that measured kernels. */
export function kernelsChart(run: Run, label: string): Chart | undefined {
  const pairs = pairsOf(run);
  const size = pairs.find(({ result }) => result.group === "kernel")?.result.size;
  if (size === undefined) return undefined;
  const bars = pairs.map(({ result, variant }) => {
    const bar = ratioBar(result, result.name, result.group === "api" ? 1 : 0);
    return variant === undefined ? bar : { ...bar, mark: variant.ratio };
  });
  const keys: Key[] = [
    { text: "kernel", colour: 0 },
    { text: "call of the API", colour: 1 },
  ];
  const used = keys.filter(({ colour }) => bars.some((bar) => bar.colour === colour));
  const variants = new Set(pairs.flatMap(({ variant }) => variant?.name.slice(variant.name.lastIndexOf(", ") + 2) ?? []));
  const marks = variants.size === 0 ? [] : [{ text: [...variants].join(", ") }];
  return barChart({ ...RATIO, title: `Every kernel, ${formatPower(size)} elements: ${label}`, keys: [...used, ...marks] }, [{ bars }]);
}

function ratioBar({ ratio, nsPerElement, ratioInterval }: Result, label: string, colour: number): Bar {
  const text = `${formatRatio(ratio)} · ${formatFigure(nsPerElement)} ns`;
  return { label, value: ratio, text, interval: ratioInterval, colour };
}
