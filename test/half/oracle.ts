// The 16-bit formats in plain numbers: what a pattern of bits means, and which pattern is nearest to a number, found from the definition
// of the formats (sign, exponent, fraction) and not by moving bits.

import type { HalfDtype } from "../../src/ground/dtypes.js";

export interface Format {
  /** The bits of infinity, beyond which are NaN. */
  readonly infinity: number;
  /** The bits of the NaN that encode() gives. */
  readonly nan: number;
  /** The number that 16 bits stand for. */
  readonly decode: (bits: number) => number;
  /** The bits of the nearest number, ties to even; the quiet NaN without a sign for NaN. */
  readonly encode: (x: number) => number;
}

/** A format with so many bits of fraction and such a bias, of 16 bits in all. */
function formatOf(fractionBits: number, bias: number): Format {
  const ones = 2 ** fractionBits;
  const topExponent = 2 ** (15 - fractionBits) - 1;
  const infinity = topExponent * ones;
  const meaningOf = (bits: number) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits & 0x7fff) >> fractionBits;
    const fraction = bits & (ones - 1);
    if (exponent === topExponent) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return sign * (exponent ? (1 + fraction / ones) * 2 ** (exponent - bias) : (fraction / ones) * 2 ** (1 - bias));
  };
  // Looked up, as tests decode millions of them.
  const values = Float64Array.from({ length: 2 ** 16 }, (_, bits) => meaningOf(bits));
  const decode = (bits: number) => values[bits] as number;
  const encode = (x: number) => {
    if (Number.isNaN(x)) return infinity | (ones / 2);
    const sign = Object.is(x, -0) || x < 0 ? 0x8000 : 0;
    const magnitude = Math.abs(x);
    // Patterns ascend with the numbers they stand for, so the largest one that is not beyond x is found by halving.
    let below = 0;
    for (let step = 0x4000; step >= 1; step /= 2) if (below + step < infinity && decode(below + step) <= magnitude) below += step;
    const low = decode(below);
    // The number that would follow, also where that is infinite.
    const high = below + 1 === infinity ? low + (low - decode(below - 1)) : decode(below + 1);
    const up = magnitude - low > high - magnitude || (magnitude - low === high - magnitude && below % 2 === 1);
    return sign | (below + (up ? 1 : 0));
  };
  return { infinity, nan: infinity | (ones / 2), decode, encode };
}

/** All formats: bits of fraction and bias. */
export const FORMATS: Readonly<Record<HalfDtype, Format>> = { f16: formatOf(10, 15), bf16: formatOf(7, 127) };

/** The bits of each number. A loop, as typed arrays' own `from` goes through an iterator. */
export function bitsOf(numbers: ArrayLike<number>, { encode }: Pick<Format, "encode">): Uint16Array<ArrayBuffer> {
  const bits = new Uint16Array(numbers.length);
  for (let i = 0; i < bits.length; ++i) bits[i] = encode(numbers[i] as number);
  return bits;
}

/** The number that each pattern of bits stands for. */
export function numbersOf(bits: ArrayLike<number>, { decode }: Pick<Format, "decode">): Float32Array<ArrayBuffer> {
  const numbers = new Float32Array(bits.length);
  for (let i = 0; i < numbers.length; ++i) numbers[i] = decode(bits[i] as number);
  return numbers;
}
