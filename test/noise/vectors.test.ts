// The known answers of the normal stream: the reference gives them, and so do both builds, for arrays and buffers.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { gaussianDropout, gaussianNoise, normal, uniform } from "../../docs/normal-reference.js";
import { createDropout, type Dropout, type Dtype } from "../../src/core/index.js";
import { createNoise, type Noise } from "../../src/noise/index.js";
import { type Floats, numbers } from "./oracle.js";

interface Place {
  readonly seed: string;
  readonly stream: string;
  readonly start: number;
}
interface Numbers extends Place {
  readonly distribution: "normal" | "uniform";
  readonly count: number;
  readonly values?: string;
  readonly sha256?: string;
}
interface Operation extends Place {
  readonly op: "gaussianDropout" | "gaussianNoise";
  readonly p?: number;
  readonly stddev?: number;
  readonly dtype: Dtype;
  readonly x: string;
  readonly y: string;
}

const text = readFileSync(new URL("../vectors/normal-stream.json", import.meta.url), "utf8");
const file = JSON.parse(text) as { numbers: Numbers[]; operations: Operation[] };
const listed = file.numbers.filter(({ values }) => values !== undefined);
const hashed = file.numbers.filter(({ sha256 }) => sha256 !== undefined);

const title = ({ seed, stream, start, ...rest }: Numbers | Operation) => {
  const what = "op" in rest ? `${rest.op} ${rest.dtype} ${rest.p ?? rest.stddev}` : `${rest.distribution} x ${rest.count}`;
  return `${what}, seed ${seed}, stream ${stream}, start ${start}`;
};
const place = ({ seed, stream, start }: Place) => ({ seed: BigInt(seed), stream: BigInt(stream), start });

/** The bits of each number in hexadecimal digits. */
function bits(x: Float32Array | Float64Array): string {
  const bytes = new DataView(x.buffer, x.byteOffset, x.byteLength);
  return Array.from(x, (_, i) =>
    x instanceof Float32Array
      ? bytes
          .getUint32(4 * i, true)
          .toString(16)
          .padStart(8, "0")
      : bytes
          .getBigUint64(8 * i, true)
          .toString(16)
          .padStart(16, "0"),
  ).join(" ");
}

const dataOf = ({ x, dtype }: Operation): Floats => {
  const values = x.split(" ").map(Number);
  return dtype === "f32" ? Float32Array.from(values) : Float64Array.from(values);
};
const run = (noise: Noise, one: Operation, x: Floats, more: object = {}) =>
  one.op === "gaussianDropout"
    ? noise.gaussianDropout(x as Float32Array, one.p as number, { ...place(one), ...more })
    : noise.gaussianNoise(x as Float32Array, one.stddev as number, { ...place(one), ...more });

it("the file holds every kind of case", () => {
  expect(listed.length + hashed.length).toBe(file.numbers.length);
  for (const distribution of ["normal", "uniform"]) {
    expect(listed.filter((one) => one.distribution === distribution).length).toBeGreaterThanOrEqual(9);
    expect(hashed.filter((one) => one.distribution === distribution).length).toBeGreaterThanOrEqual(2);
  }
  for (const { values, count } of listed) expect(values?.split(" ").length).toBe(count);
  for (const op of ["gaussianDropout", "gaussianNoise"]) {
    for (const dtype of ["f32", "f64"]) {
      expect(file.operations.filter((one) => one.op === op && one.dtype === dtype).length).toBeGreaterThanOrEqual(8);
    }
  }
});

describe("reference", () => {
  it.each(listed.map((one) => [title(one), one] as const))("%s", (_, one) => {
    expect(bits(numbers(one.distribution, BigInt(one.seed), BigInt(one.stream), one.start, one.count))).toBe(one.values);
  });

  it.each(file.operations.map((one) => [title(one), one] as const))("%s", (_, one) => {
    const { seed, stream, start } = place(one);
    const x = dataOf(one);
    const y =
      one.op === "gaussianDropout"
        ? gaussianDropout(seed, stream, one.p as number, x, start)
        : gaussianNoise(seed, stream, one.stddev as number, x, start);
    expect(bits(y)).toBe(one.y);
  });
});

describe.each([true, false])("SIMD build: %s", (simd) => {
  let dropout: Dropout;
  let noise: Noise;
  beforeAll(async () => {
    dropout = await createDropout({ seed: 1, simd });
    noise = await createNoise(dropout, { simd });
  });

  it.each(listed.map((one) => [title(one), one] as const))("%s", (_, one) => {
    expect(bits(noise[one.distribution](one.count, place(one)))).toBe(one.values);
    using out = dropout.alloc("f32", one.count);
    noise[one.distribution](one.count, { ...place(one), out });
    expect(bits(out.array)).toBe(one.values);
  });

  it.each(hashed.map((one) => [title(one), one] as const))("%s", (_, one) => {
    const all = noise[one.distribution](one.count, place(one));
    expect(createHash("sha256").update(new Uint8Array(all.buffer)).digest("hex")).toBe(one.sha256);
    // The reference takes too long for all of them. Multiples of the golden ratio modulo 1 spread over the whole range.
    for (let k = 0; k < 500; ++k) {
      const i = Math.floor(((k * 0.6180339887498949) % 1) * one.count);
      const expected = { normal, uniform }[one.distribution](BigInt(one.seed), BigInt(one.stream), BigInt(one.start + i));
      if (!Object.is(all[i], expected)) throw new Error(`element ${one.start + i}: ${all[i]} instead of ${expected}`);
    }
  });

  it.each(file.operations.map((one) => [title(one), one] as const))("%s", (_, one) => {
    const x = dataOf(one);
    expect(bits(run(noise, one, x).y)).toBe(one.y);
    using buffer = dropout.from(x as Float32Array);
    run(noise, one, buffer as never, { out: buffer });
    expect(bits(buffer.array)).toBe(one.y);
  });
});
