// Prints the results of a run in the terminal.

import { isMet } from "./bars.js";
import type { Result, Verdict } from "./results.js";

/** The table of one size: `results` and, beside their subjects, `verdicts`. */
export function formatTable(results: readonly Result[], verdicts: readonly Verdict[]): string {
  const rows = results.map((result) => {
    const [lower, upper] = result.ratioInterval;
    const bars = verdicts.filter(({ subject }) => subject === result.name);
    return [
      result.name,
      result.nsPerElement.toFixed(4),
      result.gbPerSecond.toFixed(2),
      result.ratio.toFixed(2),
      `${lower.toFixed(2)}..${upper.toFixed(2)}`,
      bars.map((bar) => `${describe(bar)}: ${isMet(bar) ? "met" : "MISSED"}`).join("; "),
    ];
  });
  return align([["subject", "ns/element", "GB/s", "x copy", "95%", "bar"], ...rows]);
}

/** Formats the number of bars that were met, and those that were not. */
export function formatVerdicts(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return "No bar applies to what was measured.";
  const missed = verdicts.filter((verdict) => !isMet(verdict));
  const summary = `${verdicts.length - missed.length} of ${verdicts.length} bars met${missed.length > 0 ? "; missed:" : "."}`;
  return [summary, ...missed.map((bar) => `  ${bar.subject} at ${formatSize(bar.size)}: ${describe(bar)}`)].join("\n");
}

/** "2^16", or "1000" for a size that is no power of two. */
export function formatSize(size: number): string {
  const exponent = Math.log2(size);
  return Number.isInteger(exponent) ? `2^${exponent}` : `${size}`;
}

function describe({ against, ratio, most }: Verdict): string {
  return `${ratio.toFixed(2)} x ${against}, at most ${most}`;
}

/** Rows as lines: names and remarks, in the first and last columns, to the left, figures to the right. */
export function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const pad = (cell: string, column: number) => {
    const width = widths[column] ?? 0;
    return column === 0 || column === widths.length - 1 ? cell.padEnd(width) : cell.padStart(width);
  };
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}
