// Observable Plot on a document that is no browser's: charts as SVG whose colours are those of the style sheet, so that they follow the
// reader's light or dark.

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { type Content, element, Markup, plain, printable } from "./markup.js";

const { document } = parseHTML("<!doctype html><html><body></body></html>");

/** A chart before it is placed. */
export interface Chart {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  /** The text for a reader who cannot see it. */
  readonly description: string;
  readonly content: Content;
}

/** The number of colours. */
export const COLOURS = 5;

/** The colour of number `i`. */
export function colourOf(i: number): string {
  return `var(--c${i % COLOURS})`;
}

/** Strokes and fills besides the numbered colours. */
export const [INK, QUIET, GRID, PAPER] = ["var(--ink)", "var(--quiet)", "var(--grid)", "var(--paper)"] as const;

/** The options of {@link Plot.plot}, of which the size is needed here, and the title and description of a chart. */
export interface ChartOptions extends Plot.PlotOptions {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly description: string;
}

/** Draws a chart. */
export function draw({ title, description, ...options }: ChartOptions): Chart {
  const drawn = Plot.plot({ ...options, document: document as unknown as Document });
  const parts = [...drawn.children].filter(({ localName }) => localName !== "style");
  // A chart is one image with a description; its parts have no roles that labels could belong to.
  for (const part of drawn.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
  const content = element("g", { "text-anchor": "middle" }, xml(parts.map((part) => part.outerHTML).join("")));
  return { width: options.width, height: options.height, title, description, content };
}

/** Well-formed XML of HTML: without HTML's entities, and with figures as fine as hundredths of a pixel. */
function xml(html: string): Markup {
  const rounded = (tag: string) => tag.replaceAll(/\d+\.\d{3,}/g, (figure) => `${Math.round(Number(figure) * 100) / 100}`);
  return new Markup(printable(html.replaceAll("&nbsp;", " ").replaceAll(/<[^>]+>/g, rounded)));
}

/** About the width of `text`, in pixels: the charts' font is the reader's. */
export function widthOf(text: string): number {
  return 6.8 * text.length;
}

// Okabe and Ito's palette, which colour-blind readers can tell apart (https://jfly.uni-koeln.de/color/), each darkened for a light and
// lightened for a dark background to a contrast of at least 3 to 1 (WCAG 2.2, 1.4.11).
export const CHART_STYLE = `
svg.chart { --ink: #1c2024; --quiet: #5b636b; --grid: #dfe3e7; --paper: #ffffff;
  --c0: #0072b2; --c1: #b94e00; --c2: #00805a; --c3: #a8487f; --c4: #6d5a00; }
@media (prefers-color-scheme: dark) {
  svg.chart { --ink: #e8eaed; --quiet: #a3abb3; --grid: #343a41; --paper: #15181c;
    --c0: #56b4e9; --c1: #f0913d; --c2: #2fc195; --c3: #de93bb; --c4: #e0cf4a; }
}
svg.chart { color: var(--ink); fill: currentColor; }
svg.chart text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; white-space: pre; }
svg.chart .head, svg.chart .head text { font-weight: 600; }
`;

/** An SVG for a page; `id` is unique in it. */
export function svg({ width, height, title, description, content }: Chart, id: string): Markup {
  return element(
    "svg",
    {
      ...{ class: "chart", viewBox: `0 0 ${width} ${height}`, width, height, role: "img" },
      ...{ "aria-labelledby": `${id}-title ${id}-desc`, xmlns: "http://www.w3.org/2000/svg" },
    },
    element("title", { id: `${id}-title` }, title),
    element("desc", { id: `${id}-desc` }, description),
    content,
  );
}

/** An SVG that is a file of its own: with its style, its title and a `note` below in sight, and with paper, for it cannot know what it lies on. */
export function standaloneSvg(chart: Chart, note: string): string {
  const [margin, heading, footing] = [16, 30, 26];
  const width = Math.max(chart.width, Math.ceil(widthOf(note))) + 2 * margin;
  const height = chart.height + 2 * margin + heading + footing;
  const content = [
    plain("style", new Markup(CHART_STYLE)),
    element("rect", { fill: PAPER, width: "100%", height: "100%", rx: 8 }),
    element("text", { class: "head", x: margin, y: margin + 12 }, chart.title),
    element("g", { transform: `translate(${margin} ${margin + heading})` }, chart.content),
    element("text", { fill: QUIET, x: margin, y: height - margin }, note),
  ];
  return `${svg({ ...chart, width, height, content }, "chart").text}\n`;
}
