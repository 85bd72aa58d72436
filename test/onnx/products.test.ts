// Dropout as a product, which is faster than a selection: only where nothing can tell, and never with another result; and dropout of data that are the
// same in all passes, which are fed with what is dropped taken out.

import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "wasm-dropout";
import { createOnnxMonteCarlo, type OnnxOptions, type OnnxPredictOptions } from "wasm-dropout/onnx";
import { DataType, graph, type ModelParts, model, Numbers, node, tensor, value } from "../support/onnx/build.js";
import { expectSame, factorsOf, load, passesOf, RUNTIMES, type Runtime, SEED, type Session } from "../support/onnx/runtimes.js";

const [SAMPLES, FEATURES] = [3, 8];
const dims = [SAMPLES, FEATURES];
const data = new Numbers(4).take(SAMPLES * FEATURES);
const weights = (name: string, shape: readonly number[], seed = 1) =>
  tensor(name, shape, new Numbers(seed).take(shape.reduce((a, b) => a * b, 1)));
const w = weights("w", [FEATURES, FEATURES]);
const v = weights("v", [FEATURES, FEATURES], 2);

let dropout: Dropout;
beforeAll(async () => {
  dropout = await createDropout({ seed: SEED });
});

/** h = dropout of x, plus z: another in each pass. d = dropout of h, which is what is looked at. */
const before = [
  node("Dropout", ["x"], ["a"], { name: "first" }),
  node("Add", ["a", "z"], ["h"]),
  node("Dropout", ["h"], ["d"], { name: "d" }),
];
function build(behind: ModelParts["nodes"], constants: ModelParts["constants"] = [], parts: Partial<ModelParts> = {}): Uint8Array {
  const inputs = ["x", "z"].map((name) => value(name, ["batch", FEATURES]));
  return model({ opset: 11, inputs, outputs: [value("y")], nodes: [...before, ...behind], constants: [w, v, ...constants], ...parts });
}

/** A runtime that keeps the operators and the releases of the models that it opens. */
function watched(ort: Runtime) {
  const opened: string[][] = [];
  const released: number[] = [];
  const runs: number[] = [];
  const create = async (bytes: Uint8Array, options?: object): Promise<Session> => {
    const k = opened.push((fromBinary(ModelProtoSchema, bytes).graph?.node ?? []).map(({ opType }) => opType)) - 1;
    runs.push(0);
    // Providers that are not there in tests.
    const session = await ort.InferenceSession.create(bytes, { ...options, executionProviders: undefined });
    const run = (...args: [never]) => {
      runs[k] = (runs[k] as number) + 1;
      return session.run(...args);
    };
    const release = () => {
      released.push(k);
      return session.release();
    };
    return Object.create(session, { run: { value: run }, release: { value: release } }) as Session;
  };
  return { InferenceSession: { create }, Tensor: ort.Tensor, opened, released, runs };
}

/** The form of dropout d in the part that passes run. */
async function formOf(bytes: Uint8Array, options: Partial<OnnxOptions> = {}): Promise<string> {
  const ort = watched(load("onnxruntime-web"));
  const onnx = await createOnnxMonteCarlo(dropout, { ort, model: bytes, ...options });
  await onnx.release();
  const operators = ort.opened.at(-1) ?? [];
  const [product, selection] = [operators.includes("DequantizeLinear"), operators.includes("Where")];
  expect(product).not.toBe(selection);
  return product ? "product" : "selection";
}

const one = tensor("one", [], [1]);
const matmul = node("MatMul", ["d", "w"], ["m"]);
const branch = (opType: string) =>
  graph({ nodes: [node(opType, ["d"], [`${opType}/out`])], inputs: [], outputs: [value(`${opType}/out`)] });

describe("the form", () => {
  it.each<[string, ModelParts["nodes"], ModelParts["constants"]?]>([
    ["a product by weights", [node("MatMul", ["d", "w"], ["y"])]],
    ["activations and norms", [matmul, node("Relu", ["m"], ["r"]), node("Softmax", ["r"], ["y"])]],
    ["a quotient of it", [node("Div", ["d", "one"], ["y"])], [one]],
    ["a power of it", [node("Pow", ["d", "two"], ["p"]), node("MatMul", ["p", "w"], ["y"])], [tensor("two", [], [2])]],
    ["another dropout", [matmul, node("Relu", ["m"], ["r"]), node("Dropout", ["r"], ["e"]), node("MatMul", ["e", "v"], ["y"])]],
  ])("before %s: a product", async (_, nodes, constants = []) => {
    expect(await formOf(build(nodes, constants))).toBe("product");
  });

  it.each<[string, ModelParts["nodes"], ModelParts["constants"]?]>([
    ["a quotient by it", [node("Div", ["one", "d"], ["y"])], [one]],
    ["a quotient by what follows", [matmul, node("Neg", ["m"], ["n"]), node("Div", ["n", "m"], ["y"])]],
    ["a quotient of itself", [node("Div", ["d", "d"], ["y"])]],
    ["a reciprocal", [matmul, node("Reciprocal", ["m"], ["y"])]],
    ["a negative power", [node("Pow", ["d", "minus"], ["y"])], [tensor("minus", [], [-1])]],
    ["a power that is computed", [node("Pow", ["d", "h"], ["y"])]],
    ["a logarithm", [node("Log", ["d"], ["y"])]],
    ["an operator that is not known", [node("CastLike", ["d", "h"], ["y"])]],
    [
      "subgraphs",
      [
        node("Constant", [], ["c"], { attributes: { value: tensor("", [], [1], DataType.BOOL) } }),
        node("If", ["c"], ["y"], { attributes: { then_branch: branch("Neg"), else_branch: branch("Relu") } }),
      ],
    ],
    ["moves to the output", [node("Transpose", ["d"], ["t"]), node("Identity", ["t"], ["y"])]],
    ["nothing", []],
  ])("before %s: a selection", async (what, nodes, constants = []) => {
    const end = what === "nothing" ? { outputs: [value("d")] } : {};
    expect(await formOf(build(nodes, constants, what.startsWith("an operator") ? { opset: 15 } : end))).toBe("selection");
  });

  it("is a selection of f64, before set 10, where the mask is read, and on devices whose NaN may be anything", async () => {
    const end = [node("MatMul", ["d", "w"], ["y"])];
    expect(await formOf(build(end, [], { opset: 9 }))).toBe("selection");
    expect(await formOf(build(end), { sessionOptions: { executionProviders: ["webgpu"] } })).toBe("selection");
    expect(await formOf(build(end), { sessionOptions: { executionProviders: [{ name: "webgl" }, "wasm"] } })).toBe("selection");
    expect(await formOf(build(end), { sessionOptions: { executionProviders: ["cpu", { name: "wasm" }] } })).toBe("product");
    const masked = [
      ...before.slice(0, 2),
      node("Dropout", ["h"], ["d", "mask"], { name: "d" }),
      node("Cast", ["mask"], ["kept"], { attributes: { to: 1 } }),
      node("Add", ["d", "kept"], ["s"]),
      node("MatMul", ["s", "w"], ["y"]),
    ];
    expect(await formOf(build([], [], { nodes: masked }))).toBe("selection");
    const wide = [
      ...before.slice(0, 2),
      node("Cast", ["h"], ["h64"], { attributes: { to: DataType.DOUBLE } }),
      node("Dropout", ["h64"], ["d64"], { name: "d" }),
      node("Cast", ["d64"], ["d"], { attributes: { to: 1 } }),
      ...end,
    ];
    expect(await formOf(build([], [], { nodes: wide }))).toBe("selection");
  });
});

/** The nodes behind the dropout, which show a NaN or may lose it. */
const BEHIND: Readonly<Record<string, readonly [ModelParts["nodes"], ModelParts["constants"]?]>> = {
  "a product by weights": [[node("MatMul", ["d", "w"], ["y"])]],
  "a comparison": [[matmul, node("Relu", ["m"], ["r"]), node("MatMul", ["r", "v"], ["y"])]],
  "a maximum": [[node("Max", ["d", "zero"], ["r"]), node("MatMul", ["r", "v"], ["y"])], [tensor("zero", [], [0])]],
  "a softmax": [[matmul, node("Softmax", ["m"], ["s"]), node("MatMul", ["s", "v"], ["y"])]],
  "a part of it": [
    [
      node("Slice", ["d", "from", "to", "axes"], ["part"]),
      node("Exp", ["part"], ["e"]),
      node("Clip", ["d", "low", "high"], ["c"]),
      node("MatMul", ["c", "v"], ["m"]),
      node("Concat", ["e", "m"], ["y"], { attributes: { axis: 1 } }),
    ],
    [
      ...["from", "to", "axes"].map((name, k) => tensor(name, [1], [[0, 1, 1][k] as number], DataType.INT64)),
      tensor("low", [], [-0.5]),
      tensor("high", [], [0.5]),
    ],
  ],
};

describe.each(RUNTIMES)("%s", (name) => {
  const ort = load(name);
  const inputs = (z: Float32Array, x = data) => ({ x: new ort.Tensor("float32", x, dims), z: new ort.Tensor("float32", z, dims) });
  const options: OnnxPredictOptions = { passes: 1, keepPasses: true };
  const dropped = factorsOf("d", 0.5, dims, 0).map((factor) => factor === 0);
  const spoilt = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

  it.each(Object.entries(BEHIND))("a dropped NaN or infinity changes nothing before %s", async (_, [nodes, constants = []]) => {
    const runtime = watched(ort);
    const bytes = build(nodes, constants);
    const onnx = await createOnnxMonteCarlo(dropout, { ort: runtime, model: bytes });
    const zeros = new Float32Array(data.length);
    const expected = await onnx.predict(inputs(zeros), options);
    expect(expected.samples).toBe(SAMPLES);
    const sessions = runtime.opened.length;
    expect(runtime.opened[0]).toContain("DequantizeLinear");
    for (const bad of spoilt) {
      expect(await onnx.predict(inputs(zeros.map((_, k) => (dropped[k] ? bad : 0))), options)).toEqual(expected);
    }
    // One session more, which selects, and serves all later runs.
    expect(runtime.opened.slice(sessions)).toEqual([expect.arrayContaining(["Where"])]);
    const before = runtime.runs[0];
    expect(await onnx.predict(inputs(zeros), options)).toEqual(expected);
    expect(runtime.runs[0]).toBe(before);
    await expect(onnx.predict(inputs(zeros.fill(Number.NaN)), options)).rejects.toThrow(/"output" expected numbers in output "y", got NaN/);
    await onnx.release();
    expect(runtime.released.sort()).toEqual(runtime.opened.map((_, k) => k));
  });

  it("equals a selection bit for bit, but for signs of zeros", async () => {
    const bytes = build([
      matmul,
      node("Relu", ["m"], ["r"]),
      node("Dropout", ["r"], ["e"], { name: "e" }),
      node("MatMul", ["e", "v"], ["y"]),
    ]);
    const asked = { passes: 20, keepPasses: true, batchPasses: 7 };
    const z = new Numbers(11).take(data.length);
    const predictions = [];
    for (const executionProviders of [["cpu"], ["a device"]]) {
      const onnx = await createOnnxMonteCarlo(dropout, { ort: watched(ort), model: bytes, sessionOptions: { executionProviders } });
      predictions.push(await onnx.predict(inputs(z), asked));
      await onnx.release();
    }
    expect(predictions[1]).toEqual(predictions[0]);
    const given = { x: { dims, data: [...data] }, z: { dims, data: [...z] } };
    const rates = { first: 0.5, d: 0.5, e: 0.5 };
    expectSame(predictions[0] as never, passesOf({ bytes, inputs: given, output: "y", rates }, 20));
  });

  it.each([10, 12, 13, 19, 21, 23, 24])("operator set %i", async (opset) => {
    // A witness and a result.
    const nodes = [matmul, node("Relu", ["m"], ["r"]), node("MatMul", ["r", "v"], ["y"])];
    const bytes = build(nodes, [], { opset, irVersion: opset < 21 ? 8 : 10 });
    const runtime = watched(ort);
    const onnx = await createOnnxMonteCarlo(dropout, { ort: runtime, model: bytes });
    expect(runtime.opened[0]).toEqual(expect.arrayContaining(["DequantizeLinear", "ReduceSum"]));
    const z = new Numbers(11).take(data.length);
    const given = { x: { dims, data: [...data] }, z: { dims, data: [...z] } };
    const rates = { first: 0.5, d: 0.5 };
    expectSame(await onnx.predict(inputs(z), { passes: 4 }), passesOf({ bytes, inputs: given, output: "y", rates }, 4));
    await onnx.release();
  });

  it("a rate of 1 drops all", async () => {
    const onnx = await createOnnxMonteCarlo(dropout, { ort, model: build([node("MatMul", ["d", "w"], ["y"])]), rates: { d: 1 } });
    const { mean, identicalPasses } = await onnx.predict(inputs(data), { passes: 3 });
    expect(mean.every((one) => one === 0)).toBe(true);
    expect(identicalPasses).toBe(true);
    await onnx.release();
  });

  it("data that are the same in all passes: what is dropped from them is +0, whatever it was", async () => {
    const bytes = model({
      opset: 13,
      inputs: [value("x", ["batch", FEATURES])],
      outputs: [value("y")],
      nodes: [node("Div", ["x", "one"], ["h"]), node("Dropout", ["h"], ["d"], { name: "d" }), node("Identity", ["d"], ["y"])],
      constants: [one],
    });
    const runtime = watched(ort);
    const onnx = await createOnnxMonteCarlo(dropout, { ort: runtime, model: bytes });
    expect(runtime.opened).toEqual([["Div"], ["Identity"]]);
    for (const bad of [...spoilt, -1, -0]) {
      const x = new ort.Tensor(
        "float32",
        Float32Array.from(dropped, (gone) => (gone ? bad : 3)),
        dims,
      );
      const { passOutputs } = await onnx.predict(x, options);
      expect([...(passOutputs ?? [])]).toEqual(dropped.map((gone) => (gone ? 0 : 6)));
    }
    await onnx.release();
  });
});

it.each([
  { what: "rows longer than what is staged at once", shape: [2, 16_391], axis: 0, ways: [3] },
  { what: "steps before examples", shape: [5, 3, 7], axis: 1, ways: [1, 3] },
  { what: "one example of many", shape: [1, 40], axis: 0, ways: [1, 3] },
])("data that are the same in all passes: $what", async ({ shape, axis, ways }) => {
  const ort = load("onnxruntime-web");
  const x = new Numbers(6).take(shape.reduce((a, b) => a * b, 1));
  const named = shape.map((size, k) => (k === axis ? "batch" : size));
  const perm = [1, 0, 2];
  const swap = (from: string, to: string) => node("Transpose", [from], [to], { attributes: { perm } });
  const swapped = axis === 0 ? named : perm.map((k) => named[k] as number | string);
  const bytes = model({
    opset: 13,
    inputs: [value("x", swapped)],
    outputs: [value("y")],
    nodes: [
      ...(axis === 0 ? [node("Neg", ["x"], ["h"])] : [swap("x", "h")]),
      node("Dropout", ["h"], ["d"], { name: "d" }),
      ...(axis === 0 ? [node("Relu", ["d"], ["y"])] : [node("Relu", ["d"], ["r"]), swap("r", "y")]),
    ],
  });
  const given = axis === 0 ? shape : perm.map((k) => shape[k] as number);
  const onnx = await createOnnxMonteCarlo(dropout, { ort, model: bytes });
  for (const masks of shape.length > 2 ? (["perExample", "perPass"] as const) : (["perExample"] as const)) {
    for (const batchPasses of ways) {
      const asked = { passes: 3, masks, batchPasses, firstSample: 4, keepPasses: true };
      const { passOutputs = [] } = await onnx.predict(new ort.Tensor("float32", x, given), asked);
      const all = { bytes, inputs: { x: { dims: given, data: [...x] } }, output: "y", rates: { d: 0.5 }, axes: { d: axis } };
      const expected = passesOf({ ...all, firstSample: 4, shared: masks === "perPass" }, 3).flatMap((pass) => pass.data);
      expect(passOutputs).toHaveLength(expected.length);
      expect(expected.findIndex((value, k) => Math.abs(value - (passOutputs[k] as number)) > 1e-6)).toBe(-1);
    }
  }
  await onnx.release();
});
