// The keep streams and dropout, element by element, as docs/keep-streams.md defines them: slow, without state, to port from and to test
// against. Integers are bigints, so that nothing is rounded where the specification does not round.

export type StreamKind = "tile" | "philox";

const word = (x: bigint): bigint => x & 0xffffffffn;
const rotl = (x: bigint, k: bigint): bigint => word((x << k) | (x >> (32n - k)));

/** Philox4x32: four output words of a counter and a key. */
export function philox(counter: readonly bigint[], key: readonly bigint[], rounds = 10): bigint[] {
  let [x0, x1, x2, x3] = counter as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key as [bigint, bigint];
  for (let round = 0; round < rounds; ++round) {
    const a = x0 * 0xd2511f53n;
    const b = x2 * 0xcd9e8d57n;
    [x0, x1, x2, x3] = [(b >> 32n) ^ x1 ^ k0, word(b), (a >> 32n) ^ x3 ^ k1, word(a)];
    [k0, k1] = [word(k0 + 0x9e3779b9n), word(k1 + 0xbb67ae85n)];
  }
  return [x0, x1, x2, x3];
}

/** xoshiro128: the ++ and ** output words of a state, and the state that follows. */
export function xoshiro([s0, s1, s2, s3]: readonly bigint[] = []): { plusPlus: bigint; starStar: bigint; next: bigint[] } {
  if (s0 === undefined || s1 === undefined || s2 === undefined || s3 === undefined) throw new TypeError("a state has four words");
  return {
    plusPlus: word(rotl(word(s0 + s3), 7n) + s0),
    starStar: word(rotl(word(s1 * 5n), 7n) * 9n),
    next: [s0 ^ s1 ^ s3, s0 ^ s1 ^ s2, s0 ^ s2 ^ word(s1 << 9n), rotl(s1 ^ s3, 11n)],
  };
}

/** The stream number of pass, step or call n, a layer and a sample in a domain: 1 training, 2 Monte-Carlo, 3 layers. */
export function domainStream(domain: bigint, n: bigint, layer: bigint, sample: bigint): bigint {
  const [low, high] = philox([...split(n), layer, domain], [0x616d6f64n, 0x31736e69n]) as [bigint, bigint];
  return (((high << 32n) | low) + sample) % 2n ** 64n;
}

const split = (x: bigint): [bigint, bigint] => [word(x), x >> 32n];

/** U(i) of "tile", 48 bits. */
function tileUniform(seed: bigint, stream: bigint, i: bigint): bigint {
  const j = i % 4096n;
  const lane = (j >> 2n) & 3n;
  const [n0, n1] = split(4n * (i / 4096n) + lane);
  let state = philox([n0, n1, ...split(stream)], split(seed));
  for (let step = j >> 4n; step > 0n; --step) state = xoshiro(state).next;
  const { plusPlus, starStar } = xoshiro(state);
  const byte = (x: bigint) => (x >> (8n * (j & 3n))) & 0xffn;
  const [i0, i1] = split(i);
  const [p] = philox([i0, i1 | 0x80000000n, ...split(stream)], split(seed)) as [bigint];
  return (byte(plusPlus) << 40n) | (byte(starStar) << 32n) | p;
}

/** W(i) of "philox", 32 bits. */
function philoxUniform(seed: bigint, stream: bigint, i: bigint): bigint {
  return philox([...split(stream), ...split(i & ~3n)], split(seed))[Number(i & 3n)] as bigint;
}

/** T of a drop probability. */
export function threshold(kind: StreamKind, p: number): bigint {
  return BigInt(Math.round(p * (kind === "tile" ? 2 ** 48 : 2 ** 32)));
}

/** Returns true if element i of a stream is kept at drop probability p. */
export function keep(kind: StreamKind, seed: bigint, stream: bigint, p: number, i: bigint): boolean {
  return (kind === "tile" ? tileUniform : philoxUniform)(seed, stream, i) >= threshold(kind, p);
}

/** 1 / (1 - T / range) to `bits` significant bits: 24 for f32, 53 for f64; ties to even. */
export function scale(kind: StreamKind, p: number, bits: 24 | 53): number {
  const range = kind === "tile" ? 1n << 48n : 1n << 32n;
  const kept = range - threshold(kind, p);
  if (kept === 0n) return Number.POSITIVE_INFINITY;
  let exponent = 1 - bits;
  while (range >= kept << BigInt(exponent + bits)) ++exponent;
  const numerator = exponent < 0 ? range << BigInt(-exponent) : range;
  const denominator = exponent < 0 ? kept : kept << BigInt(exponent);
  let mantissa = numerator / denominator;
  const twice = 2n * (numerator % denominator);
  if (twice > denominator || (twice === denominator && mantissa % 2n === 1n)) ++mantissa;
  return Number(mantissa) * 2 ** exponent;
}

/** Inverted dropout of x, whose first element has index `start` in the stream. */
export function dropout<X extends Float32Array | Float64Array>(
  kind: StreamKind,
  seed: bigint,
  stream: bigint,
  p: number,
  x: X,
  start = 0,
): X {
  const s = scale(kind, p, x instanceof Float32Array ? 24 : 53);
  const y = x.slice() as X;
  if (threshold(kind, p) === 0n) return y;
  // Storing into y rounds the product to its type; a product of two f32 values is exact in f64.
  for (let i = 0; i < x.length; ++i) y[i] = keep(kind, seed, stream, p, BigInt(start + i)) ? (x[i] as number) * s : 0;
  return y;
}
