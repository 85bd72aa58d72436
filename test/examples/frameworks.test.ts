// The examples with other frameworks: what they drop is what the reference drops, gradients are those of finite differences, and the program
// runs as its README says. Some ten seconds.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { createDropout } from "wasm-dropout";
import { streamOf } from "wasm-dropout/monte-carlo";
import { dropout as reference } from "../../docs/reference.js";
import * as jax from "../../examples/frameworks/jax.mjs";
import { makeTask, makeWeights, P } from "../../examples/frameworks/network.mjs";
import * as onnx from "../../examples/frameworks/onnx.mjs";
import { layerModel } from "../../examples/frameworks/onnx-model.mjs";
import * as plain from "../../examples/frameworks/plain.mjs";

const { init, jit, numpy: np, valueAndGrad } = jax.library;
const { Tensor } = onnx.library;

type Matrix = number[][];

const SEED = 7;
const at = (matrix: Matrix, row: number, column: number) => matrix[row]?.[column] as number;
const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => (b[0] as number[]).map((_, column) => row.reduce((sum, value, i) => sum + value * at(b, i, column), 0)));
const single = (matrix: Matrix): Matrix => matrix.map((row) => row.map(Math.fround));
const values = (length: number) => Float32Array.from({ length }, (_, i) => (i % 3 === 0 ? -1 : 1) * (i + 0.7));
const floats = (data: unknown) => Array.from(data as Float32Array);

function expectClose(actual: Iterable<number>, expected: Iterable<number>, relative: number): void {
  const [a, b] = [[...actual], [...expected]];
  expect(a).toHaveLength(b.length);
  for (const [i, value] of b.entries()) expect(Math.abs((a[i] as number) - value)).toBeLessThanOrEqual(relative * (1 + Math.abs(value)));
}

describe("plain arrays", () => {
  it("drops nested arrays as one, and the same elements of the gradient", async () => {
    const dropout = await createDropout({ seed: SEED });
    const rows = [[1, -2, 3, Number.NaN], [], [5, 6], [Infinity, -8, 9, 10, 11]];
    const { rows: dropped, ticket } = plain.forward(dropout, rows, 0.5, { stream: 3 });
    expect(dropped.map(({ length }) => length)).toEqual([4, 0, 2, 5]);
    expect(dropped.flat()).toEqual([...reference("tile", BigInt(SEED), 3n, 0.5, Float64Array.from(rows.flat()))]);
    const gradient = plain.backward(await createDropout(), rows, JSON.parse(JSON.stringify(ticket)));
    expect(gradient).toEqual(dropped);
    expect(at(rows, 0, 0)).toBe(1);
  });

  it("has the gradient of finite differences with the mask held", async () => {
    const dropout = await createDropout({ seed: SEED });
    const task = makeTask();
    const weights = await makeWeights(SEED);
    const lossOf = (w: typeof weights) => plain.lossAndGradient(dropout, w, task, 0.5, { stream: 1 }).loss;
    const { gradient } = plain.lossAndGradient(dropout, weights, task, 0.5, { stream: 1 });
    const step = 2 ** -20;
    for (const layer of ["hidden", "output"] as const) {
      const moved = (row: number, column: number, by: number) => ({
        ...weights,
        [layer]: weights[layer].map((line, n) => line.map((value, i) => (n === row && i === column ? value + by : value))),
      });
      const differences = weights[layer].map((line, n) =>
        line.map((_, i) => (lossOf(moved(n, i, step)) - lossOf(moved(n, i, -step))) / (2 * step)),
      );
      expect(differences.flat().some((slope) => Math.abs(slope) > 0.1)).toBe(true);
      expectClose(gradient[layer].flat(), differences.flat(), 1e-6);
    }
  });

  it("learns, the same each time, another network from another seed", async () => {
    const first = await plain.train(SEED, 100);
    expect(first.losses).toHaveLength(100);
    expect(first.losses.at(-1)).toBeLessThan((first.losses[0] as number) / 4);
    expect(await plain.train(SEED, 100)).toEqual(first);
    expect((await plain.train(SEED + 1, 100)).weights).not.toEqual(first.weights);
  });
});

describe("jax-js", () => {
  it("gets the next mask as multipliers, a copy of the buffer", async () => {
    const dropout = await createDropout({ seed: SEED });
    const buffer = dropout.alloc("f32", 600);
    const masks = [0, 1].map(() => jax.multipliers(dropout, buffer, [20, 30], 0.1));
    const ones = new Float32Array(600).fill(1);
    for (const [stream, mask] of masks.entries()) {
      expect(mask.shape).toEqual([20, 30]);
      expect(mask.dataSync()).toEqual(reference("tile", BigInt(SEED), BigInt(stream), 0.1, ones));
    }
  });

  it.each(["wasm", "cpu"] as const)("drops the values of an array, which stays on device %s and keeps its shape", async (device) => {
    await init(device);
    const dropout = await createDropout({ seed: SEED });
    const data = values(300);
    data[5] = Number.NaN;
    const y = jax.dropArray(dropout, np.array(data, { shape: [10, 30], device }), 0.5, { stream: 9 });
    expect([y.shape, y.dtype, y.device]).toEqual([[10, 30], "float32", device]);
    expect(y.dataSync()).toEqual(reference("tile", BigInt(SEED), 9n, 0.5, data));
  });

  it("refuses what the package does not drop, before a stream number is used", async () => {
    const dropout = await createDropout({ seed: SEED });
    expect(() => jax.dropArray(dropout, np.array(Int32Array.of(1, 2, 3)), 0.5)).toThrow(TypeError);
    expect(dropout.state.nextStream).toBe("0");
  });

  it("derives the gradient that is made by hand from tickets", async () => {
    const dropout = await createDropout({ seed: SEED });
    const task = makeTask();
    const weights = await makeWeights(SEED);
    const byHand = plain.lossAndGradient(dropout, weights, task, P, { stream: 0 });
    const mask = jax.multipliers(dropout, dropout.alloc("f32", 36 * 32), [36, 32], P);
    const parameters = { hidden: np.array(weights.hidden), output: np.array(weights.output) };
    const [loss, gradient] = valueAndGrad(jax.loss)(parameters, np.array(task.x), np.array(task.y), mask);
    expectClose([loss.item()], [byHand.loss], 1e-6);
    expectClose(floats(gradient.hidden.dataSync()), byHand.gradient.hidden.flat(), 1e-5);
    expectClose(floats(gradient.output.dataSync()), byHand.gradient.output.flat(), 1e-5);
  });

  it("trains as plain arrays do, the same each time", async () => {
    const first = await jax.train(SEED, 50);
    const byHand = await plain.train(SEED, 50);
    expectClose(first.losses, byHand.losses, 1e-5);
    expectClose(first.weights.hidden.flat(), byHand.weights.hidden.flat(), 1e-4);
    expect(await jax.train(SEED, 50)).toEqual(first);
  });
});

describe("ONNX Runtime", () => {
  const points = [
    [0.5, -0.5, 1],
    [3, 3, 1],
  ];

  it.each([true, false])("computes what the model of a layer says, relu: %s", async (relu) => {
    const { hidden } = await makeWeights(SEED);
    const session = await onnx.openSession(layerModel(hidden, relu));
    const { y } = await session.run({ x: new Tensor("float32", points.flat(), [2, 3]) });
    await session.release();
    expect(y?.dims).toEqual([2, 32]);
    const expected = product(points, single(hidden)).flat();
    expectClose(floats(y?.data), relu ? expected.map((value) => Math.max(0, value)) : expected, 1e-6);
  });

  it.each(["float32", "float64"] as const)("drops a tensor of %s in place", async (type) => {
    const dropout = await createDropout({ seed: SEED });
    const data = type === "float32" ? values(100) : Float64Array.from(values(100));
    const expected = reference("tile", BigInt(SEED), 2n, 0.1, data);
    const tensor = new Tensor(type, data, [4, 25]);
    onnx.dropTensor(dropout, tensor, 0.1, { stream: 2 });
    expect(tensor.data).toBe(data);
    expect(data).toEqual(expected);
  });

  it("drops a tensor over a buffer where it lies", async () => {
    const dropout = await createDropout({ seed: SEED });
    const buffer = dropout.from(values(100));
    const tensor = new Tensor("float32", buffer.array, [100]);
    onnx.dropTensor(dropout, tensor, 0.1, { stream: 2 });
    expect(buffer.array).toEqual(reference("tile", BigInt(SEED), 2n, 0.1, values(100)));
  });

  describe("predictions", () => {
    const passes = 20;
    const hadWorker = "Worker" in globalThis;
    let weights: Awaited<ReturnType<typeof makeWeights>>;
    let prediction: Awaited<ReturnType<typeof onnx.predict>>;

    beforeAll(async () => {
      weights = await makeWeights(SEED);
      prediction = await onnx.predict(weights, points, { seed: SEED, passes });
    });

    it("are mean and variance over networks with the masks of the seed", () => {
      const h = product(points, single(weights.hidden)).map((row) => Float32Array.from(row, (value) => Math.max(0, value)));
      const outputs = Array.from({ length: passes }, (_, pass) =>
        product(
          h.map((row) => [...reference("tile", BigInt(SEED), streamOf(pass, 0), P, row)]),
          single(weights.output),
        ).flat(),
      );
      for (const i of points.keys()) {
        const all = outputs.map((row) => row[i] as number);
        const mean = all.reduce((sum, value) => sum + value, 0) / passes;
        const variance = all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (passes - 1);
        expectClose([prediction.mean[i] as number, prediction.variance[i] as number], [mean, variance], 1e-5);
        expect(variance).toBeGreaterThan(1e-3);
      }
    });

    it("are the same each time, others from another seed", async () => {
      expect(await onnx.predict(weights, points, { seed: SEED, passes })).toEqual(prediction);
      expect((await onnx.predict(weights, points, { seed: SEED + 1, passes })).mean).not.toEqual(prediction.mean);
    });

    it("leave no Worker behind, with which jax-js would compile for another memory than it has", () => {
      expect("Worker" in globalThis).toBe(hadWorker);
      const neverCompiledBefore = jit((x: ReturnType<typeof np.array>) => np.exp(x.ref).mul(x).sub(3.25));
      expectClose(neverCompiledBefore(np.array([0.5, 2])).js(), [0.5 * Math.exp(0.5) - 3.25, 2 * Math.exp(2) - 3.25], 1e-6);
    });
  });
});

describe("npm start", () => {
  const cwd = fileURLToPath(new URL("../../examples/frameworks", import.meta.url));
  const run = () =>
    new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
      const child = spawn("npm", ["start", "--silent"], { cwd, stdio: ["ignore", "pipe", "pipe"] });
      const result = { stdout: "", stderr: "" };
      for (const name of ["stdout", "stderr"] as const) {
        child[name].setEncoding("utf8").on("data", (text: string) => {
          result[name] += text;
        });
      }
      child.on("error", reject).on("close", (code) => resolve({ code, ...result }));
    });

  it("succeeds, quietly, within 80 columns, and shows what the examples compute", async () => {
    const { code, stdout, stderr } = await run();
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);

    const seed = Number(/^Seed (\d+):/.exec(stdout)?.[1]);
    const rows = [[1, 2, 3, 4], [5, 6], [7]];
    const { rows: dropped, ticket } = plain.forward(await createDropout({ seed }), rows, 0.5);
    expect(stdout).toContain(`  ${JSON.stringify(dropped)}\n`);
    const ones = rows.map((row) => row.map(() => 1));
    expect(stdout).toContain(`  ${JSON.stringify(plain.backward(await createDropout(), ones, ticket))}\n`);

    const { losses } = await plain.train(seed, 300);
    const printed = [...stdout.matchAll(/^ +(\d+) +(\d\.\d{6}) +(\d\.\d{6})$/gm)].map((match) => match.slice(1).map(Number));
    expect(printed.map(([step]) => step)).toEqual([0, 1, 10, 100, 299]);
    for (const [step, byHand, byJax] of printed as [number, number, number][]) {
      expect(byHand).toBe(Number((losses[step] as number).toFixed(6)));
      expectClose([byJax], [byHand], 1e-5);
    }

    const { weights } = await jax.train(seed, 300);
    const asked = [...stdout.matchAll(/^ +(-?[\d.]+), (-?[\d.]+) +(-?[\d.]+) +(-?[\d.]+) ± ([\d.]+)$/gm)].map((match) =>
      match.slice(1).map(Number),
    ) as [number, number, number, number, number][];
    expect(asked).toHaveLength(5);
    const prediction = await onnx.predict(
      weights,
      asked.map(([a, b]) => [a, b, 1]),
      { seed, passes: 200 },
    );
    for (const [i, [a, b, exact, mean, deviation]] of asked.entries()) {
      expect(exact).toBe(Number((a * b).toFixed(2)));
      expect(mean).toBe(Number((prediction.mean[i] as number).toFixed(2)));
      expect(deviation).toBe(Number(Math.sqrt(prediction.variance[i] as number).toFixed(2)));
    }
    const deviations = asked.map(([, , , , deviation]) => deviation);
    expect(deviations.slice(0, 3).every((inside) => deviations.slice(3).every((outside) => outside > 2 * inside))).toBe(true);
  });
});
