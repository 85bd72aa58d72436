// The results of a comparison as a file: everything that the report says of the errors can be computed from it again.

import { MACHINE, VERSION } from "../../../bench/machine.js";
import { type McNemar, mcnemar } from "./mcnemar.js";
import type { Outcome } from "./outcome.js";
import type { Settings } from "./settings.js";
import { type Pair, pairsOf, testError } from "./summary.js";

/** A comparison that has ended. */
export interface Results {
  readonly version: string;
  /** When it ended, as in ISO 8601. */
  readonly date: string;
  readonly machine: typeof MACHINE & { readonly node: string };
  /** The time that the command took. */
  readonly seconds: number;
  readonly settings: Settings;
  /** Of each seed: errors in percent, and McNemar's test. */
  readonly seeds: readonly { readonly seed: number; readonly without: number; readonly with: number; readonly test: McNemar }[];
  readonly outcomes: readonly Outcome[];
}

/** Gathers `outcomes`, which ended now on this machine. */
export function resultsOf(settings: Settings, outcomes: readonly Outcome[], seconds: number): Results {
  return {
    version: VERSION,
    date: new Date().toISOString(),
    machine: { ...MACHINE, node: process.versions.node },
    seconds,
    settings,
    seeds: pairsOf(outcomes).map((pair) => ({
      seed: pair.seed,
      without: testError(pair.without),
      with: testError(pair.with),
      test: testOf(pair),
    })),
    outcomes,
  };
}

/** McNemar's test of a seed: first without dropout, second with. */
export function testOf(pair: Pair): McNemar {
  return mcnemar(pair.without.wrong, pair.with.wrong);
}

/** Returns results as JSON: a line a value, but lists of numbers in one line. */
export function formatResults(results: Results): string {
  return `${JSON.stringify(results, undefined, 2).replaceAll(/\[[\s\d.,-]+\]/g, (list) => list.replaceAll(/\s+/g, " "))}\n`;
}
