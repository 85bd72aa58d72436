// Statistics of sequences of independent bits, each 1 with probability q, as standard normal deviates: a fair sequence gives |z| of a few
// at most. Bits come as 32-bit words, least significant first.

/** The number of ones in a word. */
function popcount(x: number): number {
  const pairs = x - ((x >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** A bit mask as words; its length has to be a multiple of 4 bytes. */
export function words(bits: Uint8Array): Uint32Array {
  return new Uint32Array(bits.slice().buffer);
}

/** Words whose bit i is whether `is(i)`. */
export function wordsOf(length: number, is: (i: number) => boolean): Uint32Array {
  const result = new Uint32Array(length / 32);
  for (let i = 0; i < length; ++i) if (is(i)) result[i >> 5] = (result[i >> 5] as number) | (1 << (i & 31));
  return result;
}

export function ones(bits: Uint32Array): number {
  let sum = 0;
  for (let w = 0; w < bits.length; ++w) sum += popcount(bits[w] as number);
  return sum;
}

/** Deviation of the number of ones. */
export function rateZ(count: number, n: number, q: number): number {
  return (count - n * q) / Math.sqrt(n * q * (1 - q));
}

/**
 * Covariance of bit i of `a` with bit i + lag of `b`: the sum of (a - q)(b - q). The terms of independent bits have mean 0 and variance
 * (q(1-q))^2 and are uncorrelated even where they share a bit.
 */
export function covarianceZ(a: Uint32Array, b: Uint32Array, q: number, lag = 0): number {
  const skip = lag >>> 5;
  const shift = lag & 31;
  const count = a.length - skip - (shift ? 1 : 0);
  let both = 0;
  let single = 0;
  for (let w = 0; w < count; ++w) {
    const x = a[w] as number;
    let y = b[w + skip] as number;
    if (shift) y = (y >>> shift) | ((b[w + skip + 1] as number) << (32 - shift));
    both += popcount(x & y);
    single += popcount(x) + popcount(y);
  }
  const n = 32 * count;
  return (both - q * single + n * q * q) / (Math.sqrt(n) * q * (1 - q));
}

/** Adds the bits to `counts`, bit i to place i modulo its length, which divides the number of bits. */
export function countPositions(bits: Uint32Array, counts: Uint32Array): void {
  for (let w = 0, place = 0; w < bits.length; ++w) {
    let x = bits[w] as number;
    for (let k = 0; k < 32; ++k, x >>>= 1) counts[place + k] = (counts[place + k] as number) + (x & 1);
    place += 32;
    if (place === counts.length) place = 0;
  }
}

/** Deviations of the ones at each place modulo `period`, of counts of `trials` bits a place. */
export function positionZs(counts: Uint32Array, trials: number, period: number, q: number): number[] {
  const sums = new Array<number>(period).fill(0);
  counts.forEach((count, i) => {
    sums[i % period] = (sums[i % period] as number) + count;
  });
  return sums.map((sum) => rateZ(sum, (trials * counts.length) / period, q));
}

/** Chi-square of the lengths of runs against the geometric distribution: of runs of ones and of runs of zeros. */
export function runZs(bits: Uint32Array, q: number): number[] {
  const longest = 64;
  const counts = [new Array<number>(longest).fill(0), new Array<number>(longest).fill(0)] as const;
  let value = (bits[0] as number) & 1;
  let length = 0;
  for (let i = 0; i < 32 * bits.length; ++i) {
    const bit = ((bits[i >> 5] as number) >>> (i & 31)) & 1;
    if (bit === value) {
      ++length;
      continue;
    }
    const histogram = counts[value as 0 | 1];
    const place = Math.min(length, longest) - 1;
    histogram[place] = (histogram[place] as number) + 1;
    value = bit;
    length = 1;
  }
  return counts.map((histogram, of) => {
    const more = of === 1 ? q : 1 - q;
    const runs = histogram.reduce((sum, x) => sum + x);
    const expected = histogram.map((_, k) => runs * more ** k * (k === longest - 1 ? 1 : 1 - more));
    return chiSquareZ(histogram, expected);
  });
}

/** Chi-square of the values of consecutive groups of `width` bits, 8 or 16. */
export function patternZ(bits: Uint32Array, q: number, width: 8 | 16): number {
  const groups = width === 8 ? new Uint8Array(bits.buffer) : new Uint16Array(bits.buffer);
  const observed = new Array<number>(2 ** width).fill(0);
  for (const value of groups) observed[value] = (observed[value] as number) + 1;
  const expected = observed.map((_, value) => groups.length * q ** popcount(value) * (1 - q) ** (width - popcount(value)));
  return chiSquareZ(observed, expected);
}

/**
 * Dispersion of the ones in rows of `width` bits, a multiple of 32: the sum of (k - nq)^2 / (nq(1-q)), whose terms have mean 1 and, by the
 * fourth moment of the binomial distribution, variance 2 + (1 - 6q(1-q)) / (nq(1-q)).
 */
export function dispersionZ(bits: Uint32Array, q: number, width: number): number {
  const rows = (32 * bits.length) / width;
  const variance = width * q * (1 - q);
  let sum = 0;
  for (let row = 0; row < rows; ++row) {
    const kept = ones(bits.subarray((row * width) / 32, ((row + 1) * width) / 32));
    sum += (kept - width * q) ** 2 / variance;
  }
  return (sum - rows) / Math.sqrt(rows * (2 + (1 - 6 * q * (1 - q)) / variance));
}

/** The rank over GF(2) of a matrix of as many rows as `rows`. */
export function rank(rows: readonly Uint32Array[]): number {
  const left = rows.map((row) => Uint32Array.from(row));
  const columns = 32 * (left[0]?.length ?? 0);
  const bit = (row: Uint32Array, column: number) => ((row[column >> 5] as number) >>> (column & 31)) & 1;
  let found = 0;
  for (let column = 0; column < columns; ++column) {
    const at = left.findIndex((row, k) => k >= found && bit(row, column) === 1);
    if (at < 0) continue;
    const pivot = left[at] as Uint32Array<ArrayBuffer>;
    [left[at], left[found]] = [left[found] as Uint32Array<ArrayBuffer>, pivot];
    for (let k = found + 1; k < left.length; ++k) {
      const row = left[k] as Uint32Array;
      if (bit(row, column)) for (let w = column >> 5; w < row.length; ++w) row[w] = (row[w] as number) ^ (pivot[w] as number);
    }
    ++found;
  }
  return found;
}

/**
 * Deviations of the ranks of square matrices of fair bits, of `size` rows, at least 64: of their sum, and, of 100 or more, a chi-square of the
 * classes size, size - 1 and below. Rank size - k has probability 2^(-k^2) times the product of 1 - 2^-i over i > k, divided by that over
 * 1 <= i <= k (Kovalenko, "Distribution of the linear rank of a random matrix", 1972).
 */
export function rankZs(ranks: readonly number[], size: number): number[] {
  const product = (from: number, to: number) => {
    let value = 1;
    for (let i = from; i <= to; ++i) value *= 1 - 2 ** -i;
    return value;
  };
  const probabilities = Array.from({ length: 9 }, (_, k) => (2 ** -(k * k) * product(k + 1, 64)) / product(1, k));
  const moment = (power: number) => probabilities.reduce((sum, x, k) => sum + x * k ** power, 0);
  const deficits = ranks.map((one) => size - one);
  const sum = deficits.reduce((total, k) => total + k);
  const sumZ = (sum - ranks.length * moment(1)) / Math.sqrt(ranks.length * (moment(2) - moment(1) ** 2));
  if (ranks.length < 100) return [sumZ];
  const [full, one] = probabilities as [number, number];
  const observed = [0, 1].map((k) => deficits.filter((deficit) => deficit === k).length) as [number, number];
  const classes = [full, one, 1 - full - one].map((x) => x * ranks.length);
  return [sumZ, chiSquareZ([...observed, ranks.length - observed[0] - observed[1]], classes)];
}

/** The normal distribution function: Abramowitz, Stegun, 26.2.11, whose terms all have the sign of x. */
export function phi(x: number): number {
  let sum = 0;
  for (let k = 1, term = x; Math.abs(term) > 1e-17 * Math.abs(sum); k += 2, term *= (x * x) / k) sum += term;
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

/** Deviations of the first four moments of x from those of the standard normal distribution, whose moments up to the eighth give their spread. */
export function momentZs(x: Float32Array | Float64Array): number[] {
  const sums = [0, 0, 0, 0];
  for (const z of x) for (let k = 0, power = z; k < 4; ++k, power *= z) sums[k] = (sums[k] as number) + power;
  return [
    [0, 1],
    [1, 2],
    [0, 15],
    [3, 96],
  ].map(([moment, variance], k) => ((sums[k] as number) - x.length * (moment as number)) / Math.sqrt(x.length * (variance as number)));
}

/** Pearson's chi-square as a normal deviate; classes with few expected are taken together. */
export function chiSquareZ(observed: readonly number[], expected: readonly number[]): number {
  const few = 5;
  let sum = 0;
  let classes = 0;
  let restObserved = 0;
  let restExpected = 0;
  observed.forEach((got, k) => {
    const wanted = expected[k] as number;
    if (wanted < few) {
      restObserved += got;
      restExpected += wanted;
      return;
    }
    sum += (got - wanted) ** 2 / wanted;
    ++classes;
  });
  if (restExpected >= few) {
    sum += (restObserved - restExpected) ** 2 / restExpected;
    ++classes;
  }
  return normalOfChiSquare(sum, classes - 1);
}

/** A chi-square value as a normal deviate: Wilson, Hilferty, "The distribution of chi-square", PNAS 17 (1931). */
function normalOfChiSquare(value: number, degrees: number): number {
  const variance = 2 / (9 * degrees);
  return (Math.cbrt(value / degrees) - 1 + variance) / Math.sqrt(variance);
}

/** Two-sided bound for the sum of squares, exceeded by chance once in a million. */
const SPREAD = 4.9;

/**
 * Returns the fault of deviates that should be standard normal, or "fair": one beyond `bound`, or all together too far from 0, or too near.
 */
export function verdict(zs: readonly number[], bound: number): string {
  let worst = 0;
  let squares = 0;
  for (const z of zs) {
    if (Number.isNaN(z)) return "one of the deviates is no number";
    if (Math.abs(z) > Math.abs(worst)) worst = z;
    squares += z * z;
  }
  if (Math.abs(worst) >= bound) return `one of ${zs.length} deviates is ${worst}`;
  const spread = normalOfChiSquare(squares, zs.length);
  // Below that many the approximation is rough at the lower end.
  if (zs.length >= 10 && Math.abs(spread) >= SPREAD) return `the squares of ${zs.length} deviates sum to ${squares}`;
  return "fair";
}
