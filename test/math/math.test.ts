// The functions of assembly/math against double precision, over all exponents of f32 and at the special values; and their forms, vectors,
// scalars beside them and scalars of the build without SIMD, against each other bit for bit.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { main as asc } from "assemblyscript/asc";
import { beforeAll, describe, expect, it } from "vitest";
import { instantiate } from "../../src/engine/instantiate.js";
import { expectSame } from "../support/oracle.js";

const LEAST_NORMAL = 2 ** -126;
const { NaN: NAN, POSITIVE_INFINITY: INF, MAX_VALUE: HUGE } = Number;

/** erf in double precision: a series of positive terms (Abramowitz, Stegun, 7.1.6), from 2.5 on a continued fraction (7.1.14). */
function erf(x: number): number {
  if (x < 0) return -erf(-x);
  const factor = Math.exp(-x * x) / Math.sqrt(Math.PI);
  if (x < 2.5) {
    let sum = 1;
    for (let n = 1, term = 1; term > 1e-18 * sum; ++n) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 2 * x * factor * sum;
  }
  if (x > 10) return 1;
  let fraction = 0;
  for (let k = 80; k > 0; --k) fraction = k / 2 / (x + fraction);
  return 1 - factor / (x + fraction);
}

const radians = (w: number) => (w / 2 ** 32) * 2 * Math.PI;

interface Row {
  readonly name: string;
  readonly reference: (x: number) => number;
  /** Returns true if the function is defined at x; by default it is everywhere. */
  readonly domain?: (x: number) => boolean;
  /** Largest error in units in the last place of the result. */
  readonly units: number;
  /** Largest absolute error. */
  readonly absolute: number;
  /** True if results below 2^-126 may be 0 instead. */
  readonly flushes?: boolean;
  readonly exact: readonly (readonly [x: number, y: number])[];
}

const TURNS: readonly Row[] = [
  {
    name: "cosTurn",
    reference: (w) => Math.cos(radians(w)),
    units: INF,
    absolute: 1.3e-7,
    exact: [
      [0, 1],
      [2 ** 31, -1],
    ],
  },
  {
    name: "sinTurn",
    reference: (w) => Math.sin(radians(w)),
    units: INF,
    absolute: 1.3e-7,
    exact: [
      [0, 0],
      [2 ** 30, 1],
      [3 * 2 ** 30, -1],
    ],
  },
];

const FLOATS: readonly Row[] = [
  {
    name: "exp",
    reference: Math.exp,
    units: 1,
    absolute: INF,
    exact: [
      [0, 1],
      [-0, 1],
      [INF, INF],
      [-INF, 0],
      [NAN, NAN],
      [88.7228, Math.fround(Math.exp(Math.fround(88.7228)))],
      [88.7229, INF],
      [HUGE, INF],
      [-103.9, 2 ** -149],
      [-104, 0],
      [-HUGE, 0],
    ],
  },
  {
    name: "expNeg",
    reference: Math.exp,
    domain: (x) => !(x > 88),
    units: 1,
    absolute: INF,
    flushes: true,
    exact: [
      [0, 1],
      [-0, 1],
      [-INF, 0],
      [NAN, NAN],
      [-87.69, 0],
      [-HUGE, 0],
    ],
  },
  {
    name: "log",
    reference: Math.log,
    units: 1,
    absolute: INF,
    exact: [
      [0, -INF],
      [-0, -INF],
      [1, 0],
      [INF, INF],
      [-INF, NAN],
      [-(2 ** -149), NAN],
      [-1, NAN],
      [NAN, NAN],
      [2 ** -149, Math.fround(-149 * Math.LN2)],
    ],
  },
  {
    name: "logNormal",
    reference: Math.log,
    domain: (x) => x >= LEAST_NORMAL && x < INF,
    units: 1,
    absolute: INF,
    exact: [[1, 0]],
  },
  {
    name: "sigmoid",
    reference: (x) => 1 / (1 + Math.exp(-x)),
    units: 3,
    absolute: 1e-7,
    flushes: true,
    exact: [
      [0, 0.5],
      [-0, 0.5],
      [INF, 1],
      [-INF, 0],
      [NAN, NAN],
      [HUGE, 1],
      [-HUGE, 0],
    ],
  },
  {
    name: "erf",
    reference: erf,
    units: 4.2,
    absolute: 1.2e-7,
    exact: [
      [0, 0],
      [-0, -0],
      [INF, 1],
      [-INF, -1],
      [NAN, NAN],
      [HUGE, 1],
      [2 ** -149, 2 ** -149],
    ],
  },
  {
    name: "tanh",
    reference: Math.tanh,
    units: 4,
    absolute: 1.6e-7,
    exact: [
      [0, 0],
      [-0, -0],
      [INF, 1],
      [-INF, -1],
      [NAN, NAN],
      [HUGE, 1],
      [2 ** -149, 2 ** -149],
    ],
  },
];

const SRC = 65536;
/** Arguments of a run: 2,048 of each sign and exponent. */
const COUNT = 2 ** 20;
const DST = SRC + 4 * COUNT;
const memory = new WebAssembly.Memory({ initial: (DST + 4 * COUNT) / 65536 });

/** Whole vectors of bits of floats in a domain: for each sign and exponent the ends of the mantissas and others spread over them. */
function floats(domain: (x: number) => boolean = () => true): Uint32Array {
  const bits = new Uint32Array(COUNT);
  for (let i = 0; i < COUNT; ++i) {
    const mantissa = [0, 1, 0x7fffff][i % 2048] ?? Math.imul(i, 0x9e3779b1) >>> 9;
    bits[i] = ((i >>> 11) << 23) | mantissa;
  }
  const inside = bits.filter((_, i) => domain(asFloats(bits)[i] as number));
  return inside.slice(0, inside.length & ~3);
}

/** Words all around the turn, and the neighbours of its eighths. */
function words(): Uint32Array {
  return Uint32Array.from({ length: COUNT }, (_, i) => (i < 64 ? (i >> 3) * 2 ** 29 + (i & 7) - 4 : Math.imul(i, 0x9e3779b1)));
}

let simd: WebAssembly.Exports;
let scalar: WebAssembly.Exports;

beforeAll(async () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const compile = async (target: string) => {
    const file = `build/test-math-${target}.wasm`;
    const options = ["--config", "asconfig.json", "--target", target, "--baseDir", root, "--outFile", file];
    const { error, stderr } = await asc(["test/assembly/math.ts", ...options]);
    if (error) throw new Error(`${target}: ${error.message}\n${stderr.toString()}`);
    return instantiate(new WebAssembly.Module(readFileSync(`${root}${file}`)), memory);
  };
  simd = await compile("simd");
  scalar = await compile("scalar");
});

/** The results of an export for arguments of these bits. */
function run(exports: WebAssembly.Exports, name: string, bits: Uint32Array): Float32Array {
  new Uint32Array(memory.buffer, SRC, bits.length).set(bits);
  (exports[name] as (dst: number, src: number, n: number) => void)(DST, SRC, bits.length);
  return new Float32Array(memory.buffer, DST, bits.length).slice();
}

/** The results of the vector form. */
const vectors = (name: string, bits: Uint32Array) => run(simd, `${name}4_f32`, bits);
const asFloats = (bits: Uint32Array) => new Float32Array(bits.buffer);
const bitsOf = (x: number) => new Uint32Array(Float32Array.of(x).buffer)[0] as number;

/** The distance of neighbouring f32 at |y|. */
function unit(y: number): number {
  const high = new Uint32Array(Float64Array.of(y).buffer)[1] as number;
  return 2 ** (Math.max(((high >>> 20) & 0x7ff) - 1023, -126) - 23);
}

/** Throws unless y is near enough to the exact result. */
function expectNear(row: Row, x: number, y: number): void {
  const exact = row.reference(x);
  const rounded = Math.fround(exact);
  if (Object.is(y, rounded)) return;
  const error = Math.abs(y - exact);
  const near = Number.isFinite(rounded) && error <= row.absolute && error <= row.units * unit(exact);
  const flushed = row.flushes && exact < LEAST_NORMAL && Object.is(y, 0);
  if (!near && !flushed) throw new Error(`${row.name}(${x}) is ${y} instead of ${exact}: ${error / unit(exact)} units off`);
}

describe.each([...FLOATS.map((row) => ({ row, turns: false })), ...TURNS.map((row) => ({ row, turns: true }))])(
  "$row.name",
  ({ row, turns }) => {
    const bits = turns ? words() : floats(row.domain);
    const x = turns ? bits : asFloats(bits);

    it("is near the exact result", () => {
      expect(bits.length).toBeGreaterThan(COUNT / 3);
      vectors(row.name, bits).forEach((y, i) => {
        expectNear(row, x[i] as number, y);
      });
    });

    it("is exact where it has to be, in every lane", () => {
      for (const [argument, y] of row.exact) {
        const same = new Uint32Array(4).fill(turns ? argument : bitsOf(argument));
        expect(vectors(row.name, same), `${row.name}(${argument})`).toEqual(new Float32Array(4).fill(y));
      }
    });

    it("gives the same bits in vectors, alone, and without SIMD", () => {
      const y = vectors(row.name, bits);
      expectSame(run(simd, `${row.name}1_f32`, bits), y, "alone");
      expectSame(run(scalar, `${row.name}1_f32`, bits), y, "without SIMD");
    });
  },
);

describe("one function by another", () => {
  it.each(["erf", "tanh"])("%s is odd and at most 1 in size", (name) => {
    const bits = floats();
    const y = vectors(name, bits);
    const mirrored = vectors(
      name,
      bits.map((b) => b ^ 0x80000000),
    );
    expectSame(
      mirrored,
      y.map((value) => -value),
      name,
    );
    expect(y.filter((value) => Math.abs(value) > 1)).toHaveLength(0);
  });

  it("sin is cos a quarter later", () => {
    const w = words();
    const later = w.map((word) => word - 2 ** 30);
    expectSame(vectors("sinTurn", w), vectors("cosTurn", later), "sinTurn");
  });

  it.each([
    ["logNormal", "log", LEAST_NORMAL, 3e38],
    ["expNeg", "exp", -87.3, 88],
  ])("%s is %s where it is defined", (name, general, from, to) => {
    const bits = floats((x) => x >= from && x <= to);
    expect(bits.length).toBeGreaterThan(COUNT / 3);
    expectSame(vectors(name, bits), vectors(general, bits), name);
  });
});

it("the reference erf has the known values", () => {
  // Abramowitz, Stegun, "Handbook of mathematical functions", table 7.1.
  expect(erf(0.5)).toBeCloseTo(0.5204998778, 10);
  expect(erf(1)).toBeCloseTo(0.8427007929, 10);
  expect(erf(2)).toBeCloseTo(0.995322265, 10);
  expect(erf(2.5)).toBeCloseTo(0.9995930479826, 12);
  expect(erf(3)).toBeCloseTo(0.9999779095, 10);
});
