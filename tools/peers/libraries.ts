// Dropout in each library. The parts of them that are used are declared here, as they are not installed where the rest is type-checked.

import { dropoutModel } from "./onnx.js";
import type { Prepare, Prepared } from "./peer.js";

/** Imports a package; returns the exports of a CommonJS one. */
export async function load<Library>(name: string): Promise<Library> {
  const library = await import(name);
  return library.default ?? library;
}

interface Tensor {
  dataSync(): Float32Array;
  dispose(): void;
}

interface TensorFlow {
  enableProdMode(): void;
  setBackend(name: string): Promise<boolean>;
  tensor1d(values: Float32Array): Tensor;
  tidy(run: () => void): void;
  dropout(x: Tensor, rate: number): Tensor;
  grad(f: (x: Tensor) => Tensor): (x: Tensor, dy: Tensor) => Tensor;
}

/** tf.dropout on a backend; with `gradient`, forward and then the gradient that tf.grad gives. */
export async function loadTensorFlow(backend: "cpu" | "wasm", gradient: boolean): Promise<Prepare> {
  const tf = await load<TensorFlow>("@tensorflow/tfjs-core");
  await load(`@tensorflow/tfjs-backend-${backend}`);
  // Registers gradients, which tfjs-core alone lacks in the form that Node loads.
  if (gradient) await load("@tensorflow/tfjs-layers");
  tf.enableProdMode();
  const enter = async () => {
    if (!(await tf.setBackend(backend))) throw new Error(`tf.setBackend("${backend}") failed`);
  };
  return async (x, p): Promise<Prepared> => {
    await enter();
    const input = tf.tensor1d(x);
    const backward = gradient ? tf.grad((tensor) => tf.dropout(tensor, p)) : undefined;
    const compute = () => (backward === undefined ? tf.dropout(input, p) : backward(input, input));
    let y: Float32Array;
    return {
      enter,
      call: () => {
        // tidy would search an array that it is given back, element by element, for tensors.
        tf.tidy(() => {
          y = compute().dataSync();
        });
      },
      output: () => y,
      free: () => input.dispose(),
    };
  };
}

/** Runs `create` and takes away those globals that it adds: jax-js takes a Worker for a sign that memories are shared, which its own then is not. */
export async function withoutNewGlobals<T>(names: readonly string[], create: () => Promise<T>): Promise<T> {
  const absent = names.filter((name) => !(name in globalThis));
  const made = await create();
  for (const name of absent) Reflect.deleteProperty(globalThis, name);
  return made;
}

export interface OnnxRuntime {
  InferenceSession: { create(model: Uint8Array): Promise<OnnxSession> };
  Tensor: new (type: string, data: Float32Array | Uint8Array, dimensions: number[]) => unknown;
}

interface OnnxSession {
  run(feeds: Record<string, unknown>): Promise<{ y: { data: Float32Array } }>;
  release(): Promise<void>;
}

/** A Dropout-13 node in training mode, with the settings that the package has by default. */
export async function loadOnnxRuntime(name: "onnxruntime-web" | "onnxruntime-node"): Promise<Prepare> {
  const ort = await load<OnnxRuntime>(name);
  return async (x, p): Promise<Prepared> => {
    const session = await withoutNewGlobals(["Worker"], () => ort.InferenceSession.create(dropoutModel()));
    const feeds = {
      x: new ort.Tensor("float32", x, [x.length]),
      ratio: new ort.Tensor("float32", Float32Array.of(p), []),
      training: new ort.Tensor("bool", Uint8Array.of(1), []),
    };
    let y: Float32Array;
    return {
      call: async () => {
        y = (await session.run(feeds)).y.data;
      },
      output: () => y,
      free: () => session.release(),
    };
  };
}

interface JaxArray {
  /** The array for one more use: each use consumes one. */
  readonly ref: JaxArray;
  dataSync(): Float32Array;
  dispose(): void;
}

interface Jax {
  init(device: string): Promise<readonly string[]>;
  defaultDevice(device: string): void;
  jit<F>(f: F): F & { dispose(): void };
  random: { bernoulli(key: JaxArray, p: number, shape: number[]): JaxArray };
  numpy: {
    array(values: Float32Array | Uint32Array): JaxArray;
    multiply(x: JaxArray, y: number): JaxArray;
    where(condition: JaxArray, x: JaxArray, y: number): JaxArray;
  };
}

/**
 * random.bernoulli and numpy.where on the wasm device, compiled once by jit. Keys are made of numbers: for each that random.key makes, new
 * wasm is compiled, which takes milliseconds.
 */
export async function loadJax(): Promise<Prepare> {
  const { init, defaultDevice, jit, random, numpy } = await load<Jax>("@jax-js/jax");
  if (!(await init("wasm")).includes("wasm")) throw new Error("no device wasm");
  defaultDevice("wasm");
  let seed = 0;
  return (x, p): Prepared => {
    const input = numpy.array(x);
    const dropout = jit((key: JaxArray, data: JaxArray) =>
      numpy.where(random.bernoulli(key, 1 - p, [x.length]), numpy.multiply(data, 1 / (1 - p)), 0),
    );
    let y: Float32Array;
    return {
      call: () => {
        y = dropout(numpy.array(Uint32Array.of(0, seed++)), input.ref).dataSync();
      },
      output: () => y,
      free: () => {
        dropout.dispose();
        input.dispose();
      },
    };
  };
}

interface Bernoulli {
  factory(p: number, options: { dtype: "float32" }): { assign(out: Float32Array): void };
}

/** A mask of zeros and ones, and then its product with the data. */
export async function loadStdlib(): Promise<Prepare> {
  const bernoulli = await load<Bernoulli>("@stdlib/random-array-bernoulli");
  return (x, p, out): Prepared => {
    const draw = bernoulli.factory(1 - p, { dtype: "float32" });
    const scale = 1 / (1 - p);
    return {
      call: () => {
        draw.assign(out);
        for (let i = 0; i < x.length; ++i) out[i] = (out[i] as number) * (x[i] as number) * scale;
      },
      output: () => out,
    };
  };
}

interface ThingRandom {
  XsAdd: new (seed: number) => { probability(p: number): boolean };
}

/** A loop over the fastest of its generators. */
export async function loadThing(): Promise<Prepare> {
  const { XsAdd } = await load<ThingRandom>("@thi.ng/random");
  return (x, p, out): Prepared => {
    const random = new XsAdd(1);
    const scale = 1 / (1 - p);
    return {
      call: () => {
        for (let i = 0; i < x.length; ++i) out[i] = random.probability(p) ? 0 : (x[i] as number) * scale;
      },
      output: () => out,
    };
  };
}
