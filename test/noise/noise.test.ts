// Noise by its API: against the oracle, for arrays and buffers of any length, in place and in pieces, slices and tickets, and what is refused, with
// which message, and that nothing has happened then.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "../../src/core/index.js";
import { createNoise, type Noise, type NoiseTicket } from "../../src/noise/index.js";
import { expectSame, sample } from "../support/oracle.js";
import { expectRefusal } from "../support/refusals.js";
import { deviationOf, type Floats, plus, scaled, times } from "./oracle.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;

const SEED = 42n;
// A little more than the staging area takes at once, of f32 and of f64.
const LENGTHS = [0, 1, 31, 100, 8191, 8192, 16384, 16385, 32768, 32769, 70_001];
const DTYPES = ["f32", "f64"] as const;
const PROBABILITIES = [0, 2 ** -48, 1 / 256, 0.1, 0.5, 1 - 2 ** -48];

let dropout: Dropout;
let noise: Noise;
/** z of stream 7, which the known answers have shown to be right. */
let z: Float32Array;
beforeAll(async () => {
  dropout = await createDropout({ seed: SEED });
  noise = await createNoise(dropout);
  z = noise.normal(70_100, { stream: 7 });
});

const same = (got: unknown, expected: Floats, what: string) => expectSame(got as Floats, expected, what);
const bytes = (x: Floats) => Buffer.from(x.buffer, x.byteOffset, x.byteLength).toString("hex");

describe.each([true, false])("SIMD build: %s", (simd) => {
  beforeAll(async () => {
    noise = await createNoise(dropout, { simd });
  });

  describe.each(DTYPES)("%s", (dtype) => {
    it.each(LENGTHS)("length %d, from arrays and buffers into new ones, given ones and in place", (length) => {
      for (const [op, amount, expected] of [
        ["gaussianDropout", 0.1, (x: Floats) => times(x, z.subarray(3), deviationOf(0.1))],
        ["gaussianNoise", 0.25, (x: Floats) => plus(x, z.subarray(3), 0.25)],
      ] as const) {
        const x = sample(dtype, length) as Float32Array<ArrayBuffer>;
        const y = expected(x);
        const place = { stream: 7, start: 3 };
        const made = noise[op](x, amount, place);
        same(made.y, y, `${op}, new array`);
        const out = x.slice().fill(9);
        expect(noise[op](x, amount, { ...place, out }).y).toBe(out);
        same(out, y, `${op}, given array`);
        using buffer = dropout.from(x);
        using other = dropout.alloc("f32", length);
        using result = noise[op](buffer, amount, place).y;
        same(result.array, y, `${op}, new buffer`);
        if (dtype === "f32") {
          noise[op](x, amount, { ...place, out: other });
          same(other.array, y, `${op}, array to buffer`);
          noise[op](buffer, amount, { ...place, out: out });
          same(out, y, `${op}, buffer to array`);
        }
        noise[op](buffer, amount, { ...place, out: buffer });
        same(buffer.array, y, `${op}, buffer in place`);
        const own = x.slice();
        noise[op](own, amount, { ...place, out: own });
        same(own, y, `${op}, array in place`);

        const dy = sample(dtype, length, 5) as Float32Array<ArrayBuffer>;
        const ticket = JSON.parse(JSON.stringify(made.ticket)) as NoiseTicket;
        const dx = op === "gaussianDropout" ? expected(dy) : dy;
        same(noise.backward(dy, ticket).dx, dx, `${op}, gradient`);
        using gradient = dropout.from(dy);
        expect(noise.backward(gradient, ticket, {}, { dx: gradient }).dx).toBe(gradient);
        same(gradient.array, dx, `${op}, gradient in place`);
      }
    });

    it("every drop probability", () => {
      const x = sample(dtype, 300);
      for (const p of PROBABILITIES) {
        const { y, ticket } = noise.gaussianDropout(x as Float32Array, p, { stream: 7 });
        same(y, times(x, z.subarray(0, 300), deviationOf(p)), `p ${p}`);
        expect(ticket.p).toBe(p);
      }
    });

    it("copies the bits where there is nothing to do, and uses no stream number outside training", () => {
      // A NaN with a payload, that arithmetic would make quiet.
      const x =
        dtype === "f32"
          ? new Float32Array(Uint32Array.of(0x7f800001, 0x80000000).buffer)
          : new Float64Array(BigUint64Array.of(0x7ff0000000000001n, 1n << 63n).buffer);
      const before = dropout.state;
      for (const { y, ticket } of [
        noise.gaussianDropout(x as Float32Array, 0, { stream: 7 }),
        noise.gaussianNoise(x as Float32Array, 0, { stream: 7 }),
        noise.gaussianDropout(x as Float32Array, 0.5, { training: false }),
        noise.gaussianNoise(x as Float32Array, 0.5, { training: false }),
      ]) {
        expect(bytes(y)).toBe(bytes(x));
        expect("p" in ticket ? ticket.p : ticket.stddev).toBe(0);
        expect(bytes(noise.backward(x as Float32Array, ticket).dx)).toBe(bytes(x));
      }
      expect(bytes(noise.backward(x as Float32Array, noise.gaussianNoise(x as Float32Array, 2, { stream: 1 }).ticket).dx)).toBe(bytes(x));
      expect(dropout.state).toEqual(before);
    });
  });

  it("numbers, new and given, of any length", () => {
    for (const length of LENGTHS) {
      same(noise.normal(length, { stream: 7, start: 5 }), z.slice(5, 5 + length) as Floats, `normal, ${length}`);
      const expected = scaled(z.slice(0, length), -3, 0.5);
      same(noise.normal(length, { stream: 7, mean: -3, stddev: 0.5 }), expected, `mean and deviation, ${length}`);
      using buffer = dropout.alloc("f32", length);
      expect(noise.normal(length, { stream: 7, mean: -3, stddev: 0.5, out: buffer })).toBe(buffer);
      same(buffer.array, expected, `into a buffer, ${length}`);
      const out = new Float32Array(length).fill(9);
      expect(noise.uniform(length, { stream: 7, out })).toBe(out);
      same(noise.uniform(length, { stream: 7, out: buffer }).array, out, `uniform, ${length}`);
    }
  });

  it("the noise of a slice is the slice of the noise", () => {
    const x = new Float64Array(500).fill(1);
    const { y, ticket } = noise.gaussianDropout(x, 0.3, { stream: 11, start: 2 ** 40 + 1 });
    const { seed, stream } = ticket;
    for (const [begin, end] of [
      [0, 1],
      [1, 2],
      [2, 77],
      [3, 500],
      [31, 64],
      [499, 500],
    ] as const) {
      const slice = { ...ticket, start: ticket.start + begin, length: end - begin };
      same(noise.backward(x.slice(begin, end), slice).dx, y.slice(begin, end), `${begin} to ${end}, ticket`);
      const place = { seed: BigInt(seed), stream: BigInt(stream), start: ticket.start + begin };
      same(noise.gaussianDropout(x.slice(begin, end), 0.3, place).y, y.slice(begin, end), `${begin} to ${end}, place`);
    }
    same(noise.uniform(8, { start: 2 ** 53 - 8, stream: 1 }).slice(5), noise.uniform(3, { start: 2 ** 53 - 3, stream: 1 }), "the end");
  });
});

it("takes the next number of the instance's sequence, in the order of calls, whatever the kind of its masks", async () => {
  for (const kind of ["tile", "philox"] as const) {
    const instance = await createDropout({ seed: SEED, kind });
    const own = await createNoise(instance);
    const x = new Float32Array(50).fill(1);
    const streams = [own.gaussianDropout(x, 0.5), instance.forward(x, 0.5), own.gaussianNoise(x, 0.5)].map(({ ticket }) => ticket.stream);
    own.normal(3);
    streams.push(own.gaussianNoise(x, 0.5).ticket.stream);
    own.uniform(3);
    streams.push(own.gaussianDropout(x, 0.5, { kind: "normal" }).ticket.stream);
    expect(streams).toEqual(["0", "1", "2", "4", "6"]);
    expect(instance.state.nextStream).toBe("7");
    same(own.normal(100, { stream: 7 }), z.slice(0, 100) as Floats, kind);
    same(instance.dropout(x, 0.5, { stream: 3 }), (await createDropout({ seed: SEED, kind })).dropout(x, 0.5, { stream: 3 }), "masks stay");
  }
});

it("the same noise for f32 and f64", () => {
  const single = noise.gaussianNoise(new Float32Array(100), 1, { stream: 7 }).y;
  const double = noise.gaussianNoise(new Float64Array(100), 1, { stream: 7 }).y;
  same(Float32Array.from(double), single, "z");
  same(double, Float64Array.from(single), "z, exactly");
});

it("a ticket says all there is to say", () => {
  expect(noise.gaussianDropout(new Float32Array(3), 0.1, { seed: 2n ** 64n - 1n, stream: 5, start: 9 }).ticket).toEqual({
    version: 1,
    kind: "normal",
    op: "gaussianDropout",
    seed: "18446744073709551615",
    stream: "5",
    start: 9,
    length: 3,
    p: 0.1,
  });
  expect(noise.gaussianNoise(new Float32Array(3), 2.5, { stream: 5 }).ticket).toEqual({
    version: 1,
    kind: "normal",
    op: "gaussianNoise",
    seed: "42",
    stream: "5",
    start: 0,
    length: 3,
    stddev: 2.5,
  });
});

it("keeps no memory", () => {
  const x = new Float32Array(40_000);
  const run = () => {
    using buffer = dropout.from(x);
    const { y, ticket } = noise.gaussianDropout(buffer, 0.5);
    noise.backward(x, ticket);
    noise.gaussianNoise(x, 0.5);
    noise.normal(1000, { out: x.subarray(0, 1000) });
    y.free();
    expect(() => noise.backward(buffer, { ...ticket, length: 3 }).dx).toThrow(RangeError);
  };
  run();
  const { byteLength } = dropout.memory.buffer;
  for (let k = 0; k < 200; ++k) run();
  expect(dropout.memory.buffer.byteLength).toBe(byteLength);
});

it("results survive growth of the memory, and what cannot grow is refused", async () => {
  const small = await createDropout({ seed: SEED, maxBytes: 2 ** 20 });
  const own = await createNoise(small);
  using x = small.alloc("f32", 100_000);
  const before = small.state;
  const { y } = own.gaussianNoise(x, 1, { stream: 7 });
  same(y.array, scaled(noise.normal(100_000, { stream: 7 }), 0, 1), "after growth");
  expect(() => own.gaussianNoise(x, 1)).toThrow(RangeError);
  expect(small.state).toEqual(before);
  y.free();
  same(own.gaussianNoise(x, 1, { stream: 7 }).y.array.slice(0, 100), z.slice(0, 100) as Floats, "usable");
});

describe("refusals", () => {
  const x = new Float32Array(100).fill(1);
  const out = new Float32Array(100).fill(7);
  const shared = new Float32Array(150).fill(7);
  const ticket = {
    version: 1,
    kind: "normal",
    op: "gaussianDropout",
    seed: "1",
    stream: "2",
    start: 0,
    length: 100,
    p: 0.5,
    stddev: 1,
  } as NoiseTicket;
  const back = (change: object, dy: Anything = x) => noise.backward(dy, { ...ticket, ...change } as Anything, {}, { dx: out }).dx;
  const DATA = "Float32Array, Float64Array or buffer of f32 or f64";
  const F32 = "3.4028234663852886e+38";
  const F64 = "1.7976931348623157e+308";

  const cases: [act: () => unknown, type: typeof TypeError | typeof RangeError, message: string][] = [
    [() => noise.gaussianDropout(x, 1, { out }), RangeError, '"p" expected number in [0, 1), got 1'],
    [() => noise.gaussianDropout(x, -0.1, { out }), RangeError, '"p" expected number in [0, 1), got -0.1'],
    [() => noise.gaussianDropout(x, Number.NaN, { out }), RangeError, '"p" expected number in [0, 1), got NaN'],
    [() => noise.gaussianDropout(x, "0" as Anything, { out }), TypeError, '"p" expected number in [0, 1), got string "0"'],
    [() => noise.gaussianNoise(x, -1, { out }), RangeError, `"stddev" expected number in [0, ${F64}], got -1`],
    [() => noise.gaussianNoise(x, Number.POSITIVE_INFINITY, { out }), RangeError, `"stddev" expected number in [0, ${F64}], got Infinity`],
    [() => noise.gaussianNoise(x, 1e39, { out }), RangeError, `"stddev" expected number in [0, ${F32}], got 1e+39`],
    [() => noise.gaussianNoise(x, null as Anything, { out }), TypeError, `"stddev" expected number in [0, ${F64}], got null`],
    [() => noise.gaussianNoise([1] as Anything, 1), TypeError, `"x" expected ${DATA}, got Array(1)`],
    [() => noise.gaussianNoise(new Uint8Array(3) as Anything, 1), TypeError, `"x" expected ${DATA}, got Uint8Array(3)`],
    [() => noise.gaussianDropout(x, 0.5, null as Anything), TypeError, '"options" expected object, got null'],
    [() => noise.gaussianDropout(x, 0.5, { out: new Float32Array(99) }), RangeError, '"out" expected length 100, got 99'],
    [
      () => noise.gaussianDropout(x, 0.5, { out: new Float64Array(100) as Anything }),
      TypeError,
      '"out" expected Float32Array or f32 buffer, got Float64Array(100)',
    ],
    [
      () => noise.gaussianDropout(shared.subarray(0, 100), 0.5, { out: shared.subarray(50) }),
      RangeError,
      '"out" expected "x" itself or memory apart from it, got memory that overlaps it',
    ],
    [() => noise.gaussianDropout(x, 0.5, { out, training: 1 as Anything }), TypeError, '"training" expected boolean, got 1'],
    [() => noise.gaussianDropout(x, 0.5, { out, kind: "philox" as Anything }), RangeError, '"kind" expected "normal", got string "philox"'],
    [() => noise.normal(3, { kind: 1 as Anything }), TypeError, '"kind" expected "normal", got 1'],
    [
      () => noise.gaussianDropout(x, 0.5, { out, seed: -1 }),
      RangeError,
      '"seed" expected safe integer or bigint in [0, 2^64) (for a negative one, take BigInt.asUintN(64, BigInt(value))), got -1',
    ],
    [
      () => noise.gaussianDropout(x, 0.5, { out, stream: 0.5 }),
      RangeError,
      '"stream" expected safe integer or bigint in [0, 2^64), got 0.5',
    ],
    [
      () => noise.gaussianDropout(x, 0.5, { out, start: 2 ** 53 - 99 }),
      RangeError,
      '"start" expected integer in [0, 9007199254740892], got 9007199254740893',
    ],
    [() => noise.normal(-1), RangeError, '"length" expected integer in [0, 9007199254740992], got -1'],
    [() => noise.uniform("3" as Anything), TypeError, '"length" expected integer in [0, 9007199254740992], got string "3"'],
    [() => noise.uniform(2 ** 52), RangeError, '"length" expected an array that the engine can make, got 4503599627370496 elements of f32'],
    [() => noise.normal(100, { out, mean: Number.NaN }), RangeError, `"mean" expected number in [-${F32}, ${F32}], got NaN`],
    [() => noise.normal(100, { out, mean: "1" as Anything }), TypeError, `"mean" expected number in [-${F32}, ${F32}], got string "1"`],
    [() => noise.normal(100, { out, stddev: 1e39 }), RangeError, `"stddev" expected number in [0, ${F32}], got 1e+39`],
    [() => noise.normal(99, { out }), RangeError, '"out" expected length 99, got 100'],
    [
      () => noise.normal(100, { out: new Float64Array(100) as Anything }),
      TypeError,
      '"out" expected Float32Array or f32 buffer, got Float64Array(100)',
    ],
    [() => noise.backward(x, null as Anything, {}, { dx: out }).dx, TypeError, '"ticket" expected ticket, got null'],
    [() => noise.backward(x, ticket, {}, 3 as Anything).dx, TypeError, '"options" expected object, got 3'],
    [() => back({ version: 2 }), RangeError, '"ticket.version" expected 1, the only version of the specification so far, got 2'],
    [() => back({ kind: "tile" }), RangeError, '"ticket.kind" expected "normal", got string "tile"'],
    [
      () => back({ op: "dropout" }),
      RangeError,
      '"ticket.op" expected "gaussianDropout" or "gaussianNoise", got "dropout", whose backward is that of Dropout',
    ],
    [() => back({ op: undefined }), TypeError, '"ticket.op" expected "gaussianDropout" or "gaussianNoise", got undefined'],
    [() => back({ seed: 1 }), TypeError, '"ticket.seed" expected string of decimal digits below 2^64, got 1'],
    [() => back({ stream: "-1" }), RangeError, '"ticket.stream" expected string of decimal digits below 2^64, got string "-1"'],
    [() => back({ start: -1 }), RangeError, '"ticket.start" expected integer in [0, 9007199254740892], got -1'],
    [() => back({ length: 1.5 }), RangeError, '"ticket.length" expected integer in [0, 9007199254740992], got 1.5'],
    [() => back({ p: 1 }), RangeError, '"ticket.p" expected number in [0, 1), got 1'],
    [() => back({ p: undefined }), TypeError, '"ticket.p" expected number in [0, 1), got undefined'],
    [() => back({ op: "gaussianNoise", stddev: -1 }), RangeError, `"ticket.stddev" expected number in [0, ${F64}], got -1`],
    [() => back({ length: 99 }), RangeError, '"dy" expected length 99, the ticket\'s, got 100'],
    [() => back({}, "x"), TypeError, `"dy" expected ${DATA}, got string "x"`],
    [
      () => noise.backward(shared.subarray(0, 100), ticket, {}, { dx: shared.subarray(50) }).dx,
      RangeError,
      '"dx" expected "dy" itself or memory apart from it, got memory that overlaps it',
    ],
  ];

  it.each(cases.map(([act, type, message]) => [message, act, type] as const))("%s", (message, act, type) => {
    const before = dropout.state;
    expectRefusal(act, type, message);
    expect(dropout.state).toEqual(before);
    expect(out.every((value) => value === 7) && shared.every((value) => value === 7)).toBe(true);
  });

  it("of what is no instance or no module of noise", async () => {
    await expect(createNoise({} as Anything)).rejects.toThrow('"dropout" expected Dropout of this package, got Object');
    const empty = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
    await expect(createNoise(dropout, { module: empty })).rejects.toThrow(
      '"module" expected a wasm-dropout module, got one without normal_times_f32',
    );
  });
});
