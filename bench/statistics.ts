// Summaries that a few disturbed rounds do not change.

/** A summary of values that differ by chance and by disturbance. */
export interface Summary {
  readonly median: number;
  readonly quartiles: Interval;
  /** A 95% confidence interval of the distribution's median; the range of all values if they are too few for that. */
  readonly interval: Interval;
}

export type Interval = readonly [lower: number, upper: number];

/** Summarises `values`, of which there is at least one. */
export function summarise(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const outside = ranksOutside(sorted.length);
  return {
    median: quantile(sorted, 0.5),
    quartiles: [quantile(sorted, 0.25), quantile(sorted, 0.75)],
    interval: [sorted[outside] as number, sorted[sorted.length - 1 - outside] as number],
  };
}

// Interpolated between the two nearest ranks.
function quantile(sorted: readonly number[], q: number): number {
  const rank = q * (sorted.length - 1);
  const below = sorted[Math.floor(rank)] as number;
  const above = sorted[Math.ceil(rank)] as number;
  return below + (above - below) * (rank % 1);
}

/**
 * The number of n ordered values that may be left out at each end so that the rest holds the median with 95% confidence: values fall on either side
 * of it like coins, whatever their distribution (the interval of the sign test; Conover, "Practical nonparametric statistics", 3.2).
 */
function ranksOutside(n: number): number {
  const risk = 0.025;
  let probability = 2 ** -n;
  let sum = probability;
  let rank = 0;
  while (sum <= risk) {
    ++rank;
    probability *= (n - rank + 1) / rank;
    sum += probability;
  }
  return Math.max(0, rank - 1);
}
