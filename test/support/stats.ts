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

/** Pearson's chi-square as a normal deviate; classes with few expected are taken together. */
function chiSquareZ(observed: readonly number[], expected: readonly number[]): number {
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
 * What is wrong with deviates that should be standard normal, or "fair": one beyond `bound`, or all together too far from 0, or too near.
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
