// The differences between two runs, and whether they are more than noise. Times differ from run to run with the state of the machine; ratios to a copy of
// the same run differ less, so ratios are compared.

import type { Result, Run } from "./results.js";

/** A change of the ratio up to this part of it is not reported: another layout of the same code in memory can make as much. */
export const TOLERANCE = 0.03;

/** A subject at one size in two runs. */
export interface Change {
  readonly before: Result;
  readonly after: Result;
  /** Part of the ratio before that it grew by: 0.1 is 10% slower. */
  readonly change: number;
  readonly verdict: "slower" | "faster" | "same";
}

export interface Comparison {
  readonly changes: readonly Change[];
  readonly onlyBefore: readonly Result[];
  readonly onlyAfter: readonly Result[];
  /** Other differences between the runs, in words: one may be the reason for a change. */
  readonly warnings: readonly string[];
}

/** Compares two runs, subject by subject and size by size. */
export function compare(before: Run, after: Run): Comparison {
  const [earlier, later] = [byKey(before), byKey(after)];
  const changes: Change[] = [];
  for (const [key, result] of earlier) {
    const other = later.get(key);
    if (other !== undefined) changes.push(changeOf(result, other));
  }
  return {
    changes,
    onlyBefore: [...earlier].filter(([key]) => !later.has(key)).map(([, result]) => result),
    onlyAfter: [...later].filter(([key]) => !earlier.has(key)).map(([, result]) => result),
    warnings: differences(before, after),
  };
}

/** The results that can be compared: not the copies, which are 1 by definition, and only what was measured beside the same copy. */
function byKey({ results }: Run): Map<string, Result> {
  const compared = results.filter(({ name, copy }) => name !== copy);
  return new Map(compared.map((result) => [JSON.stringify([result.name, result.size, result.copy]), result]));
}

function changeOf(before: Result, after: Result): Change {
  const change = before.ratio === after.ratio ? 0 : after.ratio / before.ratio - 1;
  const verdict = isGreater(after, before) ? "slower" : isGreater(before, after) ? "faster" : "same";
  return { before, after, change, verdict };
}

// Both ways alike, so that what is slower from A to B is faster from B to A.
function isGreater(a: Result, b: Result): boolean {
  return a.ratioInterval[0] > b.ratioInterval[1] && a.ratio > b.ratio * (1 + TOLERANCE);
}

function differences(before: Run, after: Run): string[] {
  const rows: [string, string | number, string | number][] = [
    ["machine", before.machine.cpu, after.machine.cpu],
    ["cores", before.machine.cores, after.machine.cores],
    ["system", before.machine.os, after.machine.os],
    ["engine", before.engine.name, after.engine.name],
    ["engine version", before.engine.version, after.engine.version],
    ["build", before.engine.build, after.engine.build],
  ];
  return rows.filter(([, a, b]) => a !== b).map(([what, a, b]) => `${what} differs: ${a} before, ${b} after`);
}
