// The packages of ONNX Runtime, as tests use them, and predictions by plain JavaScript to hold theirs against.

import { createRequire } from "node:module";
import type * as native from "onnxruntime-node";
import { expect } from "vitest";
import type { Prediction } from "wasm-dropout/monte-carlo";
import { streamOf } from "wasm-dropout/monte-carlo";
import type { OnnxRuntime } from "wasm-dropout/onnx";
import { dropout as reference } from "../../../docs/reference.js";
import { evaluate, type Tensor } from "./reference.js";

export interface Tensors {
  readonly type: string;
  readonly dims: number[];
  readonly data: Float32Array;
}

export interface Session {
  run(feeds: Readonly<Record<string, Tensors>>): Promise<Readonly<Record<string, Tensors>>>;
  release(): Promise<void>;
}

export interface Runtime extends OnnxRuntime {
  readonly InferenceSession: { create(model: Uint8Array | string, options?: object): Promise<Session> };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => Tensors;
}

const require = createRequire(import.meta.url);
export const RUNTIMES = ["onnxruntime-web", "onnxruntime-node"] as const;
export const load = (name: (typeof RUNTIMES)[number]): Runtime => require(name) as Runtime;

/** The module object of onnxruntime-node is one that the entry takes; that of onnxruntime-web is handed to it in page.ts. */
export const taken = (ort: typeof native): OnnxRuntime => ort;

export const SEED = 7n;

const volume = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

/** The factors of a dropout in a pass: each example draws the mask of its number; `axis` is that of examples, -1 for a tensor that is one example. */
export function factorsOf(
  layer: string,
  p: number,
  dims: readonly number[],
  pass: number,
  { firstSample = 0, axis = 0, shared = false } = {},
): number[] {
  const samples = axis < 0 ? 1 : (dims[axis] as number);
  const [outer, inner] = axis < 0 ? [1, volume(dims)] : [volume(dims.slice(0, axis)), volume(dims.slice(axis + 1))];
  const ones = new Float32Array(outer * inner).fill(1);
  const rows = Array.from({ length: samples }, (_, k) =>
    reference("tile", SEED, streamOf(pass, layer, shared ? 0 : firstSample + k), p, ones),
  );
  return Array.from({ length: volume(dims) }, (_, k) => {
    const [o, example, i] = [Math.floor(k / (samples * inner)), Math.floor(k / inner) % samples, k % inner];
    return (rows[example] as Float32Array)[o * inner + i] as number;
  });
}

/** The results of plain JavaScript for a model, pass by pass. */
export interface Expected {
  readonly bytes: Uint8Array;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly output: string;
  readonly rates: Readonly<Record<string, number>>;
  /** Names of dropouts by the tensors that they are inserted after. */
  readonly after?: ReadonlyMap<string, string>;
  readonly firstSample?: number;
  /** Axes of examples, where they are not the first. */
  readonly axes?: Readonly<Record<string, number>>;
  readonly shared?: boolean;
}

export function passesOf(
  { bytes, inputs, output, rates, after, firstSample = 0, axes = {}, shared = false }: Expected,
  passes: number,
): Tensor[] {
  return Array.from({ length: passes }, (_, pass) => {
    const values = evaluate(
      bytes,
      inputs,
      (layer, { dims }) => {
        const p = rates[layer] ?? 0;
        return p === 0
          ? new Array<number>(volume(dims)).fill(1)
          : factorsOf(layer, p, dims, pass, { firstSample, axis: axes[layer] ?? 0, shared });
      },
      after,
    );
    return values.get(output) as Tensor;
  });
}

/** Checks a prediction to 1e-5, and that its passes differ. */
export function expectSame(prediction: Prediction, outputs: readonly Tensor[], tolerance = 1e-5): void {
  const length = outputs[0]?.data.length ?? 0;
  expect(prediction.mean).toHaveLength(length);
  expect(prediction.identicalPasses).toBe(false);
  const at = (pass: Tensor, k: number) => pass.data[k] as number;
  for (let k = 0; k < length; ++k) {
    const mean = outputs.reduce((sum, one) => sum + at(one, k), 0) / outputs.length;
    const variance = outputs.reduce((sum, one) => sum + (at(one, k) - mean) ** 2, 0) / (outputs.length - 1);
    expect(Math.abs((prediction.mean[k] as number) - mean), `mean ${k}`).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(mean)));
    expect(Math.abs((prediction.variance[k] as number) - variance), `variance ${k}`).toBeLessThanOrEqual(tolerance * Math.max(1, variance));
  }
}
