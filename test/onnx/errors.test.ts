// Bad models, options and inputs: an error that names what is wrong, no session left behind, and an instance that works afterwards.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "wasm-dropout";
import {
  createOnnxMonteCarlo,
  listDropouts,
  type OnnxOptions,
  type OnnxPredictOptions,
  probeDropouts,
  rewriteDropouts,
} from "wasm-dropout/onnx";
import { DataType, type ModelParts, model, node, tensor, value } from "../support/onnx/build.js";
import { cnn, mlp } from "../support/onnx/networks.js";
import { load, type Runtime, type Session } from "../support/onnx/runtimes.js";
import { thrownBy } from "../support/refusals.js";

const ort = load("onnxruntime-web");
const tensorOf = (length: number, dims = [1, length]) => new ort.Tensor("float32", new Float32Array(length).fill(1), dims);

let dropout: Dropout;
beforeAll(async () => {
  dropout = await createDropout({ seed: 3 });
});

const build = (nodes: ModelParts["nodes"], parts: Partial<ModelParts> = {}) =>
  model({ inputs: [value("x", ["batch", 4])], outputs: [value("y", ["batch", 4])], nodes, ...parts });
const drop = node("Dropout", ["x"], ["y"], { name: "d" });
const sound = build([drop]);

/** A runtime that counts its sessions, and fails to run or to open one if asked to. */
class Spy implements Runtime {
  readonly Tensor = ort.Tensor;
  open = 0;
  failOpening = Number.POSITIVE_INFINITY;
  failRunning = false;
  readonly InferenceSession = {
    create: async (bytes: Uint8Array): Promise<Session> => {
      if (--this.failOpening < 0) throw new Error("no more sessions");
      const session = await ort.InferenceSession.create(bytes);
      ++this.open;
      const run = (...args: [never]) => (this.failRunning ? Promise.reject(new Error("device lost")) : session.run(...args));
      const release = () => {
        --this.open;
        return session.release();
      };
      return Object.create(session, { run: { value: run }, release: { value: release } }) as Session;
    },
  };
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.fail("it was not refused"),
    (error: Error) => error,
  );
}

describe("models", () => {
  const cut = mlp(8).bytes;
  const nested = (depth: number) => {
    // Field 7 (graph) of field 5 (attribute's graph) and so on: messages within messages.
    let bytes = new Uint8Array();
    for (let k = 0; k < depth; ++k) bytes = Uint8Array.from([0x3a, ...varint(bytes.length), ...bytes]);
    return bytes;
  };
  const varint = (one: number): number[] => (one < 128 ? [one] : [(one % 128) + 128, ...varint(Math.floor(one / 128))]);

  it.each<[string, unknown, typeof TypeError | typeof RangeError, RegExp]>([
    ["nothing", undefined, TypeError, /^"model" expected ArrayBuffer or Uint8Array, got undefined$/],
    ["a path", "model.onnx", TypeError, /^"model" expected ArrayBuffer or Uint8Array, got string "model.onnx"$/],
    ["other numbers", new Float32Array(4), TypeError, /^"model" expected ArrayBuffer or Uint8Array, got Float32Array\(4\)$/],
    ["no bytes", new Uint8Array(), RangeError, /^"model" expected bytes of an ONNX model, got none$/],
    [
      "bytes that are cut short",
      cut.slice(0, -100),
      RangeError,
      /^"model" expected bytes of an ONNX model, got \d+ bytes that are cut short/,
    ],
    [
      "text",
      new TextEncoder().encode("<!doctype html><title>Not found</title>"),
      RangeError,
      /^"model" expected bytes of an ONNX model, got 39 bytes/,
    ],
    [
      "a length of four gigabytes",
      Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f),
      RangeError,
      /^"model" expected bytes of an ONNX model, got 6 bytes/,
    ],
    ["zeros", new Uint8Array(1000), RangeError, /^"model" expected bytes of an ONNX model, got 1000 bytes/],
    ["messages within messages", nested(300), RangeError, /^"model" expected bytes of an ONNX model/],
    [
      "no graph",
      model({ nodes: [], inputs: [], outputs: [] }),
      RangeError,
      /^"model" expected bytes of an ONNX model, got \d+ bytes without a graph$/,
    ],
    ["set 6", build([drop], { opset: 6 }), RangeError, /^"model" expected operator set 7 to 26 of the default domain, got 6$/],
    ["set 99", build([drop], { opset: 99 }), RangeError, /^"model" expected operator set 7 to 26 of the default domain, got 99$/],
    [
      "a tensor that is not there",
      build([node("Add", ["x", "z"], ["y"], { name: "sum" })]),
      RangeError,
      /got node "sum" \(Add\), which reads "z"$/,
    ],
    [
      "a tensor made twice",
      build([drop, node("Relu", ["x"], ["y"], { name: "r" })]),
      RangeError,
      /got node "r" \(Relu\), which makes "y" again$/,
    ],
    ["an output that nothing makes", build([node("Relu", ["x"], ["h"])]), RangeError, /got output "y", which no node makes$/],
  ])("%s", async (_, bytes, type, message) => {
    for (const error of [
      thrownBy(() => listDropouts(bytes as Uint8Array)),
      thrownBy(() => rewriteDropouts(bytes as Uint8Array)),
      await rejection(createOnnxMonteCarlo(dropout, { ort, model: bytes as Uint8Array })),
    ]) {
      expect(error).toBeInstanceOf(type);
      expect((error as Error).message).toMatch(message);
      expect((error as Error).message.length).toBeLessThan(300);
    }
  });

  it("random bytes never do anything else than be refused or listed", () => {
    let state = 1;
    const bytes = cnn(4, 2).bytes;
    for (let round = 0; round < 300; ++round) {
      const spoilt = bytes.slice();
      for (let k = 0; k < 4; ++k) {
        state = (state * 48271) % 0x7fffffff;
        spoilt[state % spoilt.length] = state >> 8;
      }
      const error = thrownBy(() => rewriteDropouts(spoilt));
      if (error !== undefined) expect((error as Error).message).toMatch(/^"(model|rates)" expected /);
    }
  });

  it.each<[string, Uint8Array, RegExp]>([
    [
      "without dropout",
      build([node("Relu", ["x"], ["y"])]),
      /^"model" expected model with dropout that drops .*, got one in which all passes are the same$/,
    ],
    ["whose dropout reaches no output", build([node("Dropout", ["x"], ["d"]), node("Relu", ["x"], ["y"])]), /all passes are the same$/],
    [
      "that draws by itself",
      build([drop, node("RandomNormalLike", ["y"], ["z"], { name: "noise" })], { outputs: [value("z")] }),
      /got node "noise" \(RandomNormalLike\)$/,
    ],
    [
      "with dropout of another domain",
      build([node("BiasDropout", ["x"], ["y"], { name: "b", domain: "com.microsoft" })], { domains: { "com.microsoft": 1 } }),
      /expected dropout by the operator Dropout, got node "b" \(com\.microsoft\.BiasDropout\)$/,
    ],
    [
      "with a ratio out of range",
      build([node("Dropout", ["x", "r"], ["y"], { name: "d" })], { constants: [tensor("r", [], [1.5])] }),
      /expected ratios in \[0, 1\], got 1\.5 of node "d" \(Dropout\)$/,
    ],
    [
      "with a ratio in another file",
      external(),
      /^"rates" expected rate of "d", whose ratio the file does not have, got none, and ratio "r"$/,
    ],
    [
      "of integers",
      build([node("Cast", ["x"], ["i"], { attributes: { to: 7 } }), node("Dropout", ["i"], ["y"], { name: "d" })]),
      /expected dropout of floating-point tensors, got int64 at node "d"/,
    ],
    [
      "whose output is integers",
      build([node("Dropout", ["x"], ["d"], { name: "d" }), node("ArgMax", ["d"], ["y"])], {
        outputs: [value("y", undefined, DataType.INT64)],
      }),
      /"outputName" expected output of floating-point numbers, got "y" of int64$/,
    ],
  ])("a model %s", async (_, bytes, message) => {
    const spy = new Spy();
    const error = await rejection(createOnnxMonteCarlo(dropout, { ort: spy, model: bytes }));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toMatch(message);
    expect(spy.open).toBe(0);
  });

  function external(): Uint8Array {
    const ratio = tensor("r", [], [0]);
    Object.assign(ratio, {
      rawData: new Uint8Array(),
      dataLocation: 1,
      externalData: [{ $typeName: "onnx.StringStringEntryProto", key: "location", value: "w.bin" }],
    });
    return build([node("Dropout", ["x", "r"], ["y"], { name: "d" })], { constants: [ratio] });
  }
});

describe("a probing run", () => {
  it("refuses inputs that are not those of the model, and leaves sequences and subgraphs as the file has them", async () => {
    const x = value("x", ["n", 4]);
    const bytes = model({
      opset: 16,
      inputs: [x],
      outputs: [value("y")],
      constants: [tensor("zero", [], [0], DataType.INT64)],
      nodes: [
        node("SequenceConstruct", ["x", "x"], ["pair"]),
        node("Identity", ["pair"], ["same"]),
        node("SequenceAt", ["same", "zero"], ["one"]),
        node("Dropout", ["one"], ["y"], { name: "d" }),
      ],
    });
    const data = new ort.Tensor("float32", new Float32Array(12), [3, 4]);
    const { dropouts, points } = await probeDropouts(bytes, { ort, inputs: data });
    expect(dropouts).toMatchObject([{ name: "d", input: "one", shape: [3, 4] }]);
    expect(points.map(({ name: point, shape }) => [point, shape])).toEqual([
      ["pair", undefined],
      ["same", undefined],
      ["one", [3, 4]],
    ]);
    const probe = (options: object) => probeDropouts(bytes, options as never);
    await expect(probe({ ort, inputs: { z: data } })).rejects.toThrow('"inputs" expected names of inputs: "x", got "z"');
    await expect(probe({ ort, inputs: {} })).rejects.toThrow('none for "x"');
    await expect(probe({ ort })).rejects.toThrow('"inputs" expected tensor of ONNX Runtime');
    await expect(probe({ inputs: data })).rejects.toThrow('"ort" expected module object');
    await expect(probe({ ort, inputs: data, passes: 1 })).rejects.toThrow('"passes" is no option');
    await expect(probeDropouts(new Uint8Array(3), { ort, inputs: data })).rejects.toThrow('"model" expected bytes of an ONNX model');
  });
});

describe("options", () => {
  it.each<[string, object, RegExp]>([
    ["no runtime", { ort: undefined }, /^"ort" expected module object of onnxruntime-web or onnxruntime-node, got undefined$/],
    ["something else", { ort: { run: 1 } }, /^"ort" expected module object of onnxruntime-web or onnxruntime-node/],
    ["an unknown option", { output: "y" }, /^"output" is no option; /],
    ["a rate out of range", { rates: { d: 2 } }, /^"rates\["d"\]" expected number in \[0, 1\], got 2$/],
    ["a rate of what is not there", { rates: { e: 0.5 } }, /^"rates" expected names of dropouts such as "d", got "e"$/],
    [
      "a place that is not there",
      { insert: [{ after: "z", p: 0.5 }] },
      /^"insert" expected tensors or nodes of the model, by name, .*got "z"$/,
    ],
    [
      "a kind that is not there",
      { insert: [{ kinds: "Relu", p: 0.5 }] },
      /^"insert" expected kinds of nodes that the model has.*, got "Relu"$/,
    ],
    ["a place without p", { insert: [{ after: "x" }] }, /^"insert\[0\]\.p" expected number in \[0, 1\], got undefined$/],
    ["a place with a slip", { insert: [{ after: "x", p: 0.5, nam: "a" }] }, /^"insert\[0\]\.nam" is no option; did you mean "name"\?$/],
    [
      "two places of one name",
      { insert: [{ after: "x", p: 0.5, name: "d" }] },
      /^"insert" expected places that do not drop yet, and names that differ, got "d"$/,
    ],
    ["places that are no list", { insert: { after: "x", p: 0.5 } }, /^"insert" expected array of places, got Object$/],
    ["a treatment of batch normalization", { batchNorm: "ignore" }, /^"batchNorm" expected "refuse" or "inference", got string "ignore"$/],
    ["an output that is not there", { outputName: "z" }, /^"outputName" expected one of the outputs "y", got "z"$/],
    ["another Monte-Carlo", { monteCarlo: {} }, /^"monteCarlo" expected MonteCarlo of this package, got Object$/],
  ])("%s", async (_, options, message) => {
    const error = await rejection(createOnnxMonteCarlo(dropout, { ort, model: sound, ...options } as unknown as OnnxOptions));
    expect(error.message).toMatch(message);
  });

  it("what is no instance", async () => {
    const error = await rejection(createOnnxMonteCarlo({} as Dropout, { ort, model: sound }));
    expect(error).toEqual(new TypeError('"dropout" expected Dropout of this package, got Object'));
  });

  it("closes the first session if the second does not open", async () => {
    const spy = new Spy();
    spy.failOpening = 1;
    const bytes = build([node("Relu", ["x"], ["h"]), node("Dropout", ["h"], ["y"], { name: "d" })]);
    await expect(createOnnxMonteCarlo(dropout, { ort: spy, model: bytes })).rejects.toThrow("no more sessions");
    expect(spy.open).toBe(0);
  });
});

describe("predictions", () => {
  it.each<[string, unknown, object, RegExp]>([
    ["no inputs", undefined, {}, /^"inputs" expected tensor of ONNX Runtime, or tensors by the names of inputs, got undefined$/],
    ["an array", new Float32Array(4), {}, /^"inputs" expected tensor of ONNX Runtime/],
    ["a wrong name", { z: tensorOf(4) }, {}, /^"inputs" expected names of inputs: "x", got "z"$/],
    ["no tensor for an input", {}, {}, /^"inputs" expected tensors by the names "x", got none for "x"$/],
    ["what is no tensor", { x: [1, 2, 3, 4] }, {}, /^"inputs\["x"\]" expected tensor of ONNX Runtime, got Array\(4\)$/],
    [
      "another element type",
      new ort.Tensor("float64", new Float64Array(4), [1, 4]),
      {},
      /^"inputs\["x"\]" expected tensor of float32, got string "float64"$/,
    ],
    ["another size", tensorOf(5), {}, /^"inputs\["x"\]\.dims" expected \[batch, 4\], got \[1, 5\]$/],
    ["another number of axes", tensorOf(4, [4]), {}, /^"inputs\["x"\]\.dims" expected \[batch, 4\], got \[4\]$/],
    ["no passes", tensorOf(4), { passes: 0 }, /^"passes" expected integer in \[1, 16777216\], got 0$/],
    ["passes left out", tensorOf(4), { passes: undefined }, /^"passes" expected integer/],
    ["an unknown option", tensorOf(4), { pases: 3 }, /^"pases" is no option; did you mean "passes"\?$/],
    ["an option that follows from the model", tensorOf(4), { outputShape: [1, 4] }, /^"outputShape" is no option/],
    ["passes at once", tensorOf(4), { batchPasses: 0 }, /^"batchPasses" expected integer in \[1, 16777216\], got 0$/],
    ["examples that are not there", tensorOf(8, [2, 4]), { samples: 3 }, /^"samples" expected the 2 examples of the inputs, or 1, got 3$/],
    ["classes that do not fit", tensorOf(4), { classes: 3 }, /^"outputShape" expected 3 classes along axis 1, got 4$/],
    ["logits taken for probabilities", tensorOf(4), { classes: 4 }, /output: "logits"/],
  ])("%s", async (_, inputs, options, message) => {
    const spy = new Spy();
    const onnx = await createOnnxMonteCarlo(dropout, { ort: spy, model: sound });
    const before = dropout.state;
    const error = await rejection(onnx.predict(inputs as never, { passes: 3, ...options }));
    expect(error.message).toMatch(message);
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
    expect(dropout.state).toEqual(before);
    expect((await onnx.predict(tensorOf(4), { passes: 3 })).passes).toBe(3);
    await onnx.release();
    expect(spy.open).toBe(0);
  });

  it("an abort in the middle, and before", async () => {
    const onnx = await createOnnxMonteCarlo(dropout, { ort, model: sound });
    const controller = new AbortController();
    const reason = new Error("enough");
    const done: number[] = [];
    const options: OnnxPredictOptions = {
      passes: 1000,
      batchPasses: 1,
      signal: controller.signal,
      onProgress: (progress) => {
        if (done.push(progress.done) === 5) controller.abort(reason);
      },
    };
    expect(await rejection(onnx.predict(tensorOf(4), options))).toBe(reason);
    expect(done).toEqual([1, 2, 3, 4, 5]);
    expect(await rejection(onnx.predict(tensorOf(4), options))).toBe(reason);
    expect((await onnx.predict(tensorOf(4), { passes: 3 })).passes).toBe(3);
    await onnx.release();
  });

  it("a run that fails", async () => {
    const spy = new Spy();
    const onnx = await createOnnxMonteCarlo(dropout, { ort: spy, model: sound });
    await onnx.predict(tensorOf(4), { passes: 2 });
    spy.failRunning = true;
    expect((await rejection(onnx.predict(tensorOf(4), { passes: 2 }))).message).toBe("device lost");
    spy.failRunning = false;
    expect((await onnx.predict(tensorOf(4), { passes: 2 })).passes).toBe(2);
    await onnx.release();
    expect(spy.open).toBe(0);
  });

  it("runs that overlap in time are those of runs one after another", async () => {
    const onnx = await createOnnxMonteCarlo(dropout, { ort, model: mlp(16).bytes });
    const x = [0, 1, 2].map((k) => new ort.Tensor("float32", new Float32Array(784 * (k + 1)).fill(0.5 + k), [k + 1, 784]));
    const options = { passes: 7, batchPasses: 2, seed: 5 };
    const together = await Promise.all(x.map((one) => onnx.predict(one, options)));
    for (const [k, one] of x.entries()) expect(await onnx.predict(one, options)).toEqual(together[k]);
    await onnx.release();
  });

  it("nothing after release", async () => {
    const onnx = await createOnnxMonteCarlo(dropout, { ort, model: sound });
    const pending = rejection(onnx.predict(tensorOf(4), { passes: 50, batchPasses: 1 }));
    await onnx.release();
    await onnx.release();
    expect((await pending).message).toMatch(/^"inputs" expected predictions before release\(\), got one after it$/);
    expect((await rejection(onnx.predict(tensorOf(4), { passes: 2 }))).message).toMatch(/before release/);
  });

  it("bytes that the caller writes to after the call", async () => {
    const bytes = mlp(16).bytes.slice();
    const opening = createOnnxMonteCarlo(dropout, { ort, model: bytes });
    bytes.fill(0);
    const onnx = await opening;
    const x = tensorOf(784);
    const got = await onnx.predict(x, { passes: 3 });
    const other = await createOnnxMonteCarlo(dropout, { ort, model: mlp(16).bytes });
    expect(got).toEqual(await other.predict(x, { passes: 3 }));
    await onnx.release();
    await other.release();
  });

  it("a batch of no examples", async () => {
    const onnx = await createOnnxMonteCarlo(dropout, { ort, model: sound });
    expect((await onnx.predict(new ort.Tensor("float32", new Float32Array(), [0, 4]), { passes: 2 })).mean).toHaveLength(0);
    await onnx.release();
  });
});
