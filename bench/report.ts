// What a run found, for readers and for programs.

import type { Verdict } from "./bars.js";
import type { Timings } from "./measure.js";
import type { Subject } from "./subjects.js";

/** What was measured of one subject at one size. */
export interface Result {
  readonly kernel: string;
  /** Elements. */
  readonly size: number;
  readonly nsPerElement: number;
  /** Lower and upper quartile over rounds. */
  readonly nsPerElementSpread: readonly [number, number];
  /** Read and written. */
  readonly gbPerSecond: number;
  /** The copy that `ratio` compares with. */
  readonly copy: string;
  readonly ratio: number;
  /** Lower and upper quartile over rounds. */
  readonly ratioSpread: readonly [number, number];
}

/** The result of `subject` over `size` elements. */
export function resultOf({ name, copy, bytes }: Subject, size: number, timings: Timings): Result {
  const time = timings.time(name);
  const ratio = timings.ratio(name, copy);
  const [lower, upper] = time.quartiles;
  const nsPerMs = 1e6;
  return {
    kernel: name,
    size,
    nsPerElement: (time.median * nsPerMs) / size,
    nsPerElementSpread: [(lower * nsPerMs) / size, (upper * nsPerMs) / size],
    gbPerSecond: bytes / (time.median * nsPerMs),
    copy,
    ratio: ratio.median,
    ratioSpread: ratio.quartiles,
  };
}

/** The table of one size: `results` and, beside their subjects, `verdicts`. */
export function formatTable(results: readonly Result[], verdicts: readonly Verdict[]): string {
  const rows = results.map((result) => {
    const [lower, upper] = result.ratioSpread;
    const bars = verdicts.filter(({ subject }) => subject === result.kernel);
    return [
      result.kernel,
      result.nsPerElement.toFixed(4),
      result.gbPerSecond.toFixed(2),
      result.ratio.toFixed(2),
      `${lower.toFixed(2)}..${upper.toFixed(2)}`,
      bars.map((bar) => `${describe(bar)}: ${bar.met ? "met" : "MISSED"}`).join("; "),
    ];
  });
  return align([["kernel", "ns/element", "GB/s", "x copy", "quartiles", "bar"], ...rows]);
}

/** How many bars were met, and which were not. */
export function formatVerdicts(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return "No bar applies to what was measured.";
  const missed = verdicts.filter(({ met }) => !met);
  const summary = `${verdicts.length - missed.length} of ${verdicts.length} bars met${missed.length > 0 ? "; missed:" : "."}`;
  return [summary, ...missed.map((bar) => `  ${bar.subject} at ${formatSize(bar.size)}: ${describe(bar)}`)].join("\n");
}

/** "2^16", for a size that is a power of two. */
export function formatSize(size: number): string {
  return `2^${Math.log2(size)}`;
}

function describe({ against, ratio, most }: Verdict): string {
  return `${ratio.toFixed(2)} x ${against}, at most ${most}`;
}

// Names and remarks to the left, figures to the right.
function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const pad = (cell: string, column: number) => {
    const width = widths[column] ?? 0;
    return column === 0 || column === widths.length - 1 ? cell.padEnd(width) : cell.padStart(width);
  };
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}
