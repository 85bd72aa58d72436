// Batches: examples have masks of their own wherever they stand, several passes run at once, and a model that may mix examples is found out.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "wasm-dropout";
import { createMonteCarlo, type Prediction } from "wasm-dropout/monte-carlo";
import { createOnnxMonteCarlo } from "wasm-dropout/onnx";
import { DataType, graph, type ModelParts, model, Numbers, node, tensor, value } from "../support/onnx/build.js";
import { mlp, transformer } from "../support/onnx/networks.js";
import { expectSame, load, passesOf, type Runtime, SEED, type Session } from "../support/onnx/runtimes.js";

const ort = load("onnxruntime-web");
const [SAMPLES, STEPS, FEATURES, PASSES] = [3, 4, 6, 5];
const dims = [SAMPLES, STEPS, FEATURES];
const EXAMPLE = STEPS * FEATURES;
const data = new Numbers(6).take(SAMPLES * EXAMPLE);
const INT64 = DataType.INT64;

let dropout: Dropout;
beforeAll(async () => {
  dropout = await createDropout({ seed: SEED });
});

/** A runtime that counts what sessions run. */
function counting(): Runtime & { readonly runs: number[]; readonly open: () => number } {
  const runs: number[] = [];
  let open = 0;
  const create = async (bytes: Uint8Array): Promise<Session> => {
    const session = await ort.InferenceSession.create(bytes);
    const k = runs.push(0) - 1;
    ++open;
    return Object.create(session, {
      run: {
        value: (...args: [never]) => {
          runs[k] = (runs[k] as number) + 1;
          return session.run(...args);
        },
      },
      release: {
        value: () => {
          --open;
          return session.release();
        },
      },
    }) as Session;
  };
  return { InferenceSession: { create }, Tensor: ort.Tensor, runs, open: () => open };
}

const weights = (name: string, shape: readonly number[], seed = 1) =>
  tensor(name, shape, new Numbers(seed).take(shape.reduce((a, b) => a * b, 1)));
const integers = (name: string, values: readonly number[]) => tensor(name, [values.length], values, INT64);
const scalar = (name: string, one: number) => tensor(name, [], [one], INT64);
const drop = (from = "x", to = "d") => node("Dropout", [from], [to], { name: "d" });
const build = (nodes: ModelParts["nodes"], constants: ModelParts["constants"] = [], parts: Partial<ModelParts> = {}) =>
  model({ opset: 13, inputs: [value("x", ["batch", STEPS, FEATURES])], outputs: [value("y")], nodes, constants, ...parts });

function expectClose(a: Prediction, b: Prediction): void {
  expect(a.mean).toHaveLength(b.mean.length);
  for (const [k, one] of a.mean.entries()) expect(Math.abs(one - (b.mean[k] as number))).toBeLessThan(1e-6);
}

async function predict(bytes: Uint8Array, values: Float32Array, shape: readonly number[], options: object = {}) {
  const onnx = await createOnnxMonteCarlo(dropout, { ort, model: bytes });
  try {
    return await onnx.predict(new ort.Tensor("float32", values, shape), { passes: PASSES, ...options });
  } finally {
    await onnx.release();
  }
}

/** Models that keep examples apart; the axis of examples of the output is the first unless it is said. */
const APART: Readonly<Record<string, { readonly bytes: Uint8Array; readonly axis?: number }>> = {
  "a product by weights": { bytes: build([drop(), node("MatMul", ["d", "w"], ["y"])], [weights("w", [FEATURES, 5])]) },
  "a product of examples": {
    bytes: build([drop(), node("Transpose", ["x"], ["t"], { attributes: { perm: [0, 2, 1] } }), node("MatMul", ["d", "t"], ["y"])]),
  },
  "steps before examples, and back": {
    bytes: build([
      node("Transpose", ["x"], ["t"], { attributes: { perm: [1, 0, 2] } }),
      drop("t"),
      node("Sigmoid", ["d"], ["s"]),
      node("Transpose", ["s"], ["y"], { attributes: { perm: [1, 0, 2] } }),
    ]),
  },
  "steps before examples": {
    bytes: build([node("Transpose", ["x"], ["t"], { attributes: { perm: [1, 0, 2] } }), drop("t"), node("Sigmoid", ["d"], ["y"])]),
    axis: 1,
  },
  "examples and steps as one axis": {
    bytes: build(
      [node("Reshape", ["x", "rows"], ["r"]), drop("r"), node("Gemm", ["d", "w"], ["g"]), node("Reshape", ["g", "back"], ["y"])],
      [integers("rows", [-1, FEATURES]), integers("back", [-1, STEPS, 5]), weights("w", [FEATURES, 5])],
    ),
  },
  "sizes from the tensor itself, in the part that passes run": {
    bytes: build(
      [
        drop(),
        node("Shape", ["d"], ["s"]),
        node("Gather", ["s", "zero"], ["b"], { attributes: { axis: 0 } }),
        node("Gather", ["s", "two"], ["f"], { attributes: { axis: 0 } }),
        node("Cast", ["f"], ["wide"], { attributes: { to: 1 } }),
        node("Sqrt", ["wide"], ["root"]),
        node("Div", ["d", "root"], ["scaled"]),
        node("Unsqueeze", ["b", "first"], ["b1"]),
        node("Concat", ["b1", "rest"], ["shape"], { attributes: { axis: 0 } }),
        node("Reshape", ["scaled", "shape"], ["y"]),
      ],
      [scalar("zero", 0), scalar("two", 2), integers("first", [0]), integers("rest", [EXAMPLE])],
    ),
  },
  "a token before the steps": {
    bytes: build(
      [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["b"], { attributes: { axis: 0 } }),
        drop(),
        node("Unsqueeze", ["b", "first"], ["b1"]),
        node("Concat", ["b1", "rest"], ["shape"], { attributes: { axis: 0 } }),
        node("Expand", ["token", "shape"], ["tokens"]),
        node("Concat", ["tokens", "d"], ["y"], { attributes: { axis: 1 } }),
      ],
      [scalar("zero", 0), integers("first", [0]), integers("rest", [1, FEATURES]), weights("token", [1, 1, FEATURES])],
    ),
  },
  "softmax, reductions, slices, parts and indices along other axes": {
    bytes: build(
      [
        drop(),
        node("Softmax", ["d"], ["soft"], { attributes: { axis: 1 } }),
        node("Split", ["soft"], ["one", "two"], { attributes: { axis: 2 } }),
        node("Slice", ["one", "from", "to", "axes"], ["slice"]),
        node("Gather", ["two", "places"], ["some"], { attributes: { axis: 1 } }),
        node("Concat", ["slice", "some"], ["joined"], { attributes: { axis: 1 } }),
        node("ReduceMax", ["joined"], ["y"], { attributes: { axes: [1], keepdims: 0 } }),
      ],
      [integers("from", [1]), integers("to", [3]), integers("axes", [1]), integers("places", [2, 0])],
    ),
  },
  "a recurrent layer": {
    bytes: build(
      [
        node("Transpose", ["x"], ["t"], { attributes: { perm: [1, 0, 2] } }),
        drop("t"),
        node("LSTM", ["d", "w", "r"], ["all", "last"], { attributes: { hidden_size: 5 } }),
        node("Squeeze", ["last", "first"], ["y"]),
      ],
      [weights("w", [1, 20, FEATURES]), weights("r", [1, 20, 5], 2), integers("first", [0])],
    ),
  },
  "a sum by letters": {
    bytes: build([drop(), node("Einsum", ["d", "w"], ["y"], { attributes: { equation: "bsf,fg->bg" } })], [weights("w", [FEATURES, 2])]),
  },
  "an input that all examples share": {
    bytes: build([drop(), node("Mul", ["d", "shared"], ["y"])], [weights("shared", [STEPS, FEATURES])]),
  },
};

describe.each(Object.entries(APART))("%s", (_, { bytes, axis = 0 }) => {
  it("has, for each example, the prediction that it has alone", async () => {
    for (const batchPasses of [1, 64]) {
      const all = await predict(bytes, data, dims, { batchPasses, firstSample: 4 });
      expect(all.samples).toBe(SAMPLES);
      const length = all.mean.length / SAMPLES;
      const outer = axis === 0 ? 1 : STEPS;
      const inner = length / outer;
      for (let k = 0; k < SAMPLES; ++k) {
        const part = data.slice(k * EXAMPLE, (k + 1) * EXAMPLE);
        const alone = await predict(bytes, part, [1, STEPS, FEATURES], { batchPasses: 65 - batchPasses, firstSample: 4 + k });
        expect(alone.identicalPasses).toBe(false);
        alone.mean.forEach((one, i) => {
          const place = (Math.floor(i / inner) * SAMPLES + k) * inner + (i % inner);
          expect(Math.abs((all.mean[place] as number) - one)).toBeLessThan(1e-6);
          expect(Math.abs((all.variance[place] as number) - (alone.variance[i] as number))).toBeLessThan(1e-6);
        });
      }
    }
  });
});

/** Models that mix examples, or of which that is not known. */
const MIXED: Readonly<Record<string, Uint8Array>> = {
  "a mean over examples": build([drop(), node("ReduceMean", ["d"], ["m"], { attributes: { axes: [0] } }), node("Sub", ["d", "m"], ["y"])]),
  "a mean over everything": build([drop(), node("ReduceMean", ["d"], ["m"]), node("Sub", ["d", "m"], ["y"])]),
  "a softmax over examples": build([drop(), node("Softmax", ["d"], ["y"], { attributes: { axis: 0 } })]),
  "the older softmax from the first axis on": build([drop(), node("Softmax", ["d"], ["y"], { attributes: { axis: 0 } })], [], {
    opset: 11,
  }),
  "examples that are added up": build([
    drop(),
    node("Transpose", ["x"], ["t"], { attributes: { perm: [1, 2, 0] } }),
    node("Transpose", ["d"], ["u"], { attributes: { perm: [1, 0, 2] } }),
    node("MatMul", ["t", "u"], ["y"]),
  ]),
  "rows across examples": build(
    [
      drop(),
      node("Reshape", ["d", "shape"], ["r"]),
      node("Softmax", ["r"], ["s"], { attributes: { axis: 1 } }),
      node("Reshape", ["s", "back"], ["y"]),
    ],
    [integers("shape", [1, -1, FEATURES]), integers("back", [-1, STEPS, FEATURES])],
  ),
  "the size of the batch as a number": build(
    [
      drop(),
      node("Shape", ["d"], ["s"]),
      node("Gather", ["s", "zero"], ["b"], { attributes: { axis: 0 } }),
      node("Cast", ["b"], ["wide"], { attributes: { to: 1 } }),
      node("Div", ["d", "wide"], ["y"]),
    ],
    [scalar("zero", 0)],
  ),
  "examples in another order": build(
    [drop(), node("Slice", ["d", "from", "to", "axes", "steps"], ["y"])],
    [integers("from", [-1]), integers("to", [-1000]), integers("axes", [0]), integers("steps", [-1])],
  ),
  "a running sum of examples": build([drop(), node("CumSum", ["d", "axis"], ["y"])], [scalar("axis", 0)]),
  "an operator that is not known": build(
    [drop(), node("Slice", ["d", "from", "to", "axes"], ["square"]), node("Det", ["square"], ["y"])],
    [integers("from", [0]), integers("to", [4]), integers("axes", [2])],
  ),
  "a loop": build(
    [
      drop(),
      node("Loop", ["times", "", "d"], ["y"], {
        name: "loop",
        attributes: {
          body: graph({
            nodes: [node("Identity", ["c"], ["c2"]), node("Add", ["v", "v"], ["v2"])],
            inputs: [value("i", [], INT64), value("c", [], DataType.BOOL), value("v")],
            outputs: [value("c2", [], DataType.BOOL), value("v2")],
          }),
        },
      }),
    ],
    [scalar("times", 2)],
  ),
};

it.each(Object.entries(MIXED))("%s: the batch is one example, and two are refused", async (_, bytes) => {
  const prediction = await predict(bytes, data, dims);
  expect(prediction.samples).toBe(1);
  expect(prediction.identicalPasses).toBe(false);
  await expect(predict(bytes, data, dims, { samples: SAMPLES })).rejects.toThrow(
    /"samples" expected 1 for a model that may mix examples, got 3; the reason is /,
  );
  expect(await predict(bytes, data, dims, { samples: 1 })).toEqual(prediction);
});

it("a batch as one example draws one mask for all of it", async () => {
  const bytes = build([drop(), node("Relu", ["d"], ["y"])]);
  const inputs = { x: { dims, data: [...data] } };
  const prediction = await predict(bytes, data, dims, { samples: 1 });
  expectSame(prediction, passesOf({ bytes, inputs, output: "y", rates: { d: 0.5 }, axes: { d: -1 } }, PASSES));
});

it("runs what passes have in common once, and several passes at once", async () => {
  const { bytes, input } = transformer();
  const shape = [1, ...input];
  const x = new ort.Tensor("float32", new Numbers(3).take(shape.reduce((a, b) => a * b, 1)), shape);
  const runtime = counting();
  const onnx = await createOnnxMonteCarlo(dropout, { ort: runtime, model: bytes, rates: { embedding: 0, attention: 0, projection: 0 } });
  const first = await onnx.predict(x, { passes: 40 });
  expect(runtime.open()).toBe(2);
  const before = [...runtime.runs];
  expect(await onnx.predict(x, { passes: 40 })).toEqual(first);
  expect(runtime.runs.map((runs, k) => runs - (before[k] as number))).toEqual([1, 1, 0]);
  const apart = await onnx.predict(x, { passes: 40, batchPasses: 1 });
  expect(runtime.runs.map((runs, k) => runs - (before[k] as number))).toEqual([2, 41, 0]);
  expectClose(apart, first);
  await onnx.release();
  expect(runtime.open()).toBe(0);
});

it("runs fewer passes at once where they make more than fits into the caches", async () => {
  const { bytes } = mlp(512);
  const runtime = counting();
  const onnx = await createOnnxMonteCarlo(dropout, { ort: runtime, model: bytes });
  const x = new ort.Tensor("float32", new Numbers(3).take(512 * 784), [512, 784]);
  await onnx.predict(x, { passes: 6 });
  const [rest] = runtime.runs as [number];
  expect(rest).toBeGreaterThan(2);
  await onnx.release();
});

it.each<[string, object]>([
  ["no classes", {}],
  ["passes kept", { keepPasses: true }],
  ["logits", { classes: FEATURES, output: "logits" }],
  ["logits along another axis, kept", { classes: STEPS, output: "logits", classAxis: 1, keepPasses: true }],
  ["sigmoids", { classes: FEATURES, output: "sigmoids" }],
])("outputs of several passes are added as those of one are: %s", async (what, options) => {
  const bytes = build([drop(), node(what === "sigmoids" ? "Sigmoid" : "Tanh", ["d"], ["y"])]);
  const told: number[] = [];
  const onProgress = ({ done }: { done: number }) => void told.push(done);
  const together = await predict(bytes, data, dims, { ...options, passes: 11, batchPasses: 4 });
  expect(await predict(bytes, data, dims, { ...options, passes: 11, batchPasses: 4, onProgress })).toEqual(together);
  expect(told).toEqual(Array.from({ length: 11 }, (_, k) => k + 1));
  const until = { standardError: 0 };
  expect(await predict(bytes, data, dims, { ...options, passes: 11, batchPasses: 4, until })).toEqual(together);
  // A rule that ends the run in the midst of a batch.
  const soon = await predict(bytes, data, dims, { ...options, passes: 11, batchPasses: 4, until: { standardError: 9, leastPasses: 3 } });
  expect(soon).toEqual(await predict(bytes, data, dims, { ...options, passes: 3, batchPasses: 4 }));
});

it("outputs of several passes that are long are staged one by one", async () => {
  const shape = [2, 1, 9001];
  const bytes = model({
    inputs: [value("x", ["batch", 1, 9001])],
    outputs: [value("y")],
    nodes: [drop(), node("Tanh", ["d"], ["y"])],
  });
  const x = new Numbers(8).take(2 * 9001);
  const together = await predict(bytes, x, shape, { passes: 4, batchPasses: 4 });
  expect(await predict(bytes, x, shape, { passes: 4, batchPasses: 4, onProgress: () => {} })).toEqual(together);
});

it("a prediction does not depend on those before it, whose arrays it uses again", async () => {
  const { bytes } = APART["steps before examples, and back"] as { readonly bytes: Uint8Array };
  const onnx = await createOnnxMonteCarlo(dropout, { ort, model: bytes });
  const part = (first: number, count: number) =>
    new ort.Tensor("float32", data.slice(first * EXAMPLE, (first + count) * EXAMPLE), [count, STEPS, FEATURES]);
  const asked = [
    { x: part(0, 3), options: { passes: 7, keepPasses: true } },
    { x: part(1, 1), options: { passes: 7, keepPasses: true, batchPasses: 3 } },
    { x: part(0, 3), options: { passes: 7, keepPasses: true, masks: "perPass" as const } },
    { x: part(0, 3), options: { passes: 7, keepPasses: true, masks: "perPass" as const, batchPasses: 1 } },
    { x: part(1, 2), options: { passes: 7, keepPasses: true, seed: 3 } },
    { x: part(0, 3), options: { passes: 7, keepPasses: true } },
  ];
  const alone: Prediction[] = [];
  for (const { x, options } of asked) {
    const fresh = await createOnnxMonteCarlo(dropout, { ort, model: bytes });
    alone.push(await fresh.predict(x, options));
    await fresh.release();
  }
  for (const [k, { x, options }] of asked.entries()) expect(await onnx.predict(x, options)).toEqual(alone[k]);
  expect(await Promise.all(asked.map(({ x, options }) => onnx.predict(x, options)))).toEqual(alone);
  await onnx.release();
});

it("a runtime in another thread takes the memory of what it is fed", async () => {
  const create = async (bytes: Uint8Array): Promise<Session> => {
    const session = await ort.InferenceSession.create(bytes);
    const run = async (feeds: Parameters<Session["run"]>[0], fetches: never) => {
      const copies = Object.entries(feeds).map(([name, { type, data: own, dims: sizes }]) => {
        const taken = structuredClone(own, { transfer: [own.buffer as ArrayBuffer] });
        return [name, new ort.Tensor(type, taken, sizes)] as const;
      });
      return await (session.run as (...args: unknown[]) => ReturnType<Session["run"]>)(Object.fromEntries(copies), fetches);
    };
    return { run, release: () => session.release() } as Session;
  };
  const taking = { InferenceSession: { create }, Tensor: ort.Tensor, env: { wasm: { proxy: true } } };
  const { bytes } = APART["steps before examples, and back"] as { readonly bytes: Uint8Array };
  const onnx = await createOnnxMonteCarlo(dropout, { ort: taking, model: bytes });
  const x = new ort.Tensor("float32", data, dims);
  for (const options of [{}, { batchPasses: 1 }, { masks: "perPass" as const }])
    expect(await onnx.predict(x, { passes: PASSES, ...options })).toEqual(await predict(bytes, data, dims, options));
  await onnx.release();
});

it("several inputs, whose axes of examples have one name", async () => {
  const bytes = model({
    inputs: [value("x", ["batch", 4]), value("h", [2, "batch", 4]), value("scale", [4])],
    outputs: [value("y")],
    constants: [scalar("last", 1)],
    nodes: [
      node("Gather", ["h", "last"], ["h1"], { attributes: { axis: 0 } }),
      node("Add", ["x", "h1"], ["sum"]),
      node("Mul", ["sum", "scale"], ["scaled"]),
      node("Dropout", ["h"], ["hd"], { name: "state" }),
      node("Gather", ["hd", "last"], ["h2"], { attributes: { axis: 0 } }),
      drop("scaled"),
      node("Add", ["d", "h2"], ["y"]),
    ],
  });
  const feeds = (count: number, from: number) => ({
    x: new ort.Tensor("float32", new Numbers(1).take(12).slice(4 * from, 4 * (from + count)), [count, 4]),
    h: new ort.Tensor(
      "float32",
      [0, 1].flatMap((k) => [...new Numbers(2 + k).take(12).slice(4 * from, 4 * (from + count))]),
      [2, count, 4],
    ),
    scale: new ort.Tensor("float32", Float32Array.of(1, 2, 3, 4), [4]),
  });
  const onnx = await createOnnxMonteCarlo(dropout, { ort, model: bytes });
  const all = await onnx.predict(feeds(3, 0), { passes: PASSES });
  expect(all.samples).toBe(3);
  for (let k = 0; k < 3; ++k) {
    const alone = await onnx.predict(feeds(1, k), { passes: PASSES, firstSample: k });
    expect([...all.mean.slice(4 * k, 4 * k + 4)]).toEqual([...alone.mean]);
  }
  await onnx.release();
});

it("parts of a run merge into the whole, and a run goes on where another ended", async () => {
  const monteCarlo = await createMonteCarlo(dropout);
  const bytes = APART["a product by weights"]?.bytes as Uint8Array;
  const whole = await predict(bytes, data, dims, { passes: 10, batchPasses: 1 });
  const parts = [];
  for (const firstPass of [0, 4])
    parts.push(await predict(bytes, data, dims, { passes: firstPass === 0 ? 4 : 6, firstPass, batchPasses: 3 }));
  const merged = monteCarlo.merge(JSON.parse(JSON.stringify(parts)) as typeof parts);
  expect(merged.ranges).toEqual([[0, 10]]);
  expectClose(merged, whole);
  const resumed = await predict(bytes, data, dims, { passes: 6, resume: parts[0], batchPasses: 1 });
  expect(resumed.ranges).toEqual([[0, 10]]);
  expectClose(resumed, whole);
});
