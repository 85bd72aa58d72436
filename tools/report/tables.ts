// The figures behind the charts, for reading and for those who cannot see the charts.

import { isMet } from "../../bench/bars.js";
import type { Result, Run, Verdict } from "../../bench/results.js";
import type { Interval } from "../../bench/statistics.js";
import { formatFigure, formatPower, formatRatio } from "./figures.js";
import { type Content, element, type Markup, plain } from "./markup.js";

/** A column: figures stand to the right, prose is broken into lines. */
export type Column = readonly [heading: string, kind: "text" | "figure" | "prose"];

/** A table that scrolls in a box of its own where it is too wide. The first cell of a row is its header. */
export function table(caption: string, columns: readonly Column[], rows: readonly (readonly Content[])[]): Markup {
  const cells = (row: readonly Content[]) =>
    row.map((content, i) => {
      const kind = columns[i]?.[1] ?? "text";
      const attributes = kind === "text" ? {} : { class: kind };
      return i === 0 ? element("th", { scope: "row", ...attributes }, content) : element("td", attributes, content);
    });
  return element(
    "div",
    { class: "scroll", role: "region", "aria-label": caption, tabindex: 0 },
    plain(
      "table",
      plain("caption", caption),
      plain(
        "thead",
        plain(
          "tr",
          columns.map(([heading, kind]) => element("th", { scope: "col", class: kind }, heading)),
        ),
      ),
      plain(
        "tbody",
        rows.map((row) => plain("tr", cells(row))),
      ),
    ),
  );
}

/** The tables of a run's results, one a size. */
export function resultTables({ results }: Run, label: string): Markup[] {
  const columns: Column[] = [
    ["subject", "text"],
    ["group", "text"],
    ["ns/element", "figure"],
    ["half of the rounds", "figure"],
    ["GB/s", "figure"],
    ["× copy", "figure"],
    ["95%", "figure"],
    ["copy", "text"],
  ];
  const sizes = [...new Set(results.map(({ size }) => size))].toSorted((a, b) => a - b);
  return sizes.map((size) => {
    const rows = results.filter((result) => result.size === size).map(resultRow);
    return table(`${formatPower(size)} elements: ${label}`, columns, rows);
  });
}

function resultRow(result: Result): Content[] {
  const { name, group, nsPerElement, nsPerElementSpread, gbPerSecond, ratio, ratioInterval, copy } = result;
  return [
    plain("code", name),
    group,
    formatFigure(nsPerElement),
    formatSpan(nsPerElementSpread),
    formatFigure(gbPerSecond),
    formatFigure(ratio),
    formatSpan(ratioInterval),
    plain("code", copy),
  ];
}

function formatSpan([lower, upper]: Interval): string {
  return `${formatFigure(lower)}–${formatFigure(upper)}`;
}

/** The bars of a run, each met or missed. */
export function verdictTable(bars: readonly Verdict[], label: string): Markup {
  const columns: Column[] = [
    ["subject", "text"],
    ["elements", "figure"],
    ["against", "text"],
    ["measured", "figure"],
    ["95%", "figure"],
    ["at most", "figure"],
    ["bar", "text"],
  ];
  const rows = bars.map((bar): Content[] => [
    plain("code", bar.subject),
    formatPower(bar.size),
    plain("code", bar.against),
    formatRatio(bar.ratio),
    formatSpan(bar.interval),
    formatRatio(bar.most),
    isMet(bar) ? element("span", { class: "met" }, "met") : element("strong", { class: "missed" }, "missed"),
  ]);
  return table(`Bars that the benchmark is held to: ${label}`, columns, rows);
}
