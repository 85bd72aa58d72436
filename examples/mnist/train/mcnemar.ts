// McNemar's test: whether two classifiers that are tried on the same examples differ in their errors.

/** The result of a test. */
export interface McNemar {
  /** The number of examples that the first alone gets wrong. */
  readonly onlyFirst: number;
  /** The number of examples that the second alone gets wrong. */
  readonly onlySecond: number;
  /** The probability, if both were equally good, of numbers at least as far apart as these. */
  readonly p: number;
}

/**
 * Tests the numbers of the examples that two classifiers get wrong; each at most once, in any order.
 *
 * The exact test on both sides: of two equally good classifiers, each example that one alone gets wrong is as probably the first's as the
 * second's, so that the smaller number is binomial with probability 1/2 (McNemar 1947, Psychometrika 12, 153–157; in this form Agresti 2002,
 * Categorical Data Analysis, 10.1.4).
 */
export function mcnemar(first: readonly number[], second: readonly number[]): McNemar {
  const [ofFirst, ofSecond] = [new Set(first), new Set(second)];
  const onlyFirst = first.filter((number) => !ofSecond.has(number)).length;
  const onlySecond = second.filter((number) => !ofFirst.has(number)).length;
  return { onlyFirst, onlySecond, p: Math.min(1, 2 * lowerTail(Math.min(onlyFirst, onlySecond), onlyFirst + onlySecond)) };
}

/** The probability of at most `most` heads in `tosses` of a fair coin. */
function lowerTail(most: number, tosses: number): number {
  // As logarithms, as 2^-tosses may be smaller than any number but 0.
  let log = -tosses * Math.LN2;
  let sum = 0;
  for (let heads = 0; heads <= most; ++heads) {
    sum += Math.exp(log);
    log += Math.log((tosses - heads) / (heads + 1));
  }
  return sum;
}
