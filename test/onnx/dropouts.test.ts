// Every form of dropout that a file may have: operator sets, ratios, modes, masks that are read, element types, functions, subgraphs; and what is inserted.

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "wasm-dropout";
import { createOnnxMonteCarlo, cutAtDropouts, listDropouts, type OnnxOptions, rewriteDropouts } from "wasm-dropout/onnx";
import { DataType, graph, type ModelParts, model, Numbers, node, tensor, value } from "../support/onnx/build.js";
import { expectSame, factorsOf, load, passesOf, RUNTIMES, type Runtime, SEED } from "../support/onnx/runtimes.js";

const [SAMPLES, FEATURES, PASSES] = [2, 6, 4];
const dims = [SAMPLES, FEATURES];
const data = new Numbers(5).take(SAMPLES * FEATURES);
const x = value("x", ["batch", FEATURES]);
const y = value("y", ["batch", FEATURES]);
const inputs = { x: { dims, data: [...data] } };

let dropout: Dropout;
beforeAll(async () => {
  dropout = await createDropout({ seed: SEED });
});

type Options = Omit<OnnxOptions, "ort" | "model">;

/** Predicts a model, and checks it against plain JavaScript. */
async function check(
  ort: Runtime,
  bytes: Uint8Array,
  rates: Readonly<Record<string, number>>,
  { options = {}, after, tolerance }: { options?: Options; after?: ReadonlyMap<string, string>; tolerance?: number } = {},
): Promise<void> {
  const onnx = await createOnnxMonteCarlo(dropout, { ort, model: bytes, ...options });
  try {
    const prediction = await onnx.predict(new ort.Tensor("float32", data, dims), { passes: PASSES });
    expectSame(prediction, passesOf({ bytes, inputs, output: "y", rates, ...(after && { after }) }, PASSES), tolerance);
  } finally {
    await onnx.release();
  }
}

const attributes = (ratio: number) => ({ ratio: { float: ratio } });
const relu = node("Relu", ["x"], ["h"]);
const simple = (parts: Partial<ModelParts> & Pick<ModelParts, "nodes">) => model({ inputs: [x], outputs: [y], ...parts });

describe.each(RUNTIMES)("%s", (name) => {
  const ort = load(name);

  it.each([7, 8, 9, 10, 11])("ratio as an attribute, set %i", (opset) =>
    check(ort, simple({ opset, nodes: [relu, node("Dropout", ["h"], ["y"], { name: "d", attributes: attributes(0.3) })] }), { d: 0.3 }),
  );

  it.each([7, 11, 12, 13, 22])("no ratio, set %i: one half", (opset) =>
    check(ort, simple({ opset, irVersion: opset === 22 ? 10 : 8, nodes: [node("Dropout", ["x"], ["y"], { name: "d" })] }), { d: 0.5 }),
  );

  it.each([
    { what: "initializer", parts: { constants: [tensor("r", [], [0.3])] } },
    { what: "initializer of one dimension", parts: { constants: [tensor("r", [1], [0.3])] } },
    { what: "initializer of f64", parts: { constants: [tensor("r", [], [0.3], DataType.DOUBLE)] } },
    { what: "initializer of f16", parts: { constants: [tensor("r", [], [0x3400], DataType.FLOAT16)] }, p: 0.25 },
    { what: "default of an input", parts: { constants: [tensor("r", [], [0.3])], inputs: [x, value("r", [])] } },
    { what: "Constant", before: [node("Constant", [], ["r"], { attributes: { value: tensor("", [], [0.3]) } })] },
    { what: "Constant of value_float", before: [node("Constant", [], ["r"], { attributes: { value_float: { float: 0.3 } } })] },
    {
      what: "Constant through Identity and Cast",
      before: [
        node("Constant", [], ["r1"], { attributes: { value: tensor("", [], [0.3], DataType.DOUBLE) } }),
        node("Identity", ["r1"], ["r2"]),
        node("Cast", ["r2"], ["r"], { attributes: { to: 1 } }),
      ],
    },
  ] as { what: string; parts?: Partial<ModelParts>; before?: ModelParts["nodes"]; p?: number }[])(
    "ratio as $what",
    async ({ parts = {}, before = [], p = 0.3 }) => {
      const bytes = simple({ ...parts, nodes: [...before, relu, node("Dropout", ["h", "r"], ["y"], { name: "d" })] });
      expect(listDropouts(bytes).dropouts[0]?.p).toBeCloseTo(p, 6);
      await check(ort, bytes, { d: p });
    },
  );

  it("ratio as an input: the rate is given", async () => {
    const bytes = simple({ inputs: [x, value("r", [])], nodes: [node("Dropout", ["x", "r"], ["y"], { name: "d" })] });
    expect(listDropouts(bytes).dropouts[0]?.p).toBeUndefined();
    await expect(createOnnxMonteCarlo(dropout, { ort, model: bytes })).rejects.toThrow(
      /"rates" expected rate of "d", .* got none, and ratio "r"/,
    );
    await check(ort, bytes, { d: 0.4 }, { options: { rates: { d: 0.4 } } });
  });

  it.each([
    { what: "left out", nodes: [], input: ["x", "r"], mode: false },
    { what: "empty", nodes: [], input: ["x", "r", ""], mode: false },
    { what: "a false initializer", constants: [tensor("t", [], [0], DataType.BOOL)], mode: false },
    { what: "a true initializer", constants: [tensor("t", [], [1], DataType.BOOL)], mode: true },
    {
      what: "a true Constant",
      nodes: [node("Constant", [], ["t"], { attributes: { value: tensor("", [], [1], DataType.BOOL) } })],
      mode: true,
    },
    { what: "an input", inputs: [x, value("t", [], DataType.BOOL)], mode: undefined },
  ])("training_mode: $what", async ({ nodes = [], input = ["x", "r", "t"], constants = [], inputs: own = [x], mode }) => {
    const bytes = simple({
      inputs: own,
      constants: [tensor("r", [], [0.3]), ...constants],
      nodes: [...nodes, node("Dropout", input, ["y"], { name: "d" })],
    });
    expect(listDropouts(bytes).dropouts).toMatchObject([{ name: "d", trainingMode: mode }]);
    await check(ort, bytes, { d: 0.3 });
  });

  it.each([7, 9, 10, 12, 13])("a mask that is read, set %i", async (opset) => {
    const ratio = opset < 12 ? { attributes: attributes(0.3) } : {};
    const bytes = simple({
      opset,
      constants: opset < 12 ? [] : [tensor("r", [], [0.3])],
      nodes: [
        node("Dropout", opset < 12 ? ["x"] : ["x", "r"], ["d", "mask"], { name: "d", ...ratio }),
        node("Cast", ["mask"], ["kept"], { attributes: { to: 1 } }),
        node("Add", ["d", "kept"], ["y"]),
      ],
    });
    await check(ort, bytes, { d: 0.3 });
    // perPass masks are broadcast; what reads the mask sees all of it.
    const onnx = await createOnnxMonteCarlo(dropout, { ort, model: bytes });
    const prediction = await onnx.predict(new ort.Tensor("float32", data, dims), { passes: PASSES, masks: "perPass", batchPasses: 1 });
    expectSame(prediction, passesOf({ bytes, inputs, output: "y", rates: { d: 0.3 }, shared: true }, PASSES));
    await onnx.release();
    // Turned off, it is a mask that keeps all.
    const { model: still } = rewriteDropouts(bytes, { rates: { d: 0 } });
    const session = await ort.InferenceSession.create(still);
    const result = await session.run({ x: new ort.Tensor("float32", data, dims) });
    expect(Array.from(result.y?.data as Float32Array)).toEqual(Array.from(data, (one) => Math.fround(one + 1)));
    await session.release();
  });

  it.each([
    ["rates", { rates: { d: 0.75 } }, { d: 0.75, e: 0.2 }],
    ["a rate of 0", { rates: { d: 0 } }, { d: 0, e: 0.2 }],
    ["a rate of 1", { rates: { d: 1 } }, { d: 1, e: 0.2 }],
  ] as const)("%s", async (_, options, rates) => {
    const nodes = [
      node("Dropout", ["x"], ["h"], { name: "d", attributes: attributes(0.5) }),
      node("Add", ["h", "x"], ["h2"]),
      node("Dropout", ["h2"], ["y"], { name: "e", attributes: attributes(0.2) }),
    ];
    await check(ort, simple({ opset: 11, nodes }), rates, { options });
  });

  it("a ratio of 0 in the file drops nothing, and is no layer", async () => {
    const nodes = [node("Dropout", ["x"], ["h"], { name: "d", attributes: attributes(0) }), node("Dropout", ["h"], ["y"], { name: "e" })];
    const onnx = await createOnnxMonteCarlo(dropout, { ort, model: simple({ opset: 11, nodes }) });
    expect(onnx.dropouts).toEqual([{ name: "e", p: 0.5 }]);
    await onnx.release();
  });

  it("a dropped NaN or infinity is 0", async () => {
    const nodes = [node("Div", ["x", "x"], ["h"]), node("Dropout", ["h"], ["y"], { name: "d" })];
    const onnx = await createOnnxMonteCarlo(dropout, { ort, model: simple({ opset: 11, nodes }) });
    const kept = factorsOf("d", 0.5, dims, 0);
    // 0 / 0 wherever it will be dropped.
    const zeros = Float32Array.from(kept, (factor) => (factor === 0 ? 0 : 3));
    const { mean } = await onnx.predict(new ort.Tensor("float32", zeros, dims), { passes: 1 });
    expect([...mean]).toEqual(kept);
    await expect(
      onnx.predict(
        new ort.Tensor(
          "float32",
          zeros.map((one) => 3 - one),
          dims,
        ),
        { passes: 1 },
      ),
    ).rejects.toThrow(/"output" expected numbers in output "y", got NaN at \d+ in pass 0/);
    await onnx.release();
  });

  it.each([
    { type: DataType.DOUBLE, tolerance: 1e-6 },
    { type: DataType.FLOAT16, tolerance: 2e-3 },
  ])("element type $type", ({ type, tolerance }) => {
    const bytes = simple({
      nodes: [
        node("Cast", ["x"], ["wide"], { attributes: { to: type } }),
        node("Relu", ["wide"], ["h"]),
        node("Dropout", ["h"], ["d"], { name: "d" }),
        node("Add", ["d", "d"], ["e"]),
        node("Cast", ["e"], ["y"], { attributes: { to: 1 } }),
      ],
    });
    expect(listDropouts(bytes).dropouts[0]?.type).toBe(type === DataType.DOUBLE ? "float64" : "float16");
    return check(ort, bytes, { d: 0.5 }, { tolerance });
  });

  it.each([DataType.DOUBLE, DataType.FLOAT16])("outputs of element type %i", async (type) => {
    const bytes = simple({
      outputs: [value("y", ["batch", FEATURES], type)],
      nodes: [relu, node("Cast", ["h"], ["wide"], { attributes: { to: type } }), node("Dropout", ["wide"], ["y"], { name: "d" })],
    });
    await check(ort, bytes, { d: 0.5 }, { tolerance: 2e-3 });
  });

  it("dropout in functions that call each other", async () => {
    const domain = "test";
    const bytes = simple({
      irVersion: 8,
      domains: { [domain]: 1 },
      nodes: [
        node("Block", ["x"], ["h"], { name: "first", domain, attributes: { slope: { float: 0.5 } } }),
        node("Block", ["h"], ["y"], { name: "second", domain, attributes: { slope: { float: 0.25 } } }),
      ],
      functions: [
        {
          ...{ name: "Block", domain, inputs: ["in"], outputs: ["out"], attributes: ["slope"], opset: 13, domains: { [domain]: 1 } },
          nodes: [
            withReference(node("LeakyRelu", ["in"], ["h"]), "alpha", "slope"),
            node("Drop", ["h"], ["out"], { name: "inner", domain }),
          ],
        },
        {
          ...{ name: "Drop", domain, inputs: ["in"], outputs: ["out"], opset: 13 },
          nodes: [node("Dropout", ["in"], ["out"], { name: "drop" })],
        },
      ],
    });
    // The reference computes the same graph without functions.
    const plain = simple({
      nodes: [
        leaky("x", "h1", 0.5),
        node("Dropout", ["h1"], ["h"], { name: "first/inner/drop" }),
        leaky("h", "h2", 0.25),
        node("Dropout", ["h2"], ["y"], { name: "second/inner/drop" }),
      ].flat(),
      constants: [tensor("zero", [], [0]), tensor("a0.5", [], [0.5]), tensor("a0.25", [], [0.25])],
    });
    const rates = { "first/inner/drop": 0.5, "second/inner/drop": 0.5 };
    expect(listDropouts(bytes).dropouts.map((one) => one.name)).toEqual(Object.keys(rates));
    const onnx = await createOnnxMonteCarlo(dropout, { ort, model: bytes });
    const prediction = await onnx.predict(new ort.Tensor("float32", data, dims), { passes: PASSES });
    expectSame(prediction, passesOf({ bytes: plain, inputs, output: "y", rates }, PASSES));
    await onnx.release();
  });

  it("subgraphs: what they take from outside drops, dropout within them is refused by name, and can be turned off", async () => {
    const branch = (opType: string, input: string, extra: ModelParts["nodes"] = []) =>
      graph({ nodes: [...extra, node(opType, [input], [`${opType}/out`])], inputs: [], outputs: [value(`${opType}/out`)] });
    const condition = node("Constant", [], ["c"], { attributes: { value: tensor("", [], [1], DataType.BOOL) } });
    const dropped = node("Dropout", ["x"], ["h"], { name: "d" });
    const choice = (inner: ModelParts["nodes"], input: string) =>
      node("If", ["c"], ["y"], { name: "if", attributes: { then_branch: branch("Relu", input, inner), else_branch: branch("Neg", "h") } });
    const bytes = simple({ nodes: [condition, dropped, choice([], "h")] });
    const plain = simple({ nodes: [dropped, node("Relu", ["h"], ["y"])] });
    const onnx = await createOnnxMonteCarlo(dropout, { ort, model: bytes });
    const prediction = await onnx.predict(new ort.Tensor("float32", data, dims), { passes: PASSES });
    // Not known to keep examples apart: the batch is one example.
    expect(prediction.samples).toBe(1);
    expectSame(prediction, passesOf({ bytes: plain, inputs, output: "y", rates: { d: 0.5 }, axes: { d: -1 } }, PASSES));
    await expect(onnx.predict(new ort.Tensor("float32", data, dims), { passes: 1, samples: 2 })).rejects.toThrow(
      /"samples" expected 1 for a model that may mix examples, got 2; the reason is node "if" \(If\)/,
    );
    await onnx.release();

    const within = simple({
      constants: [tensor("r", [], [0.5]), tensor("t", [], [1], DataType.BOOL)],
      nodes: [condition, dropped, choice([node("Dropout", ["h", "r", "t"], ["inner"], { name: "inner" })], "inner")],
    });
    expect(listDropouts(within).dropouts).toMatchObject([{ name: "d" }, { name: "inner", within: "if", p: 0.5, trainingMode: true }]);
    await expect(createOnnxMonteCarlo(dropout, { ort, model: within })).rejects.toThrow(
      /"model" expected no dropout in subgraphs .*, got node "inner" \(Dropout\) in that of node "if" \(If\)/,
    );
    const off = await createOnnxMonteCarlo(dropout, { ort, model: within, rates: { inner: 0 } });
    expectSame(
      await off.predict(new ort.Tensor("float32", data, dims), { passes: PASSES }),
      passesOf({ bytes: plain, inputs, output: "y", rates: { d: 0.5 }, axes: { d: -1 } }, PASSES),
    );
    await off.release();
  });

  describe("insertion", () => {
    const nodes = [node("Relu", ["x"], ["h"], { name: "first" }), node("Sigmoid", ["h"], ["s"]), node("Mul", ["h", "s"], ["y"])];
    const bytes = simple({ nodes });

    it.each([
      { what: "a tensor", insert: [{ after: "s", p: 0.5 }], after: { s: "s" } },
      { what: "a node", insert: [{ after: "first", p: 0.5 }], after: { h: "first" } },
      { what: "a tensor, by a name of its own", insert: [{ after: "h", p: 0.5, name: "mine" }], after: { h: "mine" } },
      { what: "the output", insert: [{ after: "y", p: 0.5 }], after: { y: "y" } },
      { what: "kinds", insert: [{ kinds: ["Relu", "Swish"], p: 0.5 }], after: { h: "h", y: "y" } },
      {
        what: "several",
        insert: [
          { after: "h", p: 0.5 },
          { kinds: "Swish", p: 0.5 },
        ],
        after: { h: "h", y: "y" },
      },
    ])("after $what", async ({ insert, after }) => {
      const rates = Object.fromEntries(Object.values(after).map((one) => [one, 0.5]));
      await check(ort, bytes, rates, { options: { insert }, after: new Map(Object.entries(after)) });
    });

    it("after an input", async () => {
      const plain = simple({ nodes: [node("Dropout", ["x"], ["d"], { name: "x" }), node("Relu", ["d"], ["h"]), ...nodes.slice(1)] });
      const onnx = await createOnnxMonteCarlo(dropout, { ort, model: bytes, insert: [{ after: "x", p: 0.5 }] });
      const prediction = await onnx.predict({ x: new ort.Tensor("float32", data, dims) }, { passes: PASSES });
      expectSame(prediction, passesOf({ bytes: plain, inputs, output: "y", rates: { x: 0.5 } }, PASSES));
      await onnx.release();
    });
  });

  it("batch normalization in training mode is refused, or computed for inference", async () => {
    const norm = (opset: number) => {
      const constants = ["scale", "shift", "mean", "variance"].map((one, k) =>
        tensor(
          one,
          [FEATURES],
          new Numbers(k).take(FEATURES).map((v) => v + (k === 3 ? 1.5 : 0)),
        ),
      );
      const names = ["h", "scale", "shift", "mean", "variance"];
      const training = opset >= 14 ? { attributes: { training_mode: 1 } } : {};
      const outputs = opset >= 14 ? ["n", "m", "v"] : ["n", "m", "v", "sm", "sv"];
      return simple({
        opset,
        constants: [...constants],
        nodes: [
          relu,
          node("BatchNormalization", names, outputs, { name: "bn", ...training }),
          node("Dropout", ["n"], ["y"], { name: "d" }),
        ],
      });
    };
    for (const opset of [9, 13, 14, 15]) {
      const bytes = norm(opset);
      expect(listDropouts(bytes).trainingBatchNorms).toEqual(["bn"]);
      await expect(createOnnxMonteCarlo(dropout, { ort, model: bytes })).rejects.toThrow(
        /"model" expected batch normalization for inference .*, got node "bn" \(BatchNormalization\) in training mode/,
      );
      await check(ort, bytes, { d: 0.5 }, { options: { batchNorm: "inference" } });
    }
  });

  it("a quantised model drops from its floating-point tensors", async () => {
    const bytes = simple({
      constants: [tensor("s", [], [0.02]), tensor("z", [], [128], DataType.UINT8)],
      nodes: [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "z"], ["h"]),
        node("Dropout", ["h"], ["y"], { name: "d" }),
      ],
    });
    const onnx = await createOnnxMonteCarlo(dropout, { ort, model: bytes });
    const { mean } = await onnx.predict(new ort.Tensor("float32", data, dims), { passes: 1 });
    const expected = factorsOf("d", 0.5, dims, 0).map((factor, k) => factor * Math.round((data[k] as number) / 0.02) * 0.02);
    for (const [k, one] of expected.entries()) expect(Math.abs((mean[k] as number) - one)).toBeLessThan(1e-5);
    await onnx.release();
    await expect(createOnnxMonteCarlo(dropout, { ort, model: bytes, insert: [{ after: "q", p: 0.5 }] })).rejects.toThrow(
      /"model" expected dropout of floating-point tensors, got uint8 at tensor "q"/,
    );
  });

  it("weights in another file pass through to both parts", async () => {
    const matrix = (from: number) => new Numbers(from).take(FEATURES * FEATURES);
    const file = Buffer.concat([1, 2].map((seed) => Buffer.from(matrix(seed).buffer)));
    const weights = (name: string, k: number) => {
      const entries = { location: "weights.bin", offset: `${(k * file.length) / 2}`, length: `${file.length / 2}` };
      const externalData = Object.entries(entries).map(([key, text]) => ({
        $typeName: "onnx.StringStringEntryProto" as const,
        key,
        value: text,
      }));
      return Object.assign(tensor(name, [FEATURES, FEATURES], matrix(k + 1)), { rawData: new Uint8Array(), dataLocation: 1, externalData });
    };
    const nodes = [node("MatMul", ["x", "a"], ["h"]), node("Dropout", ["h"], ["d"], { name: "d" }), node("MatMul", ["d", "b"], ["y"])];
    const bytes = simple({ nodes, constants: [weights("a", 0), weights("b", 1)] });
    const plain = simple({
      nodes,
      constants: [tensor("a", [FEATURES, FEATURES], matrix(1)), tensor("b", [FEATURES, FEATURES], matrix(2))],
    });
    const sessionOptions = { externalData: [{ path: "weights.bin", data: new Uint8Array(file) }] };
    const onnx = await createOnnxMonteCarlo(dropout, { ort, model: bytes, sessionOptions });
    const prediction = await onnx.predict(new ort.Tensor("float32", data, dims), { passes: PASSES });
    expect(prediction.samples).toBe(SAMPLES);
    expectSame(prediction, passesOf({ bytes: plain, inputs, output: "y", rates: { d: 0.5 } }, PASSES));
    await onnx.release();
  });

  it("several outputs: the only one that drops, or the one that is named", async () => {
    const outputs = [y, value("h"), value("z")];
    const bytes = simple({ opset: 11, outputs, nodes: [relu, node("Dropout", ["h"], ["y"], { name: "d" }), node("Neg", ["y"], ["z"])] });
    await expect(createOnnxMonteCarlo(dropout, { ort, model: bytes })).rejects.toThrow(
      /"outputName" expected one of the outputs "y", "z", got none/,
    );
    await check(ort, bytes, { d: 0.5 }, { options: { outputName: "y" } });
    await expect(createOnnxMonteCarlo(dropout, { ort, model: bytes, outputName: "h" })).rejects.toThrow(
      /"h", which is the same in all passes/,
    );
    await expect(createOnnxMonteCarlo(dropout, { ort, model: bytes, outputName: "w" })).rejects.toThrow(
      /"outputName" expected one of the outputs "y", "h", "z"/,
    );
  });
});

describe("a rewritten model", () => {
  const ort = load("onnxruntime-web");
  const bytes = simple({
    opset: 13,
    constants: [tensor("r", [], [0.25]), tensor("unused", [3], [1, 2, 3])],
    values: [value("h", ["batch", FEATURES])],
    nodes: [relu, node("Dropout", ["h", "r"], ["y"], { name: "d" })],
  });

  it("has masks as inputs, and no constants that nothing reads", async () => {
    const { model: rewritten, masks } = rewriteDropouts(bytes);
    expect(masks).toEqual([{ input: "d/keep", name: "d", p: 0.25, shape: ["batch", FEATURES] }]);
    const { graph: read } = fromBinary(ModelProtoSchema, rewritten);
    expect(read?.initializer.map((one) => one.name)).toEqual(["d/scale", "d/zero"]);
    const session = await ort.InferenceSession.create(rewritten);
    const mask = dropout.mask(SAMPLES * FEATURES, 0.25, { stream: 3, format: "bytes" });
    const feeds = { x: new ort.Tensor("float32", data, dims), "d/keep": new ort.Tensor("bool", mask, dims) };
    const result = await session.run(feeds);
    const kept = dropout.dropout(
      Float32Array.from(data, (one) => Math.max(0, one)),
      0.25,
      { stream: 3 },
    );
    expect([...(result.y?.data ?? [])]).toEqual([...kept]);
    await session.release();
    expect(listDropouts(rewritten).dropouts).toEqual([]);
  });

  it("keeps what the schema does not know, and names external data as the file does", () => {
    const read = fromBinary(ModelProtoSchema, bytes);
    read.$unknown = [{ no: 5000, wireType: 0, data: Uint8Array.of(42) }];
    const weights = tensor("w", [2], [0, 0]);
    Object.assign(weights, {
      rawData: new Uint8Array(),
      dataLocation: 1,
      externalData: [{ $typeName: "onnx.StringStringEntryProto", key: "location", value: "w.bin" }],
    });
    read.graph?.initializer.push(weights);
    read.graph?.node.push(node("Identity", ["w"], ["w2"]));
    read.graph?.output.push(value("w2", [2]));
    const { model: rewritten } = rewriteDropouts(toBinary(ModelProtoSchema, read));
    const again = fromBinary(ModelProtoSchema, rewritten);
    expect(again.$unknown).toEqual([{ no: 5000, wireType: 0, data: Uint8Array.of(42) }]);
    expect(again.graph?.initializer.find((one) => one.name === "w")?.externalData).toMatchObject([{ key: "location", value: "w.bin" }]);
  });

  it("has the scale of the realised probability of a kind", () => {
    const scaleOf = (kind: "tile" | "philox", p: number) => {
      const { model: rewritten } = rewriteDropouts(bytes, { kind, rates: { d: p } });
      return fromBinary(ModelProtoSchema, rewritten).graph?.initializer.find((one) => one.name === "d/scale")?.floatData[0];
    };
    for (const kind of ["tile", "philox"] as const) {
      for (const p of [0.1, 0.3, 1 - 2 ** -31])
        expect(scaleOf(kind, p)).toBe(dropout.mask(64, p, { kind, stream: 0, format: "f32" }).find((one) => one > 0) ?? scaleOf(kind, p));
    }
  });
});

describe("a model that is cut", () => {
  const ort = load("onnxruntime-web");
  // Weights of eight bits, widened by nodes of constants alone.
  const widened = (name: string) => [
    node("Cast", [`${name}/int8`], [`${name}/wide`], { attributes: { to: 1 } }),
    node("Mul", [`${name}/wide`, "unit"], [name]),
  ];
  const bytes = simple({
    opset: 13,
    constants: [
      tensor("r", [], [0.25]),
      tensor("unit", [], [0.5]),
      ...["w1", "w2"].map((name) => tensor(`${name}/int8`, [FEATURES, FEATURES], new Numbers(8).take(36, 100), DataType.INT8)),
    ],
    values: [value("h", ["batch", FEATURES])],
    nodes: [
      ...widened("w1"),
      ...widened("w2"),
      node("MatMul", ["x", "w1"], ["h"]),
      node("Dropout", ["h", "r"], ["d"], { name: "d" }),
      node("MatMul", ["d", "w2"], ["p"]),
      node("Add", ["p", "x"], ["y"]),
    ],
  });

  it("has what is before the first dropout in one part, and in both what is made of constants", async () => {
    const { prefix, cut, rest, masks, outputName } = cutAtDropouts(bytes);
    expect([cut, outputName, masks]).toEqual([["h"], "y", [{ input: "d/keep", name: "d", p: 0.25, shape: ["batch", FEATURES] }]]);
    const inputsOf = (part: Uint8Array) => fromBinary(ModelProtoSchema, part).graph?.input.map((one) => one.name);
    expect([inputsOf(prefix as Uint8Array), inputsOf(rest)]).toEqual([["x"], ["x", "h", "d/keep"]]);
    expect(fromBinary(ModelProtoSchema, rest).graph?.output.map((one) => one.name)).toEqual(["y"]);
    const [first, second] = [await ort.InferenceSession.create(prefix as Uint8Array), await ort.InferenceSession.create(rest)];
    const x = new ort.Tensor("float32", data, dims);
    const mask = dropout.mask(SAMPLES * FEATURES, 0.25, { stream: 3, format: "bytes" });
    const { h } = await first.run({ x });
    const parts = await second.run({ x, h: h as never, "d/keep": new ort.Tensor("bool", mask, dims) });
    const { model: whole, masks: same } = rewriteDropouts(bytes);
    const session = await ort.InferenceSession.create(whole);
    const { y: expected } = await session.run({ x, [same[0]?.input ?? ""]: new ort.Tensor("bool", mask, dims) });
    expect([...(parts.y?.data ?? [])]).toEqual([...(expected?.data ?? [])]);
    await Promise.all([first.release(), second.release(), session.release()]);
  });

  it("has one part where the input drops, and other rates and places by the same options", () => {
    const dropped = simple({ opset: 13, nodes: [node("Dropout", ["x"], ["y"], { name: "d" })] });
    expect(cutAtDropouts(dropped)).toMatchObject({ prefix: undefined, cut: [], outputName: "y" });
    const { masks, cut } = cutAtDropouts(bytes, { rates: { d: 0 }, insert: [{ after: "p", p: 0.5, name: "late" }] });
    expect([masks, cut]).toMatchObject([[{ name: "late", p: 0.5 }], [expect.stringContaining("p")]]);
    expect(() => cutAtDropouts(bytes, { rates: { d: 0 } })).toThrow('"model" expected model with dropout that drops');
    expect(() => cutAtDropouts(bytes, { outputName: "z" })).toThrow('"outputName" expected one of the outputs "y"');
    expect(() => cutAtDropouts(bytes, { output: "y" } as never)).toThrow(/"output" is no option/);
  });

  it("computes weights of eight bits in the part that passes run", () => check(ort, bytes, { d: 0.25 }, { tolerance: 1e-4 }));
});

function withReference(one: ReturnType<typeof node>, name: string, reference: string) {
  const [found = undefined] = node("X", [], [], { attributes: { [name]: { float: 0 } } }).attribute;
  if (found === undefined) throw new Error("no attribute");
  found.refAttrName = reference;
  one.attribute.push(found);
  return one;
}

/** max(x, 0) + slope min(x, 0), of operators that the reference has. */
function leaky(from: string, to: string, slope: number) {
  return [
    node("Relu", [from], [`${to}/positive`]),
    node("Sub", [from, `${to}/positive`], [`${to}/negative`]),
    node("Mul", [`${to}/negative`, `a${slope}`], [`${to}/scaled`]),
    node("Add", [`${to}/positive`, `${to}/scaled`], [to]),
  ];
}
