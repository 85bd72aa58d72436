// The networks of the tests, as exporters write them: weights are numbers that look random, scaled by the inputs of each unit.

import { type DataType, model, Numbers, node, tensor, value } from "./build.js";

export interface Network {
  readonly bytes: Uint8Array;
  /** Sizes of an example; inputs are [examples, ...sizes]. */
  readonly input: readonly number[];
  readonly classes: number;
  /** Drop probabilities by the names of dropouts. */
  readonly rates: Readonly<Record<string, number>>;
}

/** Builds up the weights of a network. */
class Weights {
  readonly constants: ReturnType<typeof tensor>[] = [];
  readonly #numbers: Numbers;

  constructor(seed: number) {
    this.#numbers = new Numbers(seed);
  }

  /** Adds weights of a variance of 1 / inputs; returns their name. */
  add(name: string, dims: readonly number[], inputs: number, shift = 0): string {
    const count = dims.reduce((a, b) => a * b, 1);
    const values = this.#numbers.take(count, Math.sqrt(3 / inputs)).map((one) => one + shift);
    this.constants.push(tensor(name, dims, values));
    return name;
  }

  integers(name: string, values: readonly number[], type: DataType): string {
    this.constants.push(tensor(name, [values.length], values, type));
    return name;
  }
}

const INT64 = 7 as DataType;

/** The network of the example for MNIST: 784 pixels, two hidden layers with dropout, ten classes. */
export function mlp(units = 800, hiddenP = 0.5, inputP = 0.2): Network {
  const weights = new Weights(1);
  const dense = (x: string, y: string, inputs: number, outputs: number) =>
    node("Gemm", [x, weights.add(`${y}.weight`, [outputs, inputs], inputs), weights.add(`${y}.bias`, [outputs], inputs)], [y], {
      attributes: { transB: 1 },
    });
  weights.constants.push(tensor("p0", [], [inputP]), tensor("p", [], [hiddenP]));
  return {
    bytes: model({
      nodes: [
        node("Dropout", ["x", "p0"], ["x/dropped"], { name: "input" }),
        dense("x/dropped", "h1", 784, units),
        node("Relu", ["h1"], ["a1"]),
        node("Dropout", ["a1", "p"], ["d1"], { name: "hidden1" }),
        dense("d1", "h2", units, units),
        node("Relu", ["h2"], ["a2"]),
        node("Dropout", ["a2", "p"], ["d2"], { name: "hidden2" }),
        dense("d2", "logits", units, 10),
      ],
      inputs: [value("x", ["batch", 784])],
      outputs: [value("logits", ["batch", 10])],
      constants: weights.constants,
    }),
    input: [784],
    classes: 10,
    rates: { input: inputP, hidden1: hiddenP, hidden2: hiddenP },
  };
}

/**
 * Two convolutions with batch normalization, dropout of the features and before the last layer, as set 11 writes it. The last layer is of all features, or
 * of their means.
 */
export function cnn(side = 12, channels = 6, pooled = false): Network {
  const weights = new Weights(2);
  const norm = (x: string, y: string, count: number) =>
    node(
      "BatchNormalization",
      [
        x,
        ...["scale", "shift", "mean"].map((what) => weights.add(`${y}.${what}`, [count], 4)),
        weights.add(`${y}.variance`, [count], 12, 1),
      ],
      [y],
    );
  const conv = (x: string, y: string, from: number, to: number) =>
    node("Conv", [x, weights.add(`${y}.weight`, [to, from, 3, 3], 9 * from), weights.add(`${y}.bias`, [to], 9 * from)], [y], {
      attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] },
    });
  const features = pooled ? channels : channels * (side / 2) ** 2;
  return {
    bytes: model({
      opset: 11,
      nodes: [
        conv("image", "c1", 1, channels),
        norm("c1", "n1", channels),
        node("Relu", ["n1"], ["a1"]),
        node("MaxPool", ["a1"], ["m1"], { attributes: { kernel_shape: [2, 2], strides: [2, 2] } }),
        node("Dropout", ["m1"], ["d1"], { name: "features", attributes: { ratio: { float: 0.25 } } }),
        conv("d1", "c2", channels, channels),
        norm("c2", "n2", channels),
        node("Relu", ["n2"], ["a2"]),
        ...(pooled ? [node("GlobalAveragePool", ["a2"], ["g"])] : []),
        node("Flatten", [pooled ? "g" : "a2"], ["flat"]),
        node("Dropout", ["flat"], ["d2"], { name: "head", attributes: { ratio: { float: 0.5 } } }),
        node("Gemm", ["d2", weights.add("out.weight", [features, 5], features), weights.add("out.bias", [5], 9)], ["logits"]),
      ],
      inputs: [value("image", [null, 1, side, side])],
      outputs: [value("logits", [null, 5])],
      constants: weights.constants,
    }),
    input: [1, side, side],
    classes: 5,
    rates: { features: 0.25, head: 0.5 },
  };
}

/**
 * A block of a transformer with four heads as PyTorch exports it, its sizes taken from tensors as it runs: dropout of the embedding, of the attention's
 * probabilities, after its projection and after the feed-forward layers, whose GELU is spelt out.
 */
export function transformer(steps = 6, width = 16, heads = 4, p = 0.1): Network {
  const weights = new Weights(3);
  const hidden = 2 * width;
  const linear = (x: string, y: string, inputs: number, outputs: number) => [
    node("MatMul", [x, weights.add(`${y}.weight`, [inputs, outputs], inputs)], [`${y}/product`]),
    node("Add", [`${y}/product`, weights.add(`${y}.bias`, [outputs], inputs)], [y]),
  ];
  const norm = (x: string, y: string) =>
    node("LayerNormalization", [x, weights.add(`${y}.scale`, [width], width, 1), weights.add(`${y}.shift`, [width], width)], [y], {
      attributes: { axis: -1 },
    });
  weights.constants.push(tensor("ratio", [], [p]), tensor("root", [], [Math.sqrt(width / heads)]), tensor("rootTwo", [], [Math.SQRT2]));
  weights.constants.push(tensor("one", [], [1]), tensor("half", [], [0.5]), tensor("training", [], [1], 9 as DataType));
  const [zero, axis0] = [tensor("zero", [], [0], INT64), weights.integers("axis0", [0], INT64)];
  weights.constants.push(zero);
  weights.integers("split", [steps, heads, width / heads], INT64);
  weights.integers("merged", [steps, width], INT64);
  const sizesFor = (name: string, rest: string) => [
    node("Shape", ["e/dropped"], [`${name}/shape`]),
    node("Gather", [`${name}/shape`, "zero"], [`${name}/batch`], { attributes: { axis: 0 } }),
    node("Unsqueeze", [`${name}/batch`, axis0], [`${name}/batch1`]),
    node("Concat", [`${name}/batch1`, rest], [name], { attributes: { axis: 0 } }),
  ];
  const headsOf = (x: string, y: string, perm: readonly number[]) => [
    node("Reshape", [x, "sizes/split"], [`${y}/4d`]),
    node("Transpose", [`${y}/4d`], [y], { attributes: { perm } }),
  ];
  const dropout = (x: string, y: string, name: string) => node("Dropout", [x, "ratio", "training"], [y], { name });
  return {
    bytes: model({
      opset: 17,
      nodes: [
        ...linear("x", "e", width, width),
        dropout("e", "e/dropped", "embedding"),
        ...sizesFor("sizes/split", "split"),
        ...sizesFor("sizes/merged", "merged"),
        norm("e/dropped", "n1"),
        ...linear("n1", "q", width, width),
        ...linear("n1", "k", width, width),
        ...linear("n1", "v", width, width),
        ...headsOf("q", "q/heads", [0, 2, 1, 3]),
        ...headsOf("k", "k/heads", [0, 2, 3, 1]),
        ...headsOf("v", "v/heads", [0, 2, 1, 3]),
        node("MatMul", ["q/heads", "k/heads"], ["scores/raw"]),
        node("Div", ["scores/raw", "root"], ["scores"]),
        node("Softmax", ["scores"], ["attention"], { attributes: { axis: -1 } }),
        dropout("attention", "attention/dropped", "attention"),
        node("MatMul", ["attention/dropped", "v/heads"], ["context"]),
        node("Transpose", ["context"], ["context/back"], { attributes: { perm: [0, 2, 1, 3] } }),
        node("Reshape", ["context/back", "sizes/merged"], ["context/merged"]),
        ...linear("context/merged", "projected", width, width),
        dropout("projected", "projected/dropped", "projection"),
        node("Add", ["e/dropped", "projected/dropped"], ["r1"]),
        norm("r1", "n2"),
        ...linear("n2", "f1", width, hidden),
        node("Div", ["f1", "rootTwo"], ["f1/scaled"]),
        node("Erf", ["f1/scaled"], ["f1/erf"]),
        node("Add", ["f1/erf", "one"], ["f1/sum"]),
        node("Mul", ["f1", "f1/sum"], ["f1/twice"]),
        node("Mul", ["f1/twice", "half"], ["gelu"]),
        ...linear("gelu", "f2", hidden, width),
        dropout("f2", "f2/dropped", "feedForward"),
        node("Add", ["r1", "f2/dropped"], ["r2"]),
        node("ReduceMean", ["r2"], ["pooled"], { attributes: { axes: [1], keepdims: 0 } }),
        ...linear("pooled", "logits", width, 3),
      ],
      inputs: [value("x", ["batch", steps, width])],
      outputs: [value("logits", ["batch", 3])],
      constants: weights.constants,
    }),
    input: [steps, width],
    classes: 3,
    rates: { embedding: p, attention: p, projection: p, feedForward: p },
  };
}
