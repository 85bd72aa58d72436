// A summary of the outcomes: means over seeds and their spread, in percent.

import type { Point } from "./checkpoint.js";
import type { Outcome } from "./outcome.js";
import { curveCounts, finalCount, type Variant } from "./settings.js";

/** A mean over seeds. */
export interface Spread {
  readonly mean: number;
  /** Standard deviation, with n - 1; NaN for one seed. */
  readonly deviation: number;
  readonly least: number;
  readonly most: number;
}

/** The two runs of a seed. */
export interface Pair extends Readonly<Record<Variant, Outcome>> {
  readonly seed: number;
}

/** The figures after each epoch, in percent. */
export type Measure = "training" | "test" | "gap";

/** The runs by seed. */
export function pairsOf(outcomes: readonly Outcome[]): Pair[] {
  const seeds = [...new Set(outcomes.map(({ run }) => run.seed))];
  const find = (seed: number, dropout: boolean) => outcomes.find(({ run }) => run.seed === seed && run.dropout === dropout) as Outcome;
  return seeds.map((seed) => ({ seed, without: find(seed, false), with: find(seed, true) }));
}

export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)), least: Math.min(...values), most: Math.max(...values) };
}

/** Test error after training, in percent. */
export function testError({ testWrong, run }: Outcome): number {
  return (100 * testWrong) / finalCount(run);
}

/** A measure after an epoch, from 0, over seeds. */
export function measureOver(pairs: readonly Pair[], variant: Variant, epoch: number, measure: Measure): Spread {
  return spreadOf(pairs.map((pair) => measureOf(pair[variant], epoch, measure)));
}

function measureOf({ run, curve }: Outcome, epoch: number, measure: Measure): number {
  const { trainingWrong, testWrong } = curve[epoch] as Point;
  const counts = curveCounts(run);
  const [training, test] = [(100 * trainingWrong) / counts.training, (100 * testWrong) / counts.test];
  return { training, test, gap: test - training }[measure];
}

/** By how many percentage points dropout lowers the test error of each seed. */
export function gainsOf(pairs: readonly Pair[]): number[] {
  return pairs.map((pair) => testError(pair.without) - testError(pair.with));
}
