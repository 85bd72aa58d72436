// Fused operations with dropout beside the same operations of peers without: those of ONNX Runtime Web net of its copies in and out, measured on nodes that
// do nothing else, and those of tfjs's wasm backend, which has its tensors in its own memory. One thread each; processor
// time, least of rounds in which all take turns, so that a busy machine changes little.

import type { WasmBuffer } from "../../src/core/index.js";
import { createDropout } from "../../src/core/index.js";
import { createFused, type Fused } from "../../src/fused/index.js";
import { load, type OnnxRuntime, withoutNewGlobals } from "./libraries.js";
import { nodeModel } from "./onnx.js";

/** The most time of a heavy operation with dropout, as a share of a peer's without. */
const MOST = 1 / 1.3;

const P = 0.1;
/** Calls of a subject one after another in a round. */
const CALLS = 3;
const EPSILON = 1e-5;

type Buffer = WasmBuffer<"f32">;
interface Operands {
  readonly x: Buffer;
  readonly residual: Buffer;
  readonly bias: Buffer;
  readonly gamma: Buffer;
  readonly beta: Buffer;
}
/** Results of ours, written again by every call. */
interface Room {
  readonly out: Buffer;
  readonly h: Buffer;
  readonly mean: Buffer;
  readonly rstd: Buffer;
}

/** An operation, ours and theirs. */
interface Operation {
  readonly name: string;
  /** Heavy ones have a bar. */
  readonly heavy: boolean;
  readonly ours: (fused: Fused, operands: Operands, room: Room, training: boolean) => () => unknown;
  /** The node of ONNX Runtime, and which of the operands it reads. */
  readonly node: readonly [operator: string, domain: "" | "com.microsoft", reads: readonly (keyof Operands)[]];
  /** The function of tfjs that has a kernel of the wasm backend. */
  readonly tensorFlow?: "softmax" | "relu";
}

const activation =
  (name: "relu" | "gelu" | "geluTanh", withBias: boolean): Operation["ours"] =>
  (fused, { x, bias }, { out }, training) =>
  () =>
    fused.biasActivationDropout(x, P, { ...(withBias && { bias }), activation: name, out, training });

const OPERATIONS: readonly Operation[] = [
  { name: "bias + gelu", heavy: true, ours: activation("gelu", true), node: ["BiasGelu", "com.microsoft", ["x", "bias"]] },
  { name: "bias + geluTanh", heavy: true, ours: activation("geluTanh", true), node: ["FastGelu", "com.microsoft", ["x", "bias"]] },
  {
    name: "residual + layer norm",
    heavy: true,
    ours:
      (fused, operands, { out, h, mean, rstd }, training) =>
      () => {
        const { x, residual, gamma, beta, bias } = operands;
        return fused.dropoutResidualLayerNorm(x, P, { residual, bias, gamma, beta, epsilon: EPSILON, out, h, mean, rstd, training });
      },
    node: ["SkipLayerNormalization", "com.microsoft", ["x", "residual", "gamma", "beta", "bias"]],
  },
  {
    name: "softmax",
    heavy: true,
    ours: (fused, { x, bias }, { out }, training) => {
      const shape = [x.length / bias.length, bias.length];
      return () => fused.softmaxDropout(x, P, { shape, out, training });
    },
    node: ["Softmax", "", ["x"]],
    tensorFlow: "softmax",
  },
  { name: "relu", heavy: false, ours: activation("relu", false), node: ["Relu", "", ["x"]], tensorFlow: "relu" },
];

/** Nanoseconds an element; those of a peer that is not installed or lacks the operation are missing. */
export interface FusedResult {
  readonly name: string;
  readonly ours: number;
  /** Of ONNX Runtime Web, with its copies, and without. */
  readonly onnx?: number;
  readonly net?: number;
  readonly tensorFlow?: number;
  /** For a heavy operation: ours / theirs is at most {@link MOST}, for each of them. */
  readonly met?: boolean;
}

interface Subject {
  readonly name: string;
  readonly call: () => unknown;
}

interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  tensor2d(values: Float32Array, shape: [number, number]): Tensor;
  softmax(x: Tensor): Tensor;
  relu(x: Tensor): Tensor;
}
interface Tensor {
  dataSync(): Float32Array;
  dispose(): void;
}

/** The largest difference, in units of the larger of 1 and the value. */
function errorOf(y: Float32Array, expected: Float32Array): number {
  if (y.length !== expected.length) return Number.POSITIVE_INFINITY;
  return y.reduce((worst, v, i) => {
    const want = expected[i] as number;
    return Math.max(worst, Math.abs(v - want) / Math.max(1, Math.abs(want)));
  }, 0);
}

/**
 * Measures all operations on f32 of [rows, columns].
 *
 * @param onStep called after each round
 * @returns the results and the peers that could not be loaded
 */
export async function measureFused(
  rows: number,
  columns: number,
  rounds: number,
  onStep: () => void = () => {},
): Promise<{ results: FusedResult[]; missing: string[] }> {
  const n = rows * columns;
  const dropout = await createDropout({ seed: 1 });
  const fused = await createFused(dropout);
  const waves = (length: number, pitch: number) => dropout.from(Float32Array.from({ length }, (_, i) => 3 * Math.sin(i * pitch)));
  const [x, residual, bias, gamma, beta] = [waves(n, 1.7), waves(n, 0.3), waves(columns, 0.7), waves(columns, 0.9), waves(columns, 1.1)];
  const operands: Operands = { x, residual, bias, gamma, beta } as Operands;
  const room: Room = {
    ...{ out: dropout.alloc("f32", n), h: dropout.alloc("f32", n), mean: dropout.alloc("f32", rows), rstd: dropout.alloc("f32", rows) },
  };
  const subjects: Subject[] = [];
  const missing: string[] = [];
  /** Ours outside training, which peers must give as well. */
  const checkOf = ({ name, ours }: Operation, y: Float32Array, peer: string) => {
    ours(fused, operands, room, false)();
    const error = errorOf(y, room.out.array);
    if (!(error < 2e-4)) throw new Error(`${peer} computes something else for ${name}: it differs by ${error}`);
  };

  for (const { name, ours } of OPERATIONS) subjects.push({ name, call: ours(fused, operands, room, true) });
  const sessions: { release(): Promise<void> }[] = [];
  try {
    const ort = await load<OnnxRuntime & { env: { wasm: { numThreads?: number } } }>("onnxruntime-web");
    ort.env.wasm.numThreads = 1;
    const sessionOf = async (operator: string, domain: "" | "com.microsoft", reads: readonly (keyof Operands)[], spare: string[] = []) => {
      const shapes = Object.fromEntries(reads.map((name) => [name, operands[name].length === columns ? 1 : 2] as const));
      const session = await withoutNewGlobals(["Worker"], () => ort.InferenceSession.create(nodeModel(operator, domain, shapes, spare)));
      sessions.push(session);
      const feeds = Object.fromEntries(
        reads.map((name) => [
          name,
          new ort.Tensor("float32", operands[name].array.slice(), operands[name].length === columns ? [columns] : [rows, columns]),
        ]),
      );
      return () => session.run(feeds);
    };
    for (const operation of OPERATIONS) {
      const [operator, domain, reads] = operation.node;
      const call = await sessionOf(operator, domain, reads);
      checkOf(operation, (await call()).y.data, "ONNX Runtime Web");
      subjects.push({ name: `onnx ${operation.name}`, call });
    }
    subjects.push({ name: "copies 1", call: await sessionOf("Identity", "", ["x"]) });
    subjects.push({ name: "copies 2", call: await sessionOf("Identity", "", ["x", "residual"], ["residual"]) });
  } catch (error) {
    missing.push(`onnxruntime-web: ${error}`);
  }
  let input: Tensor | undefined;
  try {
    const tf = await load<TensorFlow>("@tensorflow/tfjs-core");
    await load("@tensorflow/tfjs-backend-wasm");
    if (!(await tf.setBackend("wasm"))) throw new Error('tf.setBackend("wasm") failed');
    const tensor = tf.tensor2d(x.array.slice(), [rows, columns]);
    input = tensor;
    for (const operation of OPERATIONS) {
      const { tensorFlow } = operation;
      if (tensorFlow === undefined) continue;
      const y = tf[tensorFlow](tensor);
      checkOf(operation, y.dataSync(), "tfjs");
      y.dispose();
      subjects.push({ name: `tfjs ${operation.name}`, call: () => tf[tensorFlow](tensor).dispose() });
    }
  } catch (error) {
    missing.push(`@tensorflow/tfjs-backend-wasm: ${error}`);
  }

  const least = new Map<string, number>();
  // The first rounds warm up.
  for (let round = -3; round < rounds; ++round) {
    for (const { name, call } of subjects) {
      // The times that are subtracted from the others have the way of the data into the caches in them, which a call in front leaves out of ours.
      await call();
      for (let k = 0; k < CALLS; ++k) {
        const start = process.cpuUsage();
        await call();
        const { user, system } = process.cpuUsage(start);
        const ns = ((user + system) * 1e3) / n;
        if (round >= 0) least.set(name, Math.min(least.get(name) ?? Number.POSITIVE_INFINITY, ns));
      }
    }
    if (round >= 0) onStep();
  }
  for (const session of sessions) await session.release();
  input?.dispose();

  const results = OPERATIONS.map(({ name, heavy, node }): FusedResult => {
    const [ours, onnx, tensorFlow] = [least.get(name) as number, least.get(`onnx ${name}`), least.get(`tfjs ${name}`)];
    const copies = least.get(node[2].includes("residual") ? "copies 2" : "copies 1");
    // Of a light one nothing is left beside the copies.
    const net = !heavy || onnx === undefined || copies === undefined ? undefined : onnx - copies;
    const theirs = [net, tensorFlow].filter((ns) => ns !== undefined);
    return {
      ...{ name, ours },
      ...(onnx !== undefined && { onnx }),
      ...(net !== undefined && { net }),
      ...(tensorFlow !== undefined && { tensorFlow }),
      ...(heavy && theirs.length > 0 && { met: theirs.every((ns) => ours <= MOST * ns) }),
    };
  });
  return { results, missing };
}

/** Rows of a table, below a heading. */
export function fusedRows(results: readonly FusedResult[]): string[][] {
  const figure = (ns: number | undefined) => (ns === undefined ? "" : ns.toFixed(2));
  const times = (ns: number | undefined, ours: number) => (ns === undefined ? "" : `${(ns / ours).toFixed(2)}`);
  return [
    ["ns/element", "ours, with dropout", "onnxruntime-web", "net of copies", "/ ours", "tfjs wasm", "/ ours", "bar: 1.30"],
    ...results.map(({ name, ours, onnx, net, tensorFlow, met }) => [
      ...[name, figure(ours), figure(onnx), figure(net), times(net, ours), figure(tensorFlow), times(tensorFlow, ours)],
      met === undefined ? "" : met ? "met" : "MISSED",
    ]),
  ];
}
