// What all charts share: the frame that makes an SVG readable without eyes, and the style that makes it readable on light and on dark.

import { type Content, element, Markup, plain } from "./markup.js";

/** Width of a character of the charts' text, which is monospaced, in pixels: 0.6 em in the fonts named, and a little room. */
export const CHARACTER = 7.3;

/** A chart before it is placed. */
export interface Chart {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  /** What a reader who cannot see it is told instead. */
  readonly description: string;
  readonly content: Content;
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
svg.chart text { font: 12px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: var(--ink);
  paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
svg.chart .quiet { fill: var(--quiet); }
svg.chart .head { font-weight: 600; }
svg.chart .grid { stroke: var(--grid); stroke-width: 1; }
svg.chart .one { stroke: var(--quiet); stroke-width: 1.5; stroke-dasharray: 5 4; }
svg.chart .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg.chart .band { opacity: 0.16; stroke: none; }
svg.chart .whisker { stroke: var(--ink); stroke-width: 1.25; fill: none; }
svg.chart .hollow { fill: var(--paper); stroke: var(--ink); stroke-width: 1.5; }
svg.chart .paper { fill: var(--paper); }
${[0, 1, 2, 3, 4].map((i) => `svg.chart .s${i} { stroke: var(--c${i}); } svg.chart .f${i} { fill: var(--c${i}); }`).join("\n")}
`;

/** How many colours there are. */
export const COLOURS = 5;

/** An SVG for a page; `id` is unique in it. */
export function svg({ width, height, title, description, content }: Chart, id: string): Markup {
  return element(
    "svg",
    {
      ...{ class: "chart", viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`, width: Math.ceil(width), height: Math.ceil(height) },
      ...{ role: "img", "aria-labelledby": `${id}-title ${id}-desc`, xmlns: "http://www.w3.org/2000/svg" },
    },
    element("title", { id: `${id}-title` }, title),
    element("desc", { id: `${id}-desc` }, description),
    content,
  );
}

/**
 * An SVG that is a file of its own: with its style, its title and a `note` below in sight, and paper of its own, for it cannot know what it
 * lies on.
 */
export function standaloneSvg(chart: Chart, note: string): string {
  const [margin, heading, footing] = [16, 28, 28];
  const height = chart.height + 2 * margin + heading + footing;
  const content = [
    plain("style", new Markup(CHART_STYLE)),
    element("rect", { class: "paper", width: "100%", height: "100%", rx: 8 }),
    element("text", { class: "head", x: margin, y: margin + 12 }, chart.title),
    element("g", { transform: `translate(${margin} ${margin + heading})` }, chart.content),
    element("text", { class: "quiet", x: margin, y: height - margin }, note),
  ];
  return `${svg({ ...chart, width: Math.max(chart.width, note.length * CHARACTER) + 2 * margin, height, content }, "chart").text}\n`;
}
