// The charts of the report, from runs. A chart for which there is nothing is undefined.

import type { Group, Result, Run } from "../../bench/results.js";
import { type Bar, type BarOptions, barChart, type Key } from "./bar-chart.js";
import { formatFigure, formatPower, formatRatio } from "./figures.js";
import { lineChart } from "./line-chart.js";
import { commonSize, labelsOf, MAIN, pairsOf, peersOf, seriesOf } from "./select.js";
import type { Chart } from "./svg.js";

const RATIO = { axis: "times as long as memory.copy of the same data (logarithmic)", base: 2, fromOne: true } as const;

/** The main kernels over sizes. */
export function sizesChart(run: Run, label: string): Chart | undefined {
  const series = seriesOf(run, MAIN);
  return series.length === 0 ? undefined : lineChart(`Time over size: ${label}`, series);
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
