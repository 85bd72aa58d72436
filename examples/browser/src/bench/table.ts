// The results of one size: a table whose rows have a bar each, for eyes; the same figures stand beside it, for all.

import type { Timing } from "./protocol.js";

// Ratios to a copy, logarithmic: nothing measured is far outside.
const LEAST = 0.5;
const MOST = 1000;
const TICKS = [1, 10, 100, 1000];

export function makeTable(size: number, timings: readonly Timing[]): HTMLTableElement {
  const table = document.createElement("table");
  table.createCaption().textContent = `${size.toLocaleString("en")} elements, ${(size * Float32Array.BYTES_PER_ELEMENT) / 1024} KiB`;
  const head = table.createTHead().insertRow();
  head.append(header("What", "col"), header("ns per element", "col"), header("× copy", "col"), axis());
  const body = table.createTBody();
  for (const { name, nsPerElement, ratio } of timings) {
    const row = body.insertRow();
    row.append(header(name, "row"));
    row.insertCell().textContent = nsPerElement.toFixed(3);
    row.insertCell().textContent = ratio.toFixed(ratio < 10 ? 2 : 1);
    row.append(chartCell(...grid(), bar(ratio)));
  }
  return table;
}

function header(text: string, scope: "col" | "row"): HTMLTableCellElement {
  const cell = document.createElement("th");
  cell.scope = scope;
  cell.textContent = text;
  return cell;
}

/** A cell of the chart, which says nothing that is not in the cells beside it. */
function chartCell(...content: HTMLElement[]): HTMLTableCellElement {
  const cell = document.createElement("td");
  cell.className = "chart";
  cell.setAttribute("aria-hidden", "true");
  const track = document.createElement("div");
  track.append(...content);
  cell.append(track);
  return cell;
}

function axis(): HTMLTableCellElement {
  return chartCell(
    ...TICKS.map((tick) => {
      const label = place("tick", tick);
      label.textContent = `${tick}×`;
      return label;
    }),
  );
}

function grid(): HTMLElement[] {
  return TICKS.map((tick) => place("line", tick));
}

/** From one copy to `ratio` copies, to the left if that is less. */
function bar(ratio: number): HTMLElement {
  const element = place("bar", Math.min(ratio, 1));
  element.style.width = `${positionOf(Math.max(ratio, 1)) - positionOf(Math.min(ratio, 1))}%`;
  return element;
}

function place(className: string, ratio: number): HTMLElement {
  const element = document.createElement("span");
  element.className = className;
  element.style.left = `${positionOf(ratio)}%`;
  return element;
}

/** Returns the place of a ratio on the axis, in percent. */
function positionOf(ratio: number): number {
  const share = Math.log(ratio / LEAST) / Math.log(MOST / LEAST);
  return Math.min(Math.max(share, 0), 1) * 100;
}
