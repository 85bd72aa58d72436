// Predictions of GraphModels by dropout after named nodes: against the same network in plain double precision with the masks of the specification, with
// what is common computed once, and refusals by name.

import { type GraphModel, loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { streamOf } from "../../src/monte-carlo/index.js";
import { createTfjsDropout, type Inserted, type TfjsDropout } from "../../src/tfjs/index.js";
import { chance, keepBytes, uniforms } from "../support/oracle.js";
import { BACKENDS, useBackend } from "./setup.js";

const SEED = 42n;
let wd: TfjsDropout;
beforeAll(async () => {
  await useBackend("cpu");
  wd = await createTfjsDropout({ seed: SEED });
});

type Attributes = Record<string, object>;
const FLOAT = { T: { type: "DT_FLOAT" } };
const node = (name: string, op: string, input: string[] = [], attr: Attributes = FLOAT) => ({ name, op, input, attr });
const placeholder = (name: string, ...sizes: number[]) =>
  node(name, "Placeholder", [], { dtype: { type: "DT_FLOAT" }, shape: { shape: { dim: sizes.map((size) => ({ size: `${size}` })) } } });
const matMul = (name: string, a: string, b: string) =>
  node(name, "MatMul", [a, b], { ...FLOAT, transpose_a: { b: false }, transpose_b: { b: false } });

interface Weight {
  readonly shape: number[];
  readonly values: number[];
  readonly dtype?: "int32";
}

/** Loads a graph as tf.loadGraphModel does from a file. */
function load(nodes: object[], weights: Record<string, Weight>): Promise<GraphModel> {
  const constants = Object.entries(weights).map(([name, { dtype }]) =>
    node(name, "Const", [], { dtype: { type: dtype ? "DT_INT32" : "DT_FLOAT" } }),
  );
  const arrays = Object.values(weights).map(({ values, dtype }) => (dtype ? Int32Array.from(values) : Float32Array.from(values)));
  const weightData = Buffer.concat(arrays.map((array) => new Uint8Array(array.buffer)));
  return loadGraphModel(
    tf.io.fromMemory({
      modelTopology: { node: [...nodes, ...constants], versions: { producer: 1, minConsumer: 1 } },
      weightSpecs: Object.entries(weights).map(([name, { shape, dtype = "float32" }]) => ({ name, shape, dtype })),
      weightData: weightData.buffer.slice(weightData.byteOffset, weightData.byteOffset + weightData.byteLength),
    }),
  );
}

const wave = (shape: number[], salt: number): Weight => ({
  shape,
  values: Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.fround(Math.sin(2.3 * i + salt))),
});
const W = wave([4, 6], 1);
const U = wave([6, 6], 2);
const V = wave([6, 3], 3);

/** softmax((relu(x w) + relu(relu(x w) u)) v): what lies before "h", between "h" and "g", and a way around "g". */
const network = () =>
  load(
    [
      placeholder("x", -1, 4),
      matMul("x/w", "x", "w"),
      node("h", "Relu", ["x/w"]),
      matMul("h/u", "h", "u"),
      node("g", "Relu", ["h/u"]),
      node("sum", "AddV2", ["h", "g"]),
      matMul("logits", "sum", "v"),
      node("y", "Softmax", ["logits"]),
    ],
    { w: W, u: U, v: V },
  );

const kept = (name: string, pass: number, sample: number, length: number, rate: number) =>
  [...keepBytes(uniforms("tile", SEED, streamOf(pass, `${name}+dropout`, sample), 0, length), chance("tile", rate))].map(
    (keep) => keep / (1 - rate),
  );

/** The network in plain numbers, for an example. */
function plain(x: number[], drop: (name: string, values: number[]) => number[]): number[] {
  const product = (row: number[], { shape: [, columns = 0], values }: Weight) =>
    Array.from({ length: columns }, (_, c) => row.reduce((sum, value, i) => sum + value * (values[i * columns + c] as number), 0));
  const relu = (row: number[]) => row.map((value) => Math.max(0, value));
  const h = drop("h", relu(product(x, W)));
  const g = drop("g", relu(product(h, U)));
  const logits = product(
    h.map((value, i) => value + (g[i] as number)),
    V,
  );
  const powers = logits.map(Math.exp);
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

describe.each(BACKENDS)("predict of a GraphModel on %s", (backend) => {
  beforeEach(() => useBackend(backend));

  it.each<[string, Record<string, number>]>([
    ["before what others read", { h: 0.5 }],
    ["on one of two ways", { g: 0.25 }],
    ["one behind the other", { h: 0.5, g: 0.25 }],
  ])("drops after nodes: %s", async (_, insert) => {
    const model = await network();
    const x = tf.tensor2d(wave([3, 4], 5).values, [3, 4]);
    const before = [...(model.predict(x) as tf.Tensor).dataSync()];
    const { numTensors } = tf.memory();
    const options = { passes: 4, firstPass: 2, firstSample: 7, output: "probabilities", insert, keepPasses: true } as const;
    const { passOutputs = [], classes } = await wd.predict(model, x, options);
    expect([tf.memory().numTensors, classes]).toEqual([numTensors, 3]);
    const rows = x.arraySync() as number[][];
    for (let pass = 0; pass < 4; ++pass) {
      rows.forEach((row, k) => {
        const expected = plain(row, (name, values) => {
          const rate = insert[name];
          const mask = rate === undefined ? values.map(() => 1) : kept(name, pass + 2, k + 7, 6, rate);
          return values.map((value, i) => value * (mask[i] as number));
        });
        expected.forEach((value, c) => {
          expect(passOutputs[(pass * 3 + k) * 3 + c]).toBeCloseTo(value, 5);
        });
      });
    }
    const named = await wd.predict(model, { x }, options);
    expect(named.passOutputs).toEqual(passOutputs);
    expect([...(model.predict(x) as tf.Tensor).dataSync()]).toEqual(before);
  });
});

describe("predict of a GraphModel", () => {
  beforeEach(() => useBackend("cpu"));
  const x = () => tf.tensor2d(wave([2, 4], 5).values, [2, 4]);
  const values = async (model: GraphModel, insert: Record<string, Inserted>, more: object = {}) => [
    ...(await wd.predict(model, x(), { passes: 1, insert, ...more })).mean,
  ];

  it("computes what lies before the nodes once", async () => {
    const model = await network();
    const execute = vi.spyOn(model, "execute");
    await wd.predict(model, x(), { passes: 5, insert: { g: 0.5 } });
    // To "h" and "g", then five times from them to the output.
    expect(execute.mock.calls.map(([given, outputs]) => [Object.keys(given as object), outputs])).toEqual([
      [["x"], ["h", "g"]],
      ...Array.from({ length: 5 }, () => [["x", "h", "g"], ["y"]]),
    ]);
  });

  it("drops at inputs, at the output, and of rows that examples share", async () => {
    const model = await load([placeholder("x", -1, 4), node("twice", "AddV2", ["x", "x"])], {});
    const numbers = wave([2, 4], 5).values;
    const masks = (name: string) => [0, 1].flatMap((sample) => kept(name, 0, sample, 4, 0.5));
    const expected = (name: string) => numbers.map((value, i) => Math.fround(2 * Math.fround(value * (masks(name)[i] as number))) + 0);
    expect(await values(model, { x: 0.5 })).toEqual(expected("x"));
    expect(await values(model, { twice: 0.5 })).toEqual(expected("twice"));
    const turned = await load([placeholder("x", -1, 4), node("rows", "Reshape", ["x", "shape"]), node("y", "Neg", ["rows"])], {
      shape: { shape: [2], values: [-1, 2], dtype: "int32" },
    });
    expect(await values(turned, { rows: 0.5 })).toEqual(numbers.map((value, i) => -Math.fround(value * (masks("rows")[i] as number)) + 0));
    await expect(values(turned, { rows: { rate: 0.5, noiseShape: [null, 1] } })).rejects.toThrow(
      '"insert" expected nodes of 2 rows, the examples, or a multiple, got "rows" of shape [4, 2]',
    );
    const shared = await wd.predict(model, x(), { passes: 1, insert: { x: { rate: 0.5, noiseShape: [1, null] } } });
    expect([...shared.mean]).toEqual(
      numbers.map((value, i) => Math.fround(2 * Math.fround(value * (kept("x", 0, 0, 4, 0.5)[i % 4] as number))) + 0),
    );
  });

  it("goes through nodes of several results, and of shapes that only running tells", async () => {
    // x in two halves, of which the second meets what is dropped of the first.
    const halves = await load(
      [
        placeholder("x", -1, 4),
        node("split", "Split", ["axis", "x"], { ...FLOAT, num_split: { i: "2" } }),
        node("first", "Neg", ["split"]),
        node("y", "Mul", ["first", "split:1"]),
      ],
      { axis: { shape: [], values: [1], dtype: "int32" } },
    );
    const numbers = wave([2, 4], 5).values;
    const at = (i: number) => numbers[i] as number;
    const mask = [0, 1].flatMap((sample) => kept("first", 0, sample, 2, 0.5));
    const expected = [0, 1, 4, 5].map((i, k) => -at(i) * (mask[k] as number) * at(i + 2));
    (await values(halves, { first: 0.5 })).forEach((value, k) => {
      expect(value).toBeCloseTo(expected[k] as number, 6);
    });
    await expect(values(halves, { split: 0.5 })).rejects.toThrow('"insert" expected nodes of one result, got "split", Split');
    const dynamic = await load(
      [
        placeholder("x", -1, 4),
        node("h", "Neg", ["x"]),
        node("where", "Where", ["h"], {}),
        node("places", "Cast", ["where"], { SrcT: { type: "DT_INT32" }, DstT: { type: "DT_FLOAT" } }),
        node("y", "Sum", ["places", "axis"], { ...FLOAT, keep_dims: { b: false } }),
      ],
      { axis: { shape: [1], values: [0], dtype: "int32" } },
    );
    const { numTensors } = tf.memory();
    const { mean } = await wd.predict(dynamic, { x: tf.tidy(() => tf.keep(tf.ones([2, 4]))) }, { passes: 1, insert: { h: 0.5 } });
    const keep = [0, 1].flatMap((sample) => kept("h", 0, sample, 4, 0.5));
    expect([...mean]).toEqual([
      keep.reduce((sum, one, i) => sum + (one ? Math.floor(i / 4) : 0), 0),
      keep.reduce((sum, one, i) => sum + (one ? i % 4 : 0), 0),
    ]);
    expect(tf.memory().numTensors).toBe(numTensors + 1);
  });

  it("is refused by name where it says nothing or cannot be done", async () => {
    const model = await network();
    const refused = (message: string, options: object, given: unknown = x(), of: GraphModel = model) =>
      expect(wd.predict(of, given as tf.Tensor, { passes: 2, ...options })).rejects.toThrow(message);
    const nothing =
      '"model" expected GraphModel with nodes that dropout is inserted after (insert: { node: rate }), got one in which nothing is random';
    await refused(nothing, {});
    await refused(nothing, { insert: { h: 0 } });
    await refused('"insert" expected names of nodes that the output is made of, got "dropout"', { insert: { dropout: 0.5 } });
    await refused('"rates" expected nothing for a GraphModel', { rates: { h: 0.5 } });
    await refused('"batchPasses" expected 1 for a GraphModel', { insert: { h: 0.5 }, batchPasses: 2 });
    await refused('"inputs" expected 1 tensors, got 2', { insert: { h: 0.5 } }, [x(), x()]);
    await refused('"inputs" expected tensor, got string "x"', { insert: { h: 0.5 } }, "x");
    await refused('"inputs" expected names of inputs, "x", got "z"', { insert: { h: 0.5 } }, { z: x() });
    await refused('"output" expected', { insert: { h: 0.5 }, output: "probability" });
    const twoOutputs = await load([placeholder("x", -1, 4), node("a", "Neg", ["x"]), node("b", "Abs", ["x"])], {});
    await refused('"model" expected model of one output, got 2 outputs', { insert: { a: 0.5 } }, x(), twoOutputs);
    const noisy = await load(
      [
        placeholder("x", -1, 4),
        node("noise", "RandomUniform", ["shape"], {
          dtype: { type: "DT_FLOAT" },
          T: { type: "DT_INT32" },
          seed: { i: "1" },
          seed2: { i: "1" },
        }),
        node("y", "AddV2", ["x", "noise"]),
      ],
      { shape: { shape: [2], values: [2, 4], dtype: "int32" } },
    );
    await refused(
      '"model" expected graph without random operations of its own, got node "noise", RandomUniform',
      { insert: { x: 0.5 } },
      x(),
      noisy,
    );
    expect((await wd.predict(model, x(), { passes: 2, insert: { h: 0.5 } })).passes).toBe(2);
  });
});
