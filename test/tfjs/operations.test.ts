// Operations on tensors against oracles, on the backends that Node has: values, gradients, refusals, and no tensor left behind.

import * as tf from "@tensorflow/tfjs-core";
import { beforeEach, describe, expect, it } from "vitest";
import { createTfjsDropout } from "../../src/tfjs/index.js";
import { deviationOf, numbers, plus, times } from "../noise/oracle.js";
import { expand, map, product } from "../shapes/oracle.js";
import { chance, drop, expectSame, KINDS, keepBytes, sample, uniforms } from "../support/oracle.js";
import { BACKENDS, type Floats, leftBy, take, useBackend } from "./setup.js";

const SEED = 42n;
// Around a vector, the pieces of extensions and those of the core.
const LENGTHS = [0, 1, 3, 16, 8191, 8193, 32769];

const keepOf = (kind: (typeof KINDS)[number], stream: bigint, length: number, rate: number, seed = SEED) =>
  keepBytes(uniforms(kind, seed, stream, 0, length), chance(kind, rate));

describe.each(BACKENDS)("operations on %s", (backend) => {
  beforeEach(() => useBackend(backend));

  it.each(KINDS)("dropout is that of the streams of the seed, and its gradient the same mask: %s", async (kind) => {
    const wd = await createTfjsDropout({ seed: SEED, kind });
    let stream = 0n;
    for (const length of LENGTHS) {
      for (const rate of [0, 1 / 256, 0.5, 1 - 2 ** -48]) {
        const [x, dy] = [sample("f32", length) as Floats, sample("f32", length, 5) as Floats];
        const [keep, p] = [keepOf(kind, stream, length, rate), chance(kind, rate)];
        const [xs, dys] = [tf.tensor1d(x), tf.tensor1d(dy)];
        expectSame(take(wd.dropout(xs, rate)), drop(x, keep, p), `${length}, ${rate}`);
        ++stream;
        const gradient = tf.grad((input: tf.Tensor) => wd.dropout(input, rate))(xs, dys);
        expectSame(take(gradient), drop(dy, keepOf(kind, stream, length, rate), p), `gradient: ${length}, ${rate}`);
        ++stream;
        expectSame(Float32Array.from(xs.dataSync()), x, "x");
        tf.dispose([xs, dys]);
      }
    }
    expect(wd.state).toEqual({ version: 1, kind, seed: "42", nextStream: `${stream}`, layers: 0 });
  });

  it.each([
    { shape: [6, 4], noiseShape: [null, 1], full: [6, 1] },
    { shape: [6, 4], noiseShape: [4], full: [1, 4] },
    { shape: [3, 2, 5], noiseShape: [3, 1, 5], full: [3, 1, 5] },
    { shape: [2, 3, 4, 5], noiseShape: [1, null, 1, null], full: [1, 3, 1, 5] },
    { shape: [], noiseShape: [], full: [] },
  ])("dropout of $shape with noise shape $noiseShape", async ({ shape, noiseShape, full }) => {
    const wd = await createTfjsDropout({ seed: SEED });
    const length = product(shape);
    const [x, dy] = [sample("f32", length) as Floats, sample("f32", length, 5) as Floats];
    const p = chance("tile", 0.5);
    const keep = (stream: bigint) => expand(keepOf("tile", stream, product(full), 0.5), shape, full);
    const [xs, dys] = [tf.tensor(x, shape), tf.tensor(dy, shape)];
    const y = wd.dropout(xs, 0.5, noiseShape);
    expect(y.shape).toEqual(shape);
    expectSame(take(y), drop(x, keep(0n), p), "y");
    const gradient = tf.grad((input: tf.Tensor) => wd.dropout(input, 0.5, noiseShape))(xs, dys);
    expectSame(take(gradient), drop(dy, keep(1n), p), "dx");
    tf.dispose([xs, dys]);
  });

  it("alpha dropout", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const alpha = 1.7580993408473766;
    const a = 1 / Math.sqrt((alpha * alpha * 0.25 + 1) * 0.75);
    const b = alpha * a * 0.25;
    const [x, dy] = [sample("f32", 24) as Floats, sample("f32", 24, 5) as Floats];
    const affine = (value: number, round: (value: number) => number) => round(value * round(a)) + round(b);
    for (const noiseShape of [undefined, null, [4, 1]]) {
      const [xs, dys] = [tf.tensor2d(x, [4, 6]), tf.tensor2d(dy, [4, 6])];
      const masks = [0n, 1n].map((stream) =>
        noiseShape ? expand(keepOf("tile", stream, 4, 0.25), [4, 6], noiseShape) : keepOf("tile", stream, 24, 0.25),
      ) as [Uint8Array, Uint8Array];
      const y = take(wd.alphaDropout(xs, 0.25, noiseShape));
      expectSame(y, map(x, masks[0], affine, Math.fround(b - alpha * a)) as Floats, "y");
      const dx = take(tf.grad((input: tf.Tensor) => wd.alphaDropout(input, 0.25, noiseShape))(xs, dys));
      expectSame(dx, map(dy, masks[1], (value, round) => value * round(a), 0) as Floats, "dx");
      tf.dispose([xs, dys]);
      wd.restore({ ...wd.state, nextStream: "0" });
    }
  });

  it("Gaussian dropout and noise", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const [x, dy] = [sample("f32", 1000) as Floats, sample("f32", 1000, 5) as Floats];
    const z = (stream: bigint) => numbers("normal", SEED, stream, 0, 1000);
    const [xs, dys] = [tf.tensor3d(x, [10, 4, 25]), tf.tensor3d(dy, [10, 4, 25])];
    expectSame(take(wd.gaussianDropout(xs, 0.2)), times(x, z(0n), deviationOf(0.2)), "y");
    expectSame(
      take(tf.grad((input: tf.Tensor) => wd.gaussianDropout(input, 0.2))(xs, dys)),
      times(dy, z(1n), deviationOf(0.2)),
      "gradient",
    );
    expectSame(take(wd.gaussianNoise(xs, 0.3)), plus(x, z(2n), 0.3), "y of noise");
    expectSame(take(tf.grad((input: tf.Tensor) => wd.gaussianNoise(input, 0.3))(xs, dys)), dy, "gradient of noise");
    tf.dispose([xs, dys]);
  });

  it("has gradients of the second order, with the mask of the call", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const x = Float32Array.from({ length: 64 }, (_, i) => i / 8 - 3);
    const keep = keepOf("tile", 0n, 64, 0.5);
    const cubes = (input: tf.Tensor) => tf.pow(wd.dropout(input, 0.5), 3);
    const xs = tf.tensor1d(x);
    const second = take(tf.grad((input: tf.Tensor) => tf.grad(cubes)(input))(xs));
    // d2/dx2 of (m x)^3 is 6 m^3 x, m being 0 or 2.
    second.forEach((value, i) => {
      expect(value).toBeCloseTo(keep[i] ? 48 * (x[i] as number) : 0, 3);
    });
    const noisy = take(tf.grad((input: tf.Tensor) => tf.grad((inner: tf.Tensor) => tf.pow(wd.gaussianNoise(inner, 0.1, 7), 2))(input))(xs));
    for (const value of noisy) expect(value).toBeCloseTo(2, 5);
    xs.dispose();
  });

  it("leaves no tensor and no memory of the heap behind, inside tidy and outside", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const x = tf.ones([64, 32]);
    const dx = tf.grad((input: tf.Tensor) => tf.mul(wd.dropout(input, 0.5), wd.dropout(input, 0.5, [null, 1])));
    const round = () => {
      dx(x).dispose();
      wd.dropout(x, 0.5).dispose();
      wd.dropout(x, 0).dispose();
      wd.alphaDropout(x, 0.5).dispose();
      wd.gaussianDropout(x, 0.5).dispose();
      wd.gaussianNoise(x, 0.5).dispose();
      wd.dropout([1, 2, 3], 0.5).dispose();
      tf.tidy(() => {
        wd.dropout(wd.dropout(x, 0.5), 0.5);
      });
    };
    round();
    const buffers = tf.memory().numDataBuffers;
    const heap = (tf.backend() as unknown as { wasm?: { HEAPU8: Uint8Array } }).wasm;
    const bytes = heap?.HEAPU8.length;
    expect(
      leftBy(() => {
        for (let i = 0; i < 1000; ++i) round();
      }),
    ).toBe(0);
    expect(tf.memory().numDataBuffers).toBe(buffers);
    expect(heap?.HEAPU8.length).toBe(bytes);
    const kept = tf.tidy(() => wd.dropout(x, 0.5));
    expect(kept.isDisposed).toBe(false);
    expect(kept.shape).toEqual([64, 32]);
    tf.dispose([x, kept]);
  });

  it("keeps no tensor for the gradient", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const x = tf.ones([1000]);
    let during = 0;
    const gradient = tf.grad((input: tf.Tensor) => {
      const before = tf.memory().numTensors;
      const y = wd.dropout(input, 0.5);
      during = tf.memory().numTensors - before;
      return y;
    });
    gradient(x).dispose();
    expect(during).toBe(1);
    x.dispose();
  });

  it("refuses what tf.dropout refuses, before a stream is used and with nothing left behind", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const x = tf.ones([2, 3]);
    const refused = (run: () => unknown, kind: typeof TypeError | typeof RangeError, message: string) => {
      expect(leftBy(() => expect(run, message).toThrow(kind))).toBe(0);
      expect(run).toThrow(message);
    };
    const range = (got: unknown) => `"rate" expected number in [0, 1), got ${got}`;
    for (const rate of [1, 1.5, -0.1, Number.NaN]) {
      refused(() => wd.dropout(x, rate), RangeError, range(rate));
      expect(() => tf.dropout(x, rate)).toThrow();
    }
    refused(() => wd.dropout(x, "0.5" as never), TypeError, range('string "0.5"'));
    refused(() => wd.alphaDropout(x, 1), RangeError, range(1));
    refused(() => wd.gaussianDropout(x, 1), RangeError, range(1));
    refused(() => wd.gaussianNoise(x, -1), RangeError, '"stddev" expected number in [0, 3.4028234663852886e+38], got -1');
    for (const dtype of ["int32", "bool"] as const) {
      const whole = tf.ones([2, 3], dtype);
      const message = `"x.dtype" expected "float32", got string "${dtype}"`;
      for (const run of [
        () => wd.dropout(whole, 0.5),
        () => wd.dropout(whole, 0),
        () => wd.alphaDropout(whole, 0.5),
        () => wd.gaussianDropout(whole, 0.5),
        () => wd.gaussianNoise(whole, 0.5),
      ]) {
        refused(run, TypeError, message);
      }
      expect(() => tf.dropout(whole, 0.5)).toThrow();
      whole.dispose();
    }
    refused(() => wd.dropout(x, 0.5, [3, 2]), RangeError, '"noiseShape[0]" expected 1 or 2, got 3');
    refused(() => wd.dropout(x, 0.5, [1, 1, 3]), RangeError, '"noiseShape" expected at most 2 dimensions, got [1, 1, 3]');
    refused(() => wd.dropout(x, 0.5, "ab" as never), TypeError, '"noiseShape" expected array of dimensions, got string "ab"');
    refused(() => wd.alphaDropout(x, 0.5, [2]), RangeError, '"noiseShape[0]" expected 1 or 3, got 2');
    const seed = '"seed" expected finite number, bigint in [0, 2^64) or string that is not empty';
    refused(() => wd.dropout(x, 0.5, null, Number.POSITIVE_INFINITY), RangeError, `${seed}, got Infinity`);
    refused(() => wd.dropout(x, 0.5, null, -1n), RangeError, `${seed}, got -1n`);
    refused(() => wd.dropout(x, 0.5, null, true as never), TypeError, `${seed}, got true`);
    refused(() => wd.gaussianNoise(x, 0.5, ""), RangeError, `${seed}, got an empty string`);
    expect(wd.state.nextStream).toBe("0");
    x.dispose();
    expect(() => wd.dropout(x, 0.5)).toThrow("disposed");
    expect(wd.state.nextStream).toBe("0");
  });

  it("takes a tensor that another backend holds", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const x = sample("f32", 100) as Floats;
    await useBackend(BACKENDS.find((other) => other !== backend) as string);
    const xs = tf.tensor1d(x);
    await useBackend(backend);
    expectSame(take(wd.dropout(xs, 0.5)), drop(x, keepOf("tile", 0n, 100, 0.5), chance("tile", 0.5)), "y");
    xs.dispose();
  });

  // The expectations of TensorFlow.js's own tests of tf.dropout, for both.
  describe.each(["tf.dropout", "this package's"])("the contract: %s", (whose) => {
    type Dropout = (x: tf.Tensor | tf.TensorLike, rate: number, noiseShape?: number[], seed?: number) => tf.Tensor;
    const operation = async (): Promise<Dropout> => {
      if (whose === "tf.dropout") return tf.dropout;
      const wd = await createTfjsDropout({ seed: SEED });
      return (...args) => wd.dropout(...args);
    };

    it.each([
      [[4], undefined],
      [[2, 3], undefined],
      [[4], [1]],
      [
        [2, 3],
        [2, 1],
      ],
      [[2, 3], [1]],
      [
        [4, 5, 6],
        [4, 1, 6],
      ],
    ])("shape %j, noise shape %j: keeps shape and dtype; what is kept is scaled", async (shape, noiseShape) => {
      const dropout = await operation();
      const x = tf.reshape(tf.range(1, product(shape) + 1), shape);
      for (const rate of [0, 0.75]) {
        const y = dropout(x, rate, noiseShape);
        expect([y.shape, y.dtype]).toEqual([shape, "float32"]);
        const [before, after] = [x.dataSync(), y.dataSync()];
        after.forEach((value, i) => {
          if (value !== 0) expect(value).toBeCloseTo((before[i] as number) / (1 - rate), 4);
        });
        if (rate === 0) expect([...after]).toEqual([...before]);
      }
    });

    it("drops whole rows, or columns, where the noise shape says so", async () => {
      const dropout = await operation();
      const kept = (noiseShape: number[]) => {
        const y = dropout(tf.ones([100, 50]), 0.5, noiseShape);
        return [tf.max(y, 1), tf.min(y, 1), tf.max(y, 0), tf.min(y, 0)].map((extreme) => [...extreme.dataSync()]);
      };
      const [rowMost, rowLeast] = kept([100, 1]);
      expect(rowMost).toEqual(rowLeast);
      expect(new Set(rowMost)).toEqual(new Set([0, 2]));
      const [, , columnMost, columnLeast] = kept([1, 50]);
      expect(columnMost).toEqual(columnLeast);
      expect(new Set(columnMost)).toEqual(new Set([0, 2]));
    });

    it("drops a share near the rate", async () => {
      const dropout = await operation();
      const n = 40_000;
      for (const rate of [0.1, 0.5, 0.9]) {
        const share =
          1 -
          dropout(tf.ones([n]), rate, undefined, 5)
            .dataSync()
            .filter((value) => value !== 0).length /
            n;
        // Five standard deviations.
        expect(Math.abs(share - rate)).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / n));
      }
    });

    it("gives the same for the same seed, another for another", async () => {
      const dropout = await operation();
      const draw = (seed: number) => [...dropout(tf.ones([64]), 0.5, undefined, seed).dataSync()];
      expect(draw(23)).toEqual(draw(23));
      expect(draw(23)).not.toEqual(draw(24));
    });

    it("takes numbers in place of a tensor", async () => {
      const dropout = await operation();
      const y = dropout([1, 2, 2, 1], 0);
      expect([y.dtype, y.shape, [...y.dataSync()]]).toEqual(["float32", [4], [1, 2, 2, 1]]);
      expect(dropout([[1, 2, 3]], 0.5).shape).toEqual([1, 3]);
    });
  });
});

describe("the sequence of masks", () => {
  beforeEach(() => useBackend("cpu"));

  it("is that of the seed, and goes on from a saved place", async () => {
    const [a, b] = [await createTfjsDropout({ seed: SEED }), await createTfjsDropout({ seed: SEED })];
    const next = (wd: typeof a) => take(wd.dropout(tf.ones([64]), 0.5));
    const first = next(a);
    const saved = JSON.stringify(a.state);
    const second = next(a);
    expect([next(b), next(b)]).toEqual([first, second]);
    expect(first).not.toEqual(second);
    b.restore(JSON.parse(saved));
    expect(next(b)).toEqual(second);
    expect(() => b.restore({ ...b.state, layers: -1 })).toThrow('"state.layers" expected integer in [0, 4294967295], got -1');
    expect(() => b.restore({ ...b.state, kind: "philox" })).toThrow('"state.kind" expected "tile", got string "philox"');
    expect(() => b.restore(undefined as never)).toThrow('"state" expected saved state, got undefined');
    expect(take(b.dropout(tf.ones([64]), 0.5, null, "18446744073709551615"))).toEqual(
      take(a.dropout(tf.ones([64]), 0.5, null, 2n ** 64n - 1n)),
    );
    expect(b.state.nextStream).toBe("2");
  });

  it("is a random one without a seed", async () => {
    const seeds = await Promise.all([1, 2].map(async () => (await createTfjsDropout()).state.seed));
    expect(seeds[0]).not.toBe(seeds[1]);
  });

  it("refuses options of the wrong kind", async () => {
    await expect(createTfjsDropout(7 as never)).rejects.toThrow('"options" expected object, got 7');
    await expect(createTfjsDropout({ seed: -1 })).rejects.toThrow(
      '"seed" expected safe integer or bigint in [0, 2^64) (for a negative one, take BigInt.asUintN(64, BigInt(value))), got -1',
    );
  });
});
