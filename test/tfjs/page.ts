// The program that runs in a page of gpu.test.ts: the same operations and the same training on whatever backend is asked for.

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-webgl";
import "@tensorflow/tfjs-backend-webgpu";
import { initializers, layers, sequential } from "@tensorflow/tfjs-layers";
import { createAttention } from "../../src/attention/index.js";
import { createFused } from "../../src/fused/index.js";
import { asked, compare } from "../../src/tfjs/generate.js";
import { currentDevice } from "../../src/tfjs/gpu.js";
import { createTfjsDropout, type TfjsDropout } from "../../src/tfjs/index.js";

/** The results of a backend from the seed. */
export interface PageResult {
  readonly backend: string;
  /** Values by the name of the case, with NaN and infinities as text. */
  readonly values: Record<string, (number | string)[]>;
  readonly losses: number[];
  readonly weights: number[];
  /** Tensors that operations, and a training beyond one without layers of this package, have left behind. */
  readonly tensorsLeft: readonly [number, number];
  /** Synchronous reads of a GPU's memory during all operations, but for the self-check of the first. */
  readonly reads: number;
  /** true if the backend draws the bits of kind "philox" itself that the CPU draws for it; undefined if its programs cannot draw. */
  readonly draws?: boolean | undefined;
}

/** Returns values that come from the backend's own kernels, and go through them: on a GPU, they have no copy on the CPU. */
const through = (x: tf.Tensor) => tf.mul(x, tf.scalar(1));

async function read(make: () => tf.Tensor): Promise<(number | string)[]> {
  const tensor = tf.tidy(() => through(make()));
  const values = [...(await tensor.data())].map((value) => (Number.isFinite(value) ? value : `${value}`));
  tensor.dispose();
  return values;
}

type Operation = (x: tf.Tensor) => tf.Tensor;
const gradient = (x: tf.Tensor, run: Operation) => tf.grad((input: tf.Tensor) => run(through(input)))(x, x);

/** Shapes of x: below and above the sizes that backends compute on the CPU, and of packed textures. */
const SHAPES = [[60, 20], [7], [1], [3, 5, 2], [2, 3, 4, 5, 6], [4097], [70, 1000]];
const NOISE: Record<string, (number | null)[]> = {
  "60,20": [null, 1],
  "7": [1],
  "1": [1],
  "3,5,2": [null, 1, null],
  "2,3,4,5,6": [1, null, 1, null, 1],
  "4097": [null],
  "70,1000": [1, null],
};

async function run(backend: string): Promise<PageResult | null> {
  if (!(await tf.setBackend(backend))) return null;
  await tf.ready();
  const wd = await createTfjsDropout({ seed: 42, extensions: { createFused, createAttention } });
  await wd.ready();
  // The self-check reads once; everything after it must not.
  let reads = 0;
  const current = tf.backend();
  const readSync = current.readSync;
  if (backend !== "cpu") {
    current.readSync = function (...args) {
      // webgpu keeps small tensors on the CPU, where it computes them.
      const { tensorMap } = this as unknown as { tensorMap?: Map<object, { values?: unknown }> };
      if (!tensorMap?.get(args[0])?.values) ++reads;
      return readSync.apply(this, args);
    };
  }
  const { numTensors: before } = tf.memory();
  const values: PageResult["values"] = {};
  for (const shape of SHAPES) {
    const size = shape.reduce((a, b) => a * b, 1);
    const x = tf.tidy(() => through(tf.reshape(tf.range(1, size + 1), shape)));
    const cases: Record<string, Operation> = {
      dropout: (input) => wd.dropout(input, 0.25),
      noise: (input) => wd.dropout(input, 0.25, NOISE[`${shape}`] as number[]),
      alpha: (input) => wd.alphaDropout(input, 0.25),
      alphaNoise: (input) => wd.alphaDropout(input, 0.25, NOISE[`${shape}`] as number[]),
      gaussian: (input) => wd.gaussianDropout(input, 0.25),
      gaussianNoise: (input) => wd.gaussianNoise(input, 0.25),
    };
    for (const [name, run] of Object.entries(cases)) {
      values[`${name} ${shape}`] = await read(() => run(x));
      values[`d ${name} ${shape}`] = await read(() => gradient(x, run));
    }
    values[`second ${shape}`] = await read(() => {
      const cubes = (input: tf.Tensor) => tf.pow(wd.dropout(input, 0.5), 3);
      return tf.grad((input: tf.Tensor) => tf.grad(cubes)(input))(tf.div(x, size));
    });
    x.dispose();
  }
  Object.assign(values, await fused(wd));
  values["broken"] = await read(() => {
    const x = tf.tensor1d(Array.from({ length: 3000 }, (_, i) => [Number.NaN, Number.POSITIVE_INFINITY, -1][i % 3] as number));
    const masked = wd.dropout(tf.mul(x, tf.ones([3000])), 0.5, null, 9);
    // A kept NaN or infinity shows as 1, a dropped one as 0.
    return tf.cast(tf.notEqual(masked, 0), "float32");
  });
  values["issue"] = await read(() => wd.dropout(tf.add(tf.ones([4096]), 1), 0.5, null, 1));
  const philox = await createTfjsDropout({ seed: 42, kind: "philox" });
  // The first call has the device compared in the background, which may or may not have ended at the second.
  for (const call of ["first", "second"]) {
    values[`philox ${call}`] = await read(() => philox.dropout(tf.range(1, 4097), 0.25));
    values[`d philox ${call}`] = await read(() => gradient(tf.range(1, 4097), (input) => philox.alphaDropout(input, 0.25)));
  }
  // Drawn by the device from now on, whichever way takes less time here.
  asked.set(current, { draws: true });
  for (const size of [4096, 4097]) {
    values[`philox drawn ${size}`] = await read(() => philox.dropout(tf.range(1, size + 1), 0.25));
    values[`d philox drawn ${size}`] = await read(() => gradient(tf.range(1, size + 1), (input) => philox.alphaDropout(input, 0.25)));
  }
  const device = currentDevice();
  const draws = device?.generate && (await compare(device)).same && !(await uploads(() => philox.dropout(tf.ones([4096]), 0.25)));
  const { numTensors: operations } = tf.memory();
  values["predict"] = await predict(wd);
  const trained = await train(wd);
  const { numTensors: training } = tf.memory();
  // tfjs itself leaves a tensor of each fit() behind on a GPU: as many as a model without our layers.
  await train(undefined);
  const { numTensors: plain } = tf.memory();
  current.readSync = readSync;
  return {
    backend: tf.getBackend(),
    values,
    ...trained,
    reads,
    draws,
    tensorsLeft: [operations - before, training - operations - (plain - training)],
  };
}

/** Values that no pattern repeats, on whatever backend. */
const waves = (shape: number[], pitch: number) => {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(pitch * (i + 1)) * 1.5);
  return through(tf.tensor(values, shape));
};

type Join = (wd: TfjsDropout, operands: tf.Tensor[], rate: number) => tf.Tensor[];
// Enough elements that webgpu does not compute them on the CPU.
const [ROWS, ROW] = [[5, 9, 24], [24]];
const hides = () => tf.tensor([1, 1, 0, 1, 1, 0, 1], [7], "bool");
/** Fused operations, with the shapes of their operands. */
const FUSED: Record<string, [shapes: number[][], run: Join]> = {
  ...Object.fromEntries(
    (["none", "relu", "gelu", "geluTanh", "silu"] as const).map((activation): [string, [number[][], Join]] => [
      activation,
      [[ROWS, ROW], (wd, [x, bias], rate) => [wd.fused.biasActivationDropout(x as tf.Tensor, rate, { bias, activation })]],
    ]),
  ),
  glu: [[ROWS, ROWS], (wd, [x, value], rate) => [wd.fused.gluDropout(x as tf.Tensor, rate, { value, activation: "gelu" })]],
  halves: [[ROWS], (wd, [x], rate) => [wd.fused.gluDropout(x as tf.Tensor, rate, { gateFirst: false })]],
  residual: [
    [ROWS, ROW, ROWS],
    (wd, [x, bias, residual], rate) => [wd.fused.biasDropoutResidual(x as tf.Tensor, rate, { bias, residual })],
  ],
  ...Object.fromEntries(
    (["dropoutResidualLayerNorm", "dropoutResidualRMSNorm"] as const).map((name): [string, [number[][], Join]] => [
      name,
      [
        [ROWS, ROW, ROWS, ROW, ROW],
        (wd, [x, bias, residual, gamma, beta], rate) => {
          const { y, h } = wd.fused[name](x as tf.Tensor, rate, { bias, residual, gamma: gamma as tf.Tensor, beta });
          return [y, h];
        },
      ],
    ]),
  ),
  softmax: [[ROWS], (wd, [logits], rate) => [wd.fused.softmaxDropout(logits as tf.Tensor, rate, { scale: 0.7 })]],
  // The last rows see nothing at all.
  masked: [
    [[2, 9, 7]],
    (wd, [logits], rate) => {
      const rows = Array.from({ length: 9 * 7 }, (_, i) => (i >= 7 * 7 || i % 5 === 0 ? Number.NEGATIVE_INFINITY : (i % 3) - 1));
      return [wd.fused.softmaxDropout(logits as tf.Tensor, rate, { attentionMask: tf.tensor(rows, [9, 7]) })];
    },
  ],
  causal: [
    [[2, 3, 5, 7]],
    (wd, [logits], rate) => [wd.fused.softmaxDropout(logits as tf.Tensor, rate, { causal: true, attentionMask: hides() })],
  ],
  attention: [
    [
      [2, 4, 9, 8],
      [2, 2, 7, 8],
      [2, 2, 7, 6],
    ],
    (wd, [q, k, v], rate) => [
      wd.fused.attention(q as tf.Tensor, k as tf.Tensor, v as tf.Tensor, rate, { causal: true, attentionMask: hides() }),
    ],
  ],
  plain: [
    [
      [9, 8],
      [7, 8],
      [7, 6],
    ],
    (wd, [q, k, v], rate) => [wd.fused.attention(q as tf.Tensor, k as tf.Tensor, v as tf.Tensor, rate)],
  ],
};

/** Returns results and gradients of fused operations, and which of the results are 0, as dropping makes them. */
async function fused(wd: TfjsDropout): Promise<PageResult["values"]> {
  const values: PageResult["values"] = {};
  const flat = (tensors: tf.Tensor[]) => tf.concat(tensors.map((one) => tf.reshape(one, [-1])));
  for (const [name, [shapes, run]] of Object.entries(FUSED)) {
    const operands = () => shapes.map((shape, k) => waves(shape, 1.3 - 0.21 * k));
    const results = await read(() => flat(run(wd, operands(), 0.25)));
    values[`fused ${name}`] = results;
    values[`zeros ${name}`] = results.map((value) => Number(value === 0));
    values[`fused d ${name}`] = await read(() => {
      const weighted = (...given: tf.Tensor[]) =>
        tf.addN(run(wd, given.map(through), 0.25).map((one, k) => tf.sum(tf.mul(one, waves(one.shape, 0.7 + k)))));
      return flat(tf.grads(weighted)(operands()));
    });
    // Nothing is dropped.
    if (["silu", "attention"].includes(name)) values[`fused whole ${name}`] = await read(() => flat(run(wd, operands(), 0)));
  }
  values["zeros broken"] = await read(() => {
    // Every third is NaN, as is its gradient where it is kept: what is dropped is 0, and so is its gradient.
    const x = tf.tensor1d(Array.from({ length: 300 }, (_, i) => [Number.NaN, 2, -1][i % 3] as number));
    const run = (given: tf.Tensor) => wd.fused.gluDropout(through(given), 0.5, { value: given, seed: 9 });
    return tf.cast(tf.notEqual(tf.concat([run(x), tf.grad(run)(x)]), 0), "float32");
  });
  return values;
}

/** Returns true if an operation writes bits, which are integers there, to the memory of the GPU. */
async function uploads(run: () => tf.Tensor): Promise<boolean> {
  const current = tf.backend();
  const { write } = current;
  let writes = 0;
  current.write = function (...args) {
    if (args[2] === "int32") ++writes;
    return write.apply(this, args);
  };
  await read(run);
  current.write = write;
  return writes > 0;
}

/** Returns mean and variance of Monte-Carlo dropout. */
async function predict(wd: TfjsDropout): Promise<number[]> {
  const model = sequential({
    layers: [
      layers.dense({ units: 64, inputShape: [20], kernelInitializer: "ones" }),
      layers.dropout({ rate: 0.5, name: "first" }),
      layers.alphaDropout({ rate: 0.25, name: "second" }),
      layers.dense({ units: 2, kernelInitializer: "ones" }),
    ],
  });
  // Exact on every backend, as the sines of GPUs are not.
  const x = tf.tidy(() => tf.div(tf.reshape(tf.range(0, 60), [3, 20]), 1024));
  const { mean, variance } = await wd.predict(model, x, { passes: 4 });
  x.dispose();
  model.dispose();
  return [...mean, ...variance];
}

async function train(wd: TfjsDropout | undefined): Promise<{ losses: number[]; weights: number[] }> {
  const dense = (units: number, seed: number, activation?: "tanh" | "selu") =>
    layers.dense({
      units,
      ...(activation && { activation }),
      kernelInitializer: initializers.randomUniform({ minval: -0.3, maxval: 0.3, seed }),
    });
  const model = sequential({
    layers: [
      layers.inputLayer({ inputShape: [20] }),
      dense(48, 1, "tanh"),
      ...(wd ? [wd.layers.dropout({ rate: 0.5 })] : []),
      layers.reshape({ targetShape: [4, 12] }),
      ...(wd ? [wd.layers.spatialDropout1d({ rate: 0.1 })] : []),
      layers.flatten(),
      dense(32, 3, "selu"),
      ...(wd ? [wd.layers.alphaDropout({ rate: 0.1 })] : []),
      ...(wd ? [wd.layers.gaussianDropout({ rate: 0.1 })] : []),
      ...(wd ? [wd.layers.gaussianNoise({ stddev: 0.1 })] : []),
      ...(wd ? [wd.layers.dropPath({ rate: 0.1 })] : []),
      dense(1, 2),
    ],
  });
  model.compile({ optimizer: tf.train.sgd(0.05), loss: "meanSquaredError" });
  const x = tf.tidy(() => tf.sin(tf.reshape(tf.range(0, 1200), [60, 20])));
  const t = tf.tidy(() => tf.cos(tf.reshape(tf.range(0, 60), [60, 1])));
  const { history } = await model.fit(x, t, { epochs: 8, batchSize: 20, shuffle: false, yieldEvery: "never" });
  const weights: number[] = [];
  for (const tensor of model.getWeights()) weights.push(...(await tensor.data()));
  tf.dispose([x, t]);
  model.dispose();
  return { losses: history["loss"] as number[], weights };
}

Object.assign(globalThis, { run });
