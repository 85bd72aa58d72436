// Summaries that a few disturbed rounds do not move.

/** Median and quartiles. */
export interface Summary {
  readonly median: number;
  readonly quartiles: readonly [lower: number, upper: number];
}

/** Summarises `values`, of which there is at least one. */
export function summarise(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), quartiles: [quantile(sorted, 0.25), quantile(sorted, 0.75)] };
}

// Interpolated between the two nearest ranks.
function quantile(sorted: readonly number[], q: number): number {
  const rank = q * (sorted.length - 1);
  const below = sorted[Math.floor(rank)] as number;
  const above = sorted[Math.ceil(rank)] as number;
  return below + (above - below) * (rank % 1);
}
