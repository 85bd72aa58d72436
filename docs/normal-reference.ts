// The normal stream, element by element, as docs/normal-stream.md defines it: slow, without state, to port from and to test against.
// Math.fround after each operation is what f32 arithmetic gives: a double holds enough bits that rounding twice is rounding once.

import { philox } from "./reference.js";

const f32 = Math.fround;
const add = (a: number, b: number): number => f32(a + b);
const sub = (a: number, b: number): number => f32(a - b);
const mul = (a: number, b: number): number => f32(a * b);

const view = new DataView(new ArrayBuffer(4));
const ofBits = (bits: number): number => {
  view.setUint32(0, bits);
  return view.getFloat32(0);
};
const bitsOf = (x: number): number => {
  view.setFloat32(0, x);
  return view.getUint32(0);
};

const LN2_HIGH = ofBits(0x3f318000);
const LN2_LOW = ofBits(0xb95e8083);
const LOG = [0x3eaaaaaa, 0xbe800113, 0x3e4cd00d, 0xbe2a3940, 0x3e116cab, 0xbe06c182, 0x3e02af1d, 0xbd9c6203].map(ofBits);
const RADIANS = ofBits(0x30c90fdb);
const SIN = [0xbe2aaaa3, 0x3c08839e, 0xb94ca1f9].map(ofBits);
const COS = [0x3d2aaaa5, 0xbab6061a, 0x37ccf5ce].map(ofBits);

/** ln u for u in [2^-33, 1]. */
export function ln(u: number): number {
  const above = (bitsOf(u) - 0x3f3504f3) | 0;
  const e = above >> 23;
  const f = sub(ofBits(bitsOf(u) - (e << 23)), 1);
  const f2 = mul(f, f);
  const pair = (k: number): number => add(mul(LOG[k + 1] as number, f), LOG[k] as number);
  const p = [4, 2, 0].reduce((sum, k) => add(mul(sum, f2), pair(k)), pair(6));
  const rest = add(mul(e, LN2_LOW), mul(mul(f2, f), p));
  return add(mul(e, LN2_HIGH), add(f, sub(rest, mul(f2, 0.5))));
}

/** c0 + c1 x + c2 x². */
const quadratic = ([c0, c1, c2]: readonly number[], x: number): number =>
  add(mul(c2 as number, mul(x, x)), add(mul(c1 as number, x), c0 as number));

/** cos and sin of 2 pi w / 2^32. */
export function turn(w: number): { cos: number; sin: number } {
  const h = (w + 2 ** 29) % 2 ** 32;
  const quarter = Math.floor(h / 2 ** 30);
  const a = mul(f32((h % 2 ** 30) - 2 ** 29), RADIANS);
  const a2 = mul(a, a);
  const a4 = mul(a2, a2);
  const s = add(mul(mul(a2, a), quadratic(SIN, a2)), a);
  const c = add(mul(a4, quadratic(COS, a2)), sub(1, mul(a2, 0.5)));
  const [cos, sin] = [
    [c, s],
    [-s, c],
    [-c, -s],
    [s, -c],
  ][quarter] as [number, number];
  return { cos, sin };
}

const split = (x: bigint): [bigint, bigint] => [x & 0xffffffffn, x >> 32n];

/** The four words of the block of element i. */
export function words(seed: bigint, stream: bigint, i: bigint): number[] {
  const [low, high] = split(i & ~3n);
  return philox([...split(stream), low, high | 0x80000000n], split(seed)).map(Number);
}

/** Element i of the uniform numbers. */
export function uniform(seed: bigint, stream: bigint, i: bigint): number {
  return ((words(seed, stream, i)[Number(i & 3n)] as number) >>> 8) * 2 ** -24;
}

/** sqrt(-2 ln u) of the first word of a pair. */
export function radius(word: number): number {
  const u = add(mul(f32(word), 2 ** -32), 2 ** -33);
  return f32(Math.sqrt(mul(-2, ln(u))));
}

/** Element i of the normal numbers. */
export function normal(seed: bigint, stream: bigint, i: bigint): number {
  const block = words(seed, stream, i);
  const first = Number(i & 2n);
  const { cos, sin } = turn(block[first + 1] as number);
  return mul(radius(block[first] as number), i & 1n ? sin : cos);
}

type Data = Float32Array | Float64Array;
const rounding = (x: Data): ((value: number) => number) => (x instanceof Float32Array ? f32 : (value) => value);

/** Gaussian dropout of x, whose first element has index `start` in the stream. */
export function gaussianDropout<X extends Data>(seed: bigint, stream: bigint, p: number, x: X, start = 0): X {
  const round = rounding(x);
  const s = round(Math.sqrt(p / (1 - p)));
  const y = x.slice() as X;
  if (s === 0) return y;
  for (let i = 0; i < x.length; ++i) y[i] = (x[i] as number) * round(1 + round(s * normal(seed, stream, BigInt(start + i))));
  return y;
}

/** x and Gaussian noise of standard deviation `stddev`. */
export function gaussianNoise<X extends Data>(seed: bigint, stream: bigint, stddev: number, x: X, start = 0): X {
  const round = rounding(x);
  const s = round(stddev);
  const y = x.slice() as X;
  if (s === 0) return y;
  for (let i = 0; i < x.length; ++i) y[i] = (x[i] as number) + round(s * normal(seed, stream, BigInt(start + i)));
  return y;
}
