// Ratios to copy over sizes: a line a subject, its 95% interval as a band around it.

import type { Result } from "../../bench/results.js";
import { formatPower, formatRatio, formatTick } from "./figures.js";
import { element, type Markup, plain } from "./markup.js";
import { logScale, spread } from "./scale.js";
import { CHARACTER, type Chart, COLOURS } from "./svg.js";

const [LEFT, PLOT, TOP, HEIGHT, BOTTOM, LINE] = [48, 520, 30, 320, 48, 17];

/** A chart of `series`, each the results of one subject, of which there is at least one. */
export function lineChart(title: string, series: readonly (readonly Result[])[]): Chart {
  const sorted = series.map((results) => results.toSorted((a, b) => a.size - b.size));
  const all = sorted.flat();
  const x = logScale(sizesOf(all), LEFT, LEFT + PLOT, 2);
  const y = logScale([1, ...all.flatMap(({ ratio, ratioInterval }) => [ratio, ...ratioInterval])], TOP + HEIGHT, TOP, 2);
  const place = (result: Result, ratio = result.ratio) => ({ x: x.at(result.size), y: y.at(ratio) });
  const names = sorted.map((results) => results.at(-1)?.name ?? "");
  const labels = spread(
    sorted.map((results) => place(results.at(-1) as Result).y),
    LINE,
    TOP,
    TOP + HEIGHT,
  );
  const end = LEFT + PLOT + 12;
  return {
    width: end + 28 + CHARACTER * Math.max(...names.map((name) => name.length)),
    height: TOP + HEIGHT + BOTTOM,
    title,
    description: describe(sorted),
    content: [
      element("text", { class: "quiet", x: 0, y: 12 }, "times as long as memory.copy of the same data"),
      y.ticks.map((tick) => [
        element("line", { class: "grid", x1: LEFT, x2: LEFT + PLOT, y1: y.at(tick), y2: y.at(tick) }),
        element("text", { class: "quiet", x: LEFT - 8, y: y.at(tick) + 4, "text-anchor": "end" }, formatTick(tick)),
      ]),
      x.ticks.map((tick) => [
        element("line", { class: "grid", x1: x.at(tick), x2: x.at(tick), y1: TOP, y2: TOP + HEIGHT }),
        element("text", { class: "quiet", x: x.at(tick), y: TOP + HEIGHT + 18, "text-anchor": "middle" }, formatPower(tick)),
      ]),
      element("text", { class: "quiet", x: LEFT + PLOT / 2, y: TOP + HEIGHT + 38, "text-anchor": "middle" }, "elements"),
      element("line", { class: "one", x1: LEFT, x2: LEFT + PLOT, y1: y.at(1), y2: y.at(1) }),
      sorted.map((results, i) => interval(results, i, place)),
      sorted.map((results, i) => line(results, i, place)),
      sorted.map((results, i) => {
        const [from, to] = [place(results.at(-1) as Result), labels[i] as number];
        return [
          element("polyline", {
            class: `line s${i % COLOURS}`,
            points: pointsOf([from, { x: end, y: to }, { x: end + 4, y: to }]),
            opacity: 0.5,
          }),
          marker(i, end + 12, to),
          element("text", { x: end + 24, y: to + 4 }, names[i] as string),
        ];
      }),
    ],
  };
}

interface Place {
  readonly x: number;
  readonly y: number;
}

type PlaceOf = (result: Result, ratio?: number) => Place;

// A band needs two sizes to reach from one to the other.
function interval(results: readonly Result[], i: number, place: PlaceOf): Markup[] {
  const lower = results.map((result) => place(result, result.ratioInterval[0]));
  const upper = results.map((result) => place(result, result.ratioInterval[1]));
  if (results.length > 1)
    return [element("polygon", { class: `band f${i % COLOURS}`, points: pointsOf([...lower, ...upper.toReversed()]) })];
  return lower.map(({ x, y }, at) => element("line", { class: "whisker", x1: x, x2: x, y1: y, y2: (upper[at] as Place).y }));
}

function line(results: readonly Result[], i: number, place: PlaceOf): Markup {
  return plain(
    "g",
    element("polyline", { class: `line s${i % COLOURS}`, points: pointsOf(results.map((result) => place(result))) }),
    results.map((result) => {
      const { x, y } = place(result);
      return marker(i, x, y, `${result.name} at ${formatPower(result.size)}: ${formatRatio(result.ratio)}`);
    }),
  );
}

// Shapes tell the lines apart where colours do not.
const SHAPES = [
  "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
  "M-4 -4h8v8h-8z",
  "M0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z",
  "M0 -5l5 9h-10z",
  "M0 5l5 -9h-10z",
];

function marker(i: number, x: number, y: number, title = ""): Markup {
  const shape = SHAPES[i % SHAPES.length] as string;
  return element(
    "path",
    { class: `f${i % COLOURS}`, d: shape, transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})` },
    title === "" ? [] : plain("title", title),
  );
}

function describe(series: readonly (readonly Result[])[]): string {
  const lines = series.map((results) => {
    const values = results.map(({ size, ratio }) => `${formatRatio(ratio)} at ${formatPower(size)}`);
    return `${results[0]?.name}: ${values.join(", ")}.`;
  });
  return `Time as a multiple of memory.copy, over numbers of elements. ${lines.join(" ")}`;
}

function sizesOf(results: readonly Result[]): number[] {
  return results.map(({ size }) => size);
}

function pointsOf(places: readonly Place[]): string {
  return places.map(({ x, y }) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" ");
}
