// ONNX Runtime as the caller has loaded it, onnxruntime-web or -node: the parts that are used, and tensors of it.

import { isArray, isPromise, isTypedArray, wrongKind, wrongValue } from "../ground/check.js";

/** The module object of onnxruntime-web or onnxruntime-node, or one with the same members. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    // Of both packages, whose types of sessions and of options differ.
    create(model: Uint8Array, options?: never): Promise<object>;
  };
  readonly Tensor: abstract new (...args: never[]) => object;
}

/** A tensor of ONNX Runtime. */
export interface OnnxTensor {
  readonly type: string;
  readonly dims: readonly number[];
}

/** Tensors by the names of inputs, or a tensor alone where the model has one input. */
export type OnnxInputs = OnnxTensor | Readonly<Record<string, OnnxTensor>>;

/** The elements of a tensor. */
export type Elements = { readonly length: number; [index: number]: unknown };

/** A tensor whose elements are in the memory of JavaScript. */
export interface Values {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: Elements;
  /** The tensor of the runtime, once it was made: the same is fed in each run. */
  tensor?: object;
}

interface Session {
  run(feeds: Readonly<Record<string, unknown>>, fetches: readonly string[]): Promise<Readonly<Record<string, unknown>>>;
  release?(): Promise<void>;
  readonly outputMetadata?: readonly { readonly name: string; readonly isTensor?: boolean; readonly type?: string }[];
}

interface Module {
  readonly InferenceSession: { create(model: Uint8Array, options?: object): Promise<Session> };
  readonly Tensor: new (...args: unknown[]) => object;
  readonly env?: { readonly wasm?: { readonly proxy?: boolean } };
}

/** Sessions and tensors of a runtime. */
export class Runtime {
  readonly #ort: Module;
  readonly #options: object | undefined;

  /** Throws TypeError unless `ort` is the module object of a runtime. */
  constructor(ort: unknown, options: unknown) {
    const { InferenceSession, Tensor } = (ort ?? {}) as { InferenceSession?: { create?: unknown }; Tensor?: unknown };
    if (typeof InferenceSession?.create !== "function" || typeof Tensor !== "function") {
      throw wrongKind("ort", "module object of onnxruntime-web or onnxruntime-node", ort);
    }
    if (options !== undefined && (typeof options !== "object" || options === null)) throw wrongKind("sessionOptions", "object", options);
    this.#ort = ort as Module;
    this.#options = options as object | undefined;
  }

  /** Returns a session of a model, whose bytes it may keep. */
  open(model: Uint8Array): Promise<Session> {
    const options = this.#options;
    return options === undefined ? this.#ort.InferenceSession.create(model) : this.#ort.InferenceSession.create(model, { ...options });
  }

  /** True if sessions compute on the CPU, where NaN is what IEEE 754 says. */
  get onCpu(): boolean {
    const { executionProviders = [] } = (this.#options ?? {}) as { executionProviders?: unknown };
    const names = isArray(executionProviders)
      ? executionProviders.map((one: unknown) => (one as { name?: unknown } | null)?.name ?? one)
      : [""];
    return names.every((name) => name === "cpu" || name === "wasm");
  }

  /** Returns a tensor, the same for the same object, whose elements it shares. */
  tensor(values: Values): object {
    const { type, dims, data } = values;
    // A runtime in another thread takes the memory of its inputs there, and they are fed again.
    if (this.#ort.env?.wasm?.proxy === true)
      return new this.#ort.Tensor(type, isTypedArray(data) ? (data as unknown as Uint8Array).slice() : data, [...dims]);
    values.tensor ??= new this.#ort.Tensor(type, data, [...dims]);
    return values.tensor;
  }
}

export type { Session };

/** Returns the elements of a tensor, or a promise where they are on a device. Throws TypeError or RangeError. */
export function valuesOf(tensor: unknown, name: string): Values | Promise<Values> {
  const { type, dims } = (tensor ?? {}) as Partial<OnnxTensor>;
  if (typeof type !== "string" || !isArray(dims)) throw wrongKind(name, "tensor of ONNX Runtime", tensor);
  const { location, getData } = tensor as { location?: unknown; getData?: () => Promise<Elements> };
  const checked = (data: Elements | undefined): Values => {
    if (!(isTypedArray(data) || isArray(data))) throw wrongKind(name, "tensor with data", tensor);
    let length = 1;
    for (const size of dims) length *= size;
    if (data.length !== length) throw wrongValue(`${name}.data`, `${length} elements, the product of dims`, data.length);
    return { type, dims: [...dims], data };
  };
  // `data` throws where the elements are on a GPU.
  const onGpu = typeof location === "string" && location !== "cpu" && location !== "cpu-pinned";
  if (onGpu && typeof getData === "function") return getData.call(tensor).then(checked);
  return checked((tensor as { data?: Elements }).data);
}

/** Returns an array of the kind of `like`. */
export function emptyLike(like: Elements, length: number): Elements {
  return isArray(like) ? new Array(length) : new (like.constructor as new (length: number) => Elements)(length);
}

/** Returns the product of the sizes before, at and behind an axis. */
export function around(dims: readonly number[], axis: number): { outer: number; size: number; inner: number } {
  const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
  return { outer: product(dims.slice(0, axis)), size: dims[axis] as number, inner: product(dims.slice(axis + 1)) };
}

/** Returns a tensor repeated along an axis, or only its first `part` places of that axis repeated; `make` makes the array. */
export function repeat(
  { type, dims, data }: Values,
  axis: number,
  times: number,
  part = dims[axis] as number,
  make: (like: Elements, length: number) => Elements = emptyLike,
): Values {
  const { outer, size, inner } = around(dims, axis);
  const from = size * inner;
  const block = part * inner;
  const result = make(data, outer * times * block);
  for (let o = 0; o < outer; ++o) {
    for (let k = 0; k < times; ++k) copy(result, (o * times + k) * block, data, o * from, block);
  }
  return { type, dims: dims.map((one, k) => (k === axis ? times * part : one)), data: result };
}

/** Copies `count` elements. */
export function copy(to: Elements, at: number, from: Elements, start: number, count: number): void {
  if (isTypedArray(to)) {
    const source = from as unknown as Uint8Array;
    (to as unknown as Uint8Array).set(start === 0 && count === source.length ? source : source.subarray(start, start + count), at);
    return;
  }
  for (let k = 0; k < count; ++k) to[at + k] = from[start + k];
}

/** Runs a session; returns its outputs `fetches`. */
export async function runSession(
  runtime: Runtime,
  session: Session,
  feeds: ReadonlyMap<string, Values>,
  fetches: readonly string[],
): Promise<Map<string, Values>> {
  const tensors: Record<string, object> = {};
  for (const [name, value] of feeds) tensors[name] = runtime.tensor(value);
  const results = await session.run(tensors, fetches);
  const values = new Map<string, Values>();
  for (const name of fetches) {
    const tensor = results[name];
    const one = valuesOf(tensor, `output ${name}`);
    values.set(name, isPromise(one) ? await one : one);
    (tensor as { dispose?: () => void }).dispose?.();
  }
  return values;
}
