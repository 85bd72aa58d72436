// The charts of the report.

import type { Summary } from "../../../bench/statistics.js";
import { barChart } from "../../../tools/report/bars.js";
import { formatFigure } from "../../../tools/report/figures.js";
import { type Line, lineChart } from "../../../tools/report/lines.js";
import type { Chart } from "../../../tools/report/plot.js";
import type { Uncertainty } from "./monte-carlo.js";
import type { Settings, Variant } from "./settings.js";
import type { StepTimes } from "./step-time.js";
import { type Measure, measureOver, type Pair, type Spread } from "./summary.js";

const [WITH, WITHOUT] = [0, 1];

/** Training and test error over epochs. */
export function errorChart(pairs: readonly Pair[], settings: Settings): Chart {
  const lines = (["test", "training"] as const).flatMap((measure) => [
    { ...overEpochs(pairs, settings, "without", measure), dashed: measure === "training" },
    { ...overEpochs(pairs, settings, "with", measure), dashed: measure === "training" },
  ]);
  return overTime("Training and test error", "error in percent; bands: least and greatest of the seeds", lines, settings);
}

/** Test error less training error over epochs. */
export function gapChart(pairs: readonly Pair[], settings: Settings): Chart {
  const lines = [overEpochs(pairs, settings, "without", "gap"), overEpochs(pairs, settings, "with", "gap")];
  return overTime(
    "Generalisation gap",
    "test error less training error, in percentage points; bands: least and greatest of the seeds",
    lines,
    settings,
  );
}

function overEpochs(pairs: readonly Pair[], { schedules }: Settings, variant: Variant, measure: Measure): Line {
  const points = Array.from({ length: schedules[variant].epochs }, (_, epoch) => {
    const { mean, least, most } = measureOver(pairs, variant, epoch, measure);
    return { x: epoch + 1, y: mean, lower: least, upper: most };
  });
  const name = `${measure === "gap" ? "" : `${measure}, `}${variant} dropout`;
  return { name, points, colour: variant === "with" ? WITH : WITHOUT };
}

// The first epochs, whose errors are many times the last, would leave no room for what the rest differ by.
function overTime(title: string, y: string, lines: readonly Line[], { schedules }: Settings): Chart {
  const epochs = Math.max(schedules.with.epochs, schedules.without.epochs);
  const ends = lines.map(({ points }) => points.at(-1)?.upper ?? 0);
  const starts = lines.flatMap(({ points }) => points.map((point) => point.upper ?? 0));
  const most = Math.min(2 * Math.max(...ends, 0.5), Math.max(...starts, 0.5));
  const least = Math.min(0, ...lines.flatMap(({ points }) => points.filter((p) => p.x > epochs / 4).map((p) => p.lower ?? 0)));
  const description = lines.map(({ name, points }) => `${name}: ${formatEnd(points.at(-1)?.y)} after the last epoch.`).join(" ");
  return lineChart({ title, description, x: { label: "epoch", from: 0, to: epochs }, y: { label: y, from: least, to: most } }, lines);
}

function formatEnd(value = Number.NaN): string {
  return `${value.toFixed(2)}%`;
}

/** Test error of the mean over the first k passes, over k, beside weight scaling: Srivastava et al. 2014, figure 11. */
export function averageChart(averages: readonly Spread[], scaling: Spread): Chart {
  const passes = averages.length;
  const average: Line = {
    name: "Monte-Carlo average",
    points: averages.map(({ mean, least, most }, i) => ({ x: i + 1, y: mean, lower: least, upper: most })),
    colour: 2,
  };
  const level = { y: scaling.mean, lower: scaling.least, upper: scaling.most };
  const scaled: Line = { name: "weight scaling", points: [1, passes].map((x) => ({ x, ...level })), colour: WITH, dashed: true };
  const all = [average, scaled].flatMap(({ points }) => points);
  const [low, high] = [Math.min(...all.map((p) => p.lower ?? p.y)), Math.max(...all.map((p) => p.upper ?? p.y))];
  const margin = 0.05 * (high - low) + 0.01;
  return lineChart(
    {
      title: "Monte-Carlo average against weight scaling",
      description: `Error of the average over ${passes} passes ${formatEnd(averages.at(-1)?.mean)}, of weight scaling ${formatEnd(scaling.mean)}.`,
      x: { label: "number of passes k", from: 1, to: Math.max(passes, 2) },
      y: {
        label: "test error in percent (the axis does not begin at 0); bands: least and greatest of the seeds",
        from: Math.max(0, low - margin),
        to: high + margin,
      },
    },
    [average, scaled],
  );
}

/** Shares of right and of wrong answers by their uncertainty. */
export function uncertaintyChart(title: string, { right, wrong, most }: Uncertainty): Chart {
  const lines = [histogram("right", right, most, WITH), histogram("wrong", wrong, most, WITHOUT)];
  const top = Math.max(...lines.flatMap(({ points }) => points.map(({ y }) => y)));
  const description = `Shares of right and of wrong answers in ${right.length} intervals from 0 to ${most.toFixed(2)} nats.`;
  const y = { label: "percent of the answers of their kind", from: 0, to: 1.05 * top };
  return lineChart({ title, description, x: { label: "nats", from: 0, to: most }, y }, lines);
}

// As steps, each from its lower to its upper end.
function histogram(name: string, counts: readonly number[], most: number, colour: number): Line {
  const total = Math.max(
    counts.reduce((a, b) => a + b, 0),
    1,
  );
  const points = counts.flatMap((count, bin) =>
    [0, 1].map((side) => ({ x: ((bin + side) * most) / counts.length, y: (100 * count) / total, lower: 0 })),
  );
  return { name: `${name} answers`, points, colour };
}

/** The cost of dropout. */
export function timeChart({ without, ours, tfjs }: StepTimes): Chart {
  const bar = (label: string, { median, interval }: Summary, colour: number) => ({
    label,
    value: median,
    text: `${formatFigure(median)} ms`,
    interval,
    colour,
  });
  return barChart(
    { title: "Time of a training step", axis: "milliseconds; whiskers: 95% intervals of the median", keys: [], base: 2, fromOne: false },
    [
      {
        heading: "whole step",
        bars: [bar("without dropout", without, 4), bar("wasm-dropout/tfjs", ours.step, WITH), bar("tf.layers.dropout", tfjs.step, WITHOUT)],
      },
      {
        heading: "dropout layers alone",
        bars: [bar("wasm-dropout/tfjs", ours.alone, WITH), bar("tf.layers.dropout", tfjs.alone, WITHOUT)],
      },
    ],
  );
}
