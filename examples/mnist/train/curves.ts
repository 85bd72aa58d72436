// Lines over linear axes that begin at 0, each named at its end, with a band around it where it stands for several.

import { element, plain } from "../../../tools/report/markup.js";
import { spread } from "../../../tools/report/scale.js";
import { CHARACTER, type Chart } from "../../../tools/report/svg.js";

/** A point of a line, and how far its band reaches. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly lower?: number;
  readonly upper?: number;
}

export interface Line {
  readonly name: string;
  /** At least one, by ascending x. */
  readonly points: readonly Point[];
  /** Number of its colour. */
  readonly colour: number;
  readonly dashed?: boolean;
}

export interface Axes {
  readonly title: string;
  readonly description: string;
  readonly x: string;
  readonly y: string;
  /** Where the axes end; points beyond are not drawn. */
  readonly most: { readonly x: number; readonly y: number };
  /** Where the x axis begins, 0 if left out; that of y begins at `least.y`. */
  readonly least?: { readonly x?: number; readonly y?: number };
}

const [LEFT, WIDTH, TOP, HEIGHT, BOTTOM, ROW] = [48, 500, 30, 280, 48, 17];
const DASHES = "6 4";

/** A chart of `lines`, of which there is at least one. */
export function curveChart({ title, description, x, y, most, least = {} }: Axes, lines: readonly Line[]): Chart {
  const across = axis(least.x ?? 0, most.x, LEFT, LEFT + WIDTH);
  const up = axis(least.y ?? 0, most.y, TOP + HEIGHT, TOP);
  const drawn = lines.map((line) => ({ ...line, points: line.points.filter((point) => up.has(point.y) && across.has(point.x)) }));
  const ends = drawn.map(({ points }) => {
    const last = points.at(-1);
    return last === undefined ? { x: LEFT, y: TOP } : { x: across.at(last.x), y: up.at(last.y) };
  });
  const labels = spread(
    ends.map((end) => end.y),
    ROW,
    TOP,
    TOP + HEIGHT,
  );
  const right = LEFT + WIDTH + 12;
  return {
    width: right + 40 + CHARACTER * Math.max(...lines.map(({ name }) => name.length)),
    height: TOP + HEIGHT + BOTTOM,
    title,
    description,
    content: [
      element("text", { class: "quiet", x: 0, y: 12 }, y),
      up.ticks.map((tick) => [
        element("line", { class: "grid", x1: LEFT, x2: LEFT + WIDTH, y1: up.at(tick), y2: up.at(tick) }),
        element("text", { class: "quiet", x: LEFT - 8, y: up.at(tick) + 4, "text-anchor": "end" }, `${tick}`),
      ]),
      across.ticks.map((tick) => [
        element("line", { class: "grid", x1: across.at(tick), x2: across.at(tick), y1: TOP, y2: TOP + HEIGHT }),
        element("text", { class: "quiet", x: across.at(tick), y: TOP + HEIGHT + 18, "text-anchor": "middle" }, `${tick}`),
      ]),
      element("text", { class: "quiet", x: LEFT + WIDTH / 2, y: TOP + HEIGHT + 38, "text-anchor": "middle" }, x),
      drawn.map(({ points, colour }) => {
        const place = (point: Point, value: number) => `${across.at(point.x).toFixed(2)},${up.at(value).toFixed(2)}`;
        const edge = [...points.map((p) => place(p, p.lower ?? p.y)), ...points.toReversed().map((p) => place(p, p.upper ?? p.y))];
        return element("polygon", { class: `band f${colour}`, points: edge.join(" ") });
      }),
      drawn.map(({ name, points, colour, dashed }, i) => {
        const [end, label] = [ends[i] as { x: number; y: number }, labels[i] as number];
        const stroke = { class: `line s${colour}`, ...(dashed ? { "stroke-dasharray": DASHES } : {}) };
        const corners = points.map((p) => `${across.at(p.x).toFixed(2)},${up.at(p.y).toFixed(2)}`).join(" ");
        return plain(
          "g",
          element("polyline", { ...stroke, points: corners }),
          element("polyline", {
            class: `line s${colour}`,
            opacity: 0.4,
            points: `${end.x},${end.y} ${right},${label} ${right + 4},${label}`,
          }),
          element("line", { ...stroke, x1: right + 4, x2: right + 26, y1: label, y2: label }),
          element("text", { x: right + 34, y: label + 4 }, name),
        );
      }),
    ],
  };
}

/** From values in [least, most] to places from `start` to `end`; ticks are 1, 2 or 5 times a power of ten apart. */
function axis(least: number, most: number, start: number, end: number) {
  const span = most - least;
  const rough = span / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((digit) => digit * power >= rough) ?? 10);
  const first = Math.ceil(least / step - 1e-9);
  const count = Math.floor(most / step + 1e-9) - first + 1;
  return {
    at: (value: number) => start + Math.min(Math.max((value - least) / span, 0), 1) * (end - start),
    has: (value: number) => value >= least && value <= most,
    ticks: Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(6))),
  };
}
