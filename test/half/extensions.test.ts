// 16-bit data in the operations of extensions: what f32 gives for the same numbers, rounded once more, wherever the data lie.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout, type HalfDtype, type WasmBuffer } from "../../src/core/index.js";
import { ACTIVATIONS, createFused, type Fused } from "../../src/fused/index.js";
import { HALF_DTYPES } from "../../src/ground/dtypes.js";
import { createHalf } from "../../src/half/index.js";
import { createLinear } from "../../src/linear/index.js";
import { createMonteCarlo, type PassContext } from "../../src/monte-carlo/index.js";
import { createNoise, type Noise } from "../../src/noise/index.js";
import { createShapes, type Shapes } from "../../src/shapes/index.js";
import { DATA_OR_HALVES, HALF_DTYPE } from "../support/messages.js";
import { expectBytes } from "../support/oracle.js";
import { expectRefusal } from "../support/refusals.js";
import { BUILDS } from "../support/wasm.js";
import { bitsOf, FORMATS, numbersOf } from "./oracle.js";

type Halves = Uint16Array<ArrayBuffer> | WasmBuffer<HalfDtype>;
/** Data of a call, and what goes into its options. */
type Call = (x: never, options: object) => { y: unknown; ticket: object };

/** The extensions over one instance. */
interface Extensions {
  readonly dropout: Dropout;
  readonly fused: Fused;
  readonly shapes: Shapes;
  readonly noise: Noise;
}

/** Finite numbers of the format of all magnitudes that do not overflow, both signs, some subnormal. */
function sample(length: number, dtype: HalfDtype): Uint16Array<ArrayBuffer> {
  const { encode, infinity } = FORMATS[dtype];
  // Below the last binade.
  const most = infinity - (encode(2) - encode(1));
  return Uint16Array.from({ length }, (_, i) => ((i * 7919) % most) | (i % 3 === 0 ? 0x8000 : 0));
}

const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const arrayOf = (data: unknown) => (ArrayBuffer.isView(data) ? data : (data as WasmBuffer).array) as Uint16Array;

// Lengths around what is staged at once, and shapes of them.
const MAPS = [3, 5, 41, 53];
const LONG = [2, 3, 12_000];
const lengthOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b);

const OPERATIONS: Record<string, { length: number; of: (extensions: Extensions) => { forward: Call; backward: Shapes | Noise } }> = {};
const shaped = (name: string, shape: readonly number[], forward: (shapes: Shapes) => Call) => {
  OPERATIONS[name] = { length: lengthOf(shape), of: ({ shapes }) => ({ forward: forward(shapes), backward: shapes }) };
};
const noisy = (name: string, length: number, forward: (noise: Noise) => Call) => {
  OPERATIONS[name] = { length, of: ({ noise }) => ({ forward: forward(noise), backward: noise }) };
};
const LAST = { noiseShape: [null, null, 1] };
shaped("dropout, a decision each", LONG, (s) => (x, o) => s.broadcastDropout(x, 0.3, { shape: LONG, ...o }));
shaped("dropout, shared", LONG, (s) => (x, o) => s.broadcastDropout(x, 0.3, { shape: LONG, noiseShape: [null, 1, null], ...o }));
shaped(
  "dropout at test time",
  LONG,
  (s) => (x, o) => s.broadcastDropout(x, 0.3, { shape: LONG, ...LAST, rescale: "test", training: false, ...o }),
);
shaped("spatial dropout", MAPS, (s) => (x, o) => s.spatialDropout(x, 0.3, { shape: MAPS, dataFormat: "channelsLast", ...o }));
shaped("drop path", MAPS, (s) => (x, o) => s.dropPath(x, 0.3, { shape: MAPS, ...o }));
shaped("DropBlock", MAPS, (s) => (x, o) => s.dropBlock(x, 0.1, { shape: MAPS, blockSize: 3, ...o }));
shaped("alpha dropout", LONG, (s) => (x, o) => s.alphaDropout(x, 0.3, o));
shaped("feature alpha dropout", MAPS, (s) => (x, o) => s.featureAlphaDropout(x, 0.3, { shape: MAPS, ...o }));
for (const length of [0, 1, 7, 16_385, 70_001]) {
  noisy(`Gaussian dropout of ${length}`, length, (n) => (x, o) => n.gaussianDropout(x, 0.3, o));
  noisy(`Gaussian noise on ${length}`, length, (n) => (x, o) => n.gaussianNoise(x, 0.5, o));
}

/** A fused operation forward and back: `put` makes data of numbers, `saved` what backward gets of a result; gives all results. */
interface FusedRun {
  readonly rows: number;
  readonly columns: number;
  readonly put: (numbers: Float32Array) => Float32Array;
  readonly saved: (h: Float32Array) => Float32Array;
  readonly options: { dtype?: HalfDtype };
}
const FUSED: Record<string, (fused: Fused, run: FusedRun) => Record<string, unknown>> = {
  residual(fused, { rows, columns, put, options }) {
    const [x, residual, bias] = [put(waves(rows * columns, 1)), put(waves(rows * columns, 2)), put(waves(columns, 3))];
    const { y, ticket } = fused.biasDropoutResidual(x, 0.3, { residual, bias, stream: 5, ...options });
    return { y, ...fused.backward(put(waves(rows * columns, 4)), ticket, {}, options) };
  },
  "layer norm"(fused, { rows, columns, put, saved, options }) {
    const [x, residual] = [put(waves(rows * columns, 1)), put(waves(rows * columns, 2))];
    const [bias, gamma, beta] = [put(waves(columns, 3)), put(waves(columns, 4)), put(waves(columns, 5))];
    const forward = fused.dropoutResidualLayerNorm(x, 0.3, { residual, bias, gamma, beta, stream: 5, ...options });
    const { ticket, ...results } = forward;
    const { mean, rstd } = forward;
    const dh = put(waves(rows * columns, 6));
    const dy = put(waves(rows * columns, 7));
    return { ...results, ...fused.backward(dy, ticket, { h: saved(forward.h), mean, rstd, gamma }, { dh, ...options }) };
  },
  softmax(fused, { rows, columns, put, options }) {
    const [logits, mask] = [put(waves(rows * columns, 1)), put(waves(columns, 2).fill(Number.NEGATIVE_INFINITY, 0, columns >> 2))];
    const { y, ticket } = fused.softmaxDropout(logits, 0.3, {
      shape: [rows, columns],
      scale: 0.7,
      attentionMask: mask,
      maskShape: [columns],
      stream: 5,
      ...options,
    });
    return { y, ...fused.backward(put(waves(rows * columns, 3)), ticket, { logits, attentionMask: mask }, options) };
  },
};
for (const activation of ACTIVATIONS) {
  FUSED[activation] = (fused, { rows, columns, put, options }) => {
    const [x, bias] = [put(waves(rows * columns, 1)), put(waves(columns, 2))];
    const { y, ticket } = fused.biasActivationDropout(x, 0.3, { activation, bias, stream: 5, ...options });
    return { y, ...fused.backward(put(waves(rows * columns, 3)), ticket, { x, bias }, options) };
  };
}
// Around a vector, around what is staged at once, and rows longer than that.
const MATRICES = [
  [1, 1],
  [37, 71],
  [250, 137],
  [3, 17_003],
] as const;

/** Numbers in [-3, 3]. */
function waves(length: number, salt: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, i) => 3 * Math.sin(i * (1 + salt / 7) + salt));
}

for (const build of BUILDS) {
  describe(`${build} build`, () => {
    const options = { simd: build === "simd" };
    let all: Extensions;
    beforeAll(async () => {
      const { dropout } = await createHalf(await createDropout({ seed: 42, ...options }), options);
      const shapes = await createShapes(dropout, options);
      all = { dropout, shapes, noise: await createNoise(dropout, options), fused: await createFused(dropout, options) };
    });

    for (const dtype of HALF_DTYPES) {
      const { decode, encode } = FORMATS[dtype];
      it.each(Object.keys(OPERATIONS))(`${dtype}: %s`, (name) => {
        const { length, of } = OPERATIONS[name] as (typeof OPERATIONS)[string];
        const { forward, backward } = of(all);
        const { dropout } = all;
        const x = sample(length, dtype);
        const wide = forward(numbersOf(x, { decode }) as never, { stream: 5 });
        const rounded = (y: unknown) => bytesOf(bitsOf(y as Float32Array, { encode }));
        const y = rounded(wide.y);
        const dx = rounded(backward.backward(numbersOf(x, { decode }), wide.ticket as never).dx);
        const bytes = dropout.memory.buffer.byteLength;

        const buffer = dropout.from(x, dtype);
        const out = dropout.alloc(dtype, length);
        // An odd place in wasm memory and outside it.
        const shifted = dropout.alloc(dtype, length + 1);
        const outside = new Uint16Array(length + 3);
        outside.set(x, 3);
        const unaligned = outside.subarray(3);
        const check = (data: Halves, what: string, into?: Halves) => {
          const given = into === undefined ? {} : { out: into };
          const { y: got, ticket } = forward(data as never, { stream: 5, dtype, ...given });
          if (into !== undefined) expect(got).toBe(into);
          expect(ticket).toEqual(wide.ticket);
          expectBytes(bytesOf(arrayOf(got)), y, what);
          if (into === undefined && !ArrayBuffer.isView(got)) (got as WasmBuffer).free();
          if (into === data) arrayOf(into).set(x);
          const to = into === undefined ? {} : { dx: into };
          const { dx: gradient } = backward.backward(data as WasmBuffer<"f16">, ticket as never, {}, { dtype, ...to } as object);
          expectBytes(bytesOf(arrayOf(gradient)), dx, `${what}, backward`);
          if (into === undefined && !ArrayBuffer.isView(gradient)) (gradient as WasmBuffer).free();
          if (into === data) arrayOf(into).set(x);
        };
        check(x, "array");
        check(buffer, "buffer");
        check(buffer, "buffer to buffer", out);
        check(x, "array to buffer", out);
        check(buffer, "buffer to array", new Uint16Array(length));
        check(buffer, "buffer in place", buffer);
        check(unaligned, "array in place", unaligned);
        const view = shifted.array.subarray(1) as Uint16Array<ArrayBuffer>;
        view.set(x);
        const { y: got } = forward(view as never, { stream: 5, dtype, out: view });
        expectBytes(bytesOf(got as Uint16Array), y, "view of wasm memory in place");
        expectBytes(bytesOf(outside.subarray(0, 3)), new Uint8Array(6), "what lies before");
        expect(shifted.array[0]).toBe(0);

        for (const held of [buffer, out, shifted]) held.free();
        const enough = dropout.memory.buffer.byteLength;
        forward(x as never, { stream: 5, dtype });
        expect(dropout.memory.buffer.byteLength).toBe(enough);
        expect(enough - bytes).toBeLessThan(2 ** 22);
      });

      it(`${dtype}: dropped NaN and infinity give +0, kept NaN the one quiet NaN`, () => {
        const shape = [64, 9];
        const nan = encode(Number.NaN);
        for (const bits of [nan | 0x8001, nan - 1 > encode(Number.POSITIVE_INFINITY) ? nan - 1 : nan, encode(Number.NEGATIVE_INFINITY)]) {
          const x = new Uint16Array(lengthOf(shape)).fill(bits);
          const { y, ticket } = all.shapes.dropPath(x, 0.5, { shape, dtype });
          const keep = all.dropout.replay(ticket, { format: "bytes" });
          const kept = Number.isNaN(decode(bits)) ? nan : bits;
          expect([...y]).toEqual(Array.from(x, (_, i) => (keep[Math.floor(i / 9)] ? kept : 0)));
          expect(all.shapes.dropPath(x, 0, { shape, dtype }).y).toEqual(x);
          expect(all.shapes.dropPath(x, 0.5, { shape, dtype, training: false }).y).toEqual(x);
          expect(all.shapes.dropPath(x, 1, { shape, dtype }).y).toEqual(new Uint16Array(x.length));
        }
      });

      it(`${dtype}: weight scaling, and dropout by level`, async () => {
        const { dropout } = all;
        const linear = await createLinear(dropout, options);
        const w = Uint16Array.from({ length: 65536 }, (_, i) => i);
        const numbers = w.filter((bits) => !Number.isNaN(decode(bits)));
        const scaled = linear.scaleWeights(numbersOf(numbers, { decode }), 0.3);
        expectBytes(bytesOf(linear.scaleWeights(numbers, 0.3, { dtype })), bytesOf(bitsOf(scaled, { encode })), "numbers");
        using buffer = dropout.from(numbers, dtype);
        expect(linear.scaleWeights(buffer, 0.3, { out: buffer })).toBe(buffer);
        expectBytes(bytesOf(buffer.array), bytesOf(bitsOf(scaled, { encode })), "in place");
        expectBytes(bytesOf(linear.scaleWeights(w, 0, { dtype })), bytesOf(w), "p = 0");
        expectBytes(bytesOf(linear.scaleWeights(w, 1, { dtype })), new Uint8Array(2 * w.length), "p = 1");
        expectBytes(
          bytesOf(linear.dropoutLevel(w, 0.3, { seed: 9, dtype }).y),
          bytesOf(dropout.dropout(w, 0.3, { seed: 9, stream: 0, dtype })),
          "level",
        );
        const unlike = `"x" expected Float32Array, Float64Array or buffer of f32 or f64, got Uint16Array(65536)`;
        expectRefusal(() => linear.dropConnect(w as never, 0.5, { w: w as never, shape: { in: 16 } }), TypeError, unlike);
      });

      it.each(Object.keys(FUSED))(`${dtype}: fused %s`, (name) => {
        const operation = FUSED[name] as (typeof FUSED)[string];
        const { dropout, fused } = all;
        const round = (numbers: Float32Array) => numbersOf(bitsOf(numbers, { encode }), { decode });
        const narrow = (numbers: Float32Array) => bitsOf(numbers, { encode }) as unknown as Float32Array;
        for (const [rows, columns] of MATRICES) {
          const expected = operation(fused, { rows, columns, put: round, saved: round, options: {} });
          const rounded = new Map(
            Object.entries(expected).map(([key, numbers]) => {
              const statistic = key === "mean" || key === "rstd";
              return [key, bytesOf(statistic ? (numbers as Float32Array) : narrow(numbers as Float32Array))];
            }),
          );
          const held: WasmBuffer[] = [];
          const hold = (numbers: Float32Array) => {
            held.push(dropout.from(narrow(numbers) as unknown as Uint16Array, dtype));
            return held.at(-1) as unknown as Float32Array;
          };
          const viewed = (numbers: Float32Array) => {
            const [bits, buffer] = [narrow(numbers), dropout.alloc(dtype, numbers.length + 1)];
            held.push(buffer);
            buffer.array.set(bits, 1);
            return buffer.array.subarray(1) as unknown as Float32Array;
          };
          // Room for all, so that views stay attached.
          dropout.alloc("f32", 40 * rows * columns + 200_000).free();
          for (const put of [narrow, hold, viewed]) {
            const results = operation(fused, { rows, columns, put, saved: (h) => h, options: { dtype } });
            expect(Object.keys(results)).toEqual(Object.keys(expected));
            for (const [key, result] of Object.entries(results)) {
              expectBytes(bytesOf(arrayOf(result)), rounded.get(key) as Uint8Array<ArrayBuffer>, `${name} ${rows} x ${columns}, ${key}`);
              if (!ArrayBuffer.isView(result)) held.push(result as WasmBuffer);
            }
            for (const buffer of held.splice(0)) buffer.free();
          }
        }
      });

      it(`${dtype}: fused operations in place`, () => {
        const { dropout, fused } = all;
        const [rows, columns] = [130, 137];
        const numbers = (salt: number) => bitsOf(waves(rows * columns, salt), { encode });
        const row = bitsOf(waves(columns, 9), { encode });
        const options = { stream: 5, dtype, residual: numbers(2), gamma: row, beta: row };
        const same = (got: unknown, expected: unknown, what: string) =>
          expectBytes(bytesOf(arrayOf(got)), bytesOf(arrayOf(expected)), what);
        const expected = fused.dropoutResidualLayerNorm(numbers(1), 0.3, options);
        for (const place of [(bits: Uint16Array<ArrayBuffer>) => bits, (bits: Uint16Array<ArrayBuffer>) => dropout.from(bits, dtype)]) {
          const [x, residual, gamma, beta] = [numbers(1), numbers(2), row, row].map((bits): Halves => place(bits)) as [
            Halves,
            Halves,
            Halves,
            Halves,
          ];
          const given = { stream: 5, dtype, residual, gamma, beta, out: x, h: residual } as object;
          const { y, h } = fused.dropoutResidualLayerNorm(x as never, 0.3, given as never);
          expect([y, h]).toEqual([x, residual]);
          same(x, expected.y, "y over x");
          same(residual, expected.h, "h over the residual");
          const logits = place(numbers(3));
          fused.softmaxDropout(logits as never, 0.3, { stream: 5, dtype, shape: [rows, columns], out: logits, backward: false } as never);
          same(logits, fused.softmaxDropout(numbers(3), 0.3, { stream: 5, dtype, shape: [rows, columns] }).y, "softmax");
          const branch = place(numbers(4));
          fused.biasDropoutResidual(branch as never, 0.3, { stream: 5, dtype, residual: place(numbers(2)), out: branch } as never);
          same(branch, fused.biasDropoutResidual(numbers(4), 0.3, { stream: 5, dtype, residual: numbers(2) }).y, "residual");
        }
      });

      it(`${dtype}: fused operations refuse a second dtype`, () => {
        const { dropout, fused } = all;
        const { state } = dropout;
        const [x, f32, other] = [
          new Uint16Array(8),
          new Float32Array(8),
          dropout.alloc(HALF_DTYPES.find((one) => one !== dtype) as HalfDtype, 8),
        ];
        const holders = `Uint16Array${dtype === "f16" ? ", Float16Array" : ""} or ${dtype} buffer`;
        const expected = (operand: string, got: string) => `"${operand}" expected ${holders}, got ${got}(8)`;
        const options = { dtype, residual: x, gamma: x, beta: x };
        expectRefusal(() => fused.biasActivationDropout(x, 0.5, { dtype, bias: f32 }), TypeError, expected("bias", "Float32Array"));
        expectRefusal(
          () => fused.biasDropoutResidual(x, 0.5, { dtype, residual: f32 as never }),
          TypeError,
          expected("residual", "Float32Array"),
        );
        expectRefusal(
          () => fused.dropoutResidualLayerNorm(x, 0.5, { ...options, gamma: f32 }),
          TypeError,
          '"beta" expected Float32Array or f32 buffer, got Uint16Array(8)',
        );
        expectRefusal(
          () => fused.dropoutResidualLayerNorm(x, 0.5, { ...options, h: other as never }),
          TypeError,
          expected("h", `${other.dtype} buffer`),
        );
        expectRefusal(
          () => fused.dropoutResidualLayerNorm(x, 0.5, { ...options, mean: new Uint16Array(1) as never }),
          TypeError,
          '"mean" expected Float32Array or f32 buffer, got Uint16Array(1)',
        );
        expectRefusal(
          () => fused.softmaxDropout(x, 0.5, { dtype, shape: [8], attentionMask: f32 }),
          TypeError,
          expected("attentionMask", "Float32Array"),
        );
        other.free();
        expect(dropout.state).toEqual(state);
      });

      it(`${dtype}: a stored mask gives what the ticket gives`, () => {
        const x = sample(lengthOf(MAPS), dtype);
        const mask = new Uint8Array(2);
        const { ticket } = all.shapes.spatialDropout(x, 0.3, { shape: MAPS, dtype, mask });
        const rate = { p: 0.3, shape: MAPS, noiseShape: [null, null, 1, 1] };
        expect(all.shapes.backward(x, rate, { mask }, { dtype })).toEqual(all.shapes.backward(x, ticket, {}, { dtype }));
      });
    }

    it.each(HALF_DTYPES)("%s: dropout of a Monte-Carlo pass", async (dtype) => {
      const { dropout } = all;
      const monteCarlo = await createMonteCarlo(dropout, options);
      const [samples, features] = [2, 4099];
      const x = sample(samples * features, dtype);
      const { decode } = FORMATS[dtype];
      const model = (data: Uint16Array<ArrayBuffer>, context: PassContext) => {
        const y = context.dropout(data, 0.3, { layer: 2, dtype });
        using buffer = dropout.from(data, dtype);
        expect(context.dropout(buffer, 0.3, { layer: 2, out: buffer })).toBe(buffer);
        expect(buffer.array).toEqual(y);
        for (let row = 0; row < samples; ++row) {
          const [from, to] = [row * features, (row + 1) * features];
          const stream = context.stream({ layer: 2, sample: row });
          expect(y.subarray(from, to)).toEqual(dropout.dropout(data.slice(from, to), 0.3, { ...stream, dtype }));
        }
        return y;
      };
      const settings = { passes: 2, samples, masks: "perExample", seed: 3 } as const;
      const prediction = await monteCarlo.predict(model, x, { ...settings, dtype });
      const wide = (data: Uint16Array<ArrayBuffer>, context: PassContext) => numbersOf(model(data, context), { decode });
      expect(prediction).toEqual(await monteCarlo.predict(wide, x, settings));
      const inWasm = (data: Uint16Array<ArrayBuffer>, context: PassContext) => dropout.from(model(data, context), dtype);
      expect(await monteCarlo.predict(inWasm, x, settings)).toEqual(prediction);
      const logits = { ...settings, classes: features, output: "logits" } as const;
      const classified = await monteCarlo.predict(model, x, { ...logits, dtype });
      expect(classified).toEqual(await monteCarlo.predict(wide, x, logits));
      await expect(monteCarlo.predict(model, x, settings)).rejects.toThrow('"output" expected Float32Array, Float64Array, Float16Array,');
      await expect(monteCarlo.predict(model, x, { ...settings, dtype: "f8" as never })).rejects.toThrow(
        new RangeError(`"dtype" expected ${HALF_DTYPE}, got string "f8"`),
      );
    });

    it("refuses what it cannot take, with nothing done", async () => {
      const { dropout, shapes, noise } = all;
      const x = new Uint16Array(8);
      const { state } = dropout;
      const shape = [2, 4];
      const either = `"x" expected ${DATA_OR_HALVES}, got `;
      expectRefusal(() => shapes.dropPath(x, 0.5, { shape }), TypeError, `${either}Uint16Array(8)`);
      expectRefusal(() => noise.gaussianDropout(x, 0.5), TypeError, `${either}Uint16Array(8)`);
      const unknown = `"dtype" expected ${HALF_DTYPE}, got string "f8"`;
      expectRefusal(() => shapes.dropPath(x, 0.5, { shape, dtype: "f8" as never }), RangeError, unknown);
      const out = new Uint16Array(9).fill(7);
      const options = { dtype: "bf16", out } as const;
      expectRefusal(() => shapes.dropPath(x, 0.5, { shape, ...options }), RangeError, '"out" expected length 8, got 9');
      expectRefusal(() => noise.gaussianNoise(x, 0.5, options), RangeError, '"out" expected length 8, got 9');
      const expected = '"out" expected Uint16Array or bf16 buffer, got f16 buffer(8)';
      const wrong = dropout.alloc("f16", 8);
      expectRefusal(() => noise.gaussianNoise(x, 0.5, { dtype: "bf16", out: wrong as never }), TypeError, expected);
      wrong.free();
      const overlap = '"out" expected "x" itself or memory apart from it, got memory that overlaps it';
      const data = out.subarray(0, 8);
      expectRefusal(() => noise.gaussianNoise(data, 0.5, { dtype: "bf16", out: out.subarray(1) }), RangeError, overlap);
      const held = dropout.alloc("f16", 9);
      const [first, second] = [held.array.subarray(0, 8), held.array.subarray(1)];
      expectRefusal(() => shapes.dropPath(first, 0.5, { shape, dtype: "f16", out: second }), RangeError, overlap);
      expectRefusal(() => noise.gaussianNoise(second, 0.5, { dtype: "f16", out: first }), RangeError, overlap);
      held.free();
      expect(dropout.state).toEqual(state);
      expect(out).toEqual(new Uint16Array(9).fill(7));
      // Noise that f16 cannot hold, forward and back; bf16 holds it, and outside training there is none.
      const wild = 1 - 2 ** -33;
      const infinite = "a value at which the standard deviation of noise is below 65520, infinity of f16, got one of";
      const deviation = Math.sqrt(wild / (1 - wild));
      expectRefusal(() => noise.gaussianDropout(x, wild, { dtype: "f16" }), RangeError, `"p" expected ${infinite} ${deviation}`);
      expectRefusal(() => noise.gaussianNoise(x, 65520, { dtype: "f16" }), RangeError, `"stddev" expected ${infinite} 65520`);
      const wide = noise.gaussianDropout(x, wild, { dtype: "bf16", stream: 1 });
      expectRefusal(() => noise.backward(x, wide.ticket, {}, { dtype: "f16" }), RangeError, `"ticket.p" expected ${infinite} ${deviation}`);
      expect(noise.gaussianNoise(x, 1e5, { dtype: "f16", training: false, stream: 1 }).y).toEqual(x);
      expect(dropout.state).toEqual(state);
      const without = await createShapes(await createDropout({ seed: 1 }), { simd: build === "simd" });
      expectRefusal(
        () => without.dropPath(x, 0.5, { shape, dtype: "bf16" }),
        TypeError,
        '"x" expected Float32Array, Float64Array or buffer of f32 or f64 (16-bit data need the instance of createHalf() of wasm-dropout/half), got Uint16Array(8)',
      );
    });
  });
}
