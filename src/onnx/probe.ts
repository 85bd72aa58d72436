// The contents of a model with the shapes that one run of it has, for files that do not tell shapes.

import { wrongKind } from "../ground/check.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import { FreshNames } from "./graph.js";
import { readInputs } from "./inputs.js";
import { listingOf, type ModelListing } from "./list.js";
import { pointsOf } from "./points.js";
import { type GraphProto, isDefault, makeNode, readModel, untyped, withGraph, writeModel } from "./proto.js";
import { type OnnxInputs, type OnnxRuntime, Runtime, runSession } from "./runtime.js";
import { findDropouts } from "./sites.js";
import { inputsOf } from "./split.js";

/** Options of {@link probeDropouts}. */
export interface ProbeOptions {
  /** The module object of onnxruntime-web or onnxruntime-node. */
  ort: OnnxRuntime;
  /** Tensors of the runtime by the names of inputs, or one alone; their sizes decide those of the others. */
  inputs: OnnxInputs;
  /** Options of the session, such as `executionProviders`. */
  sessionOptions?: object | undefined;
}
const PROBE_KEYS: Known = /* @__PURE__ */ known("ort", "inputs", "sessionOptions");

/** Operators of the default domain whose outputs may be no tensors, and so have no shape. */
const NO_TENSORS: readonly string[] = [
  ...["SequenceEmpty", "SequenceConstruct", "SequenceInsert", "SequenceErase", "SequenceMap", "SplitToSequence", "Optional"],
  ...["If", "Loop", "Scan"],
];

/**
 * Lists a model as {@link listDropouts} does, with the shapes that its tensors have in a run of given inputs. The model runs once, as the file has it, in a
 * session that is released again. Tensors in subgraphs, and what may be no tensor, have the shape that the file says.
 *
 * @param model bytes of an ONNX file
 * @param options see {@link ProbeOptions}
 * @returns a promise of plain data
 * @throws (rejects with) TypeError for a wrong kind of argument; RangeError for bytes that are no ONNX model of operator set 7 or newer, or inputs that are not
 * those of the model; the errors of the runtime
 * @example
 * import { probeDropouts } from "wasm-dropout/onnx";
 * async function shapesOf(ort, model, x) {
 *   const { dropouts } = await probeDropouts(model, { ort, inputs: x });
 *   return dropouts.map(({ name, shape }) => [name, shape]); // numbers alone
 * }
 */
export async function probeDropouts(model: ArrayBuffer | Uint8Array, options: ProbeOptions): Promise<ModelListing> {
  checkOptions(options, PROBE_KEYS);
  const { ort, inputs, sessionOptions } = options;
  const runtime = new Runtime(ort, sessionOptions);
  if (inputs === undefined) throw wrongKind("inputs", "tensor of ONNX Runtime, or tensors by the names of inputs", inputs);
  const read = readModel(model);
  const graph = read.graph as GraphProto;
  const fresh = new FreshNames(graph);
  const found = findDropouts(read, fresh);
  const without = new Set<string>();
  for (const { opType, domain, input, output } of graph.node) {
    const passesOn = opType === "Identity" && without.has(input[0] ?? "");
    if (isDefault(domain) && (passesOn || NO_TENSORS.includes(opType))) for (const name of output) without.add(name);
  }
  const tensors = new Set([
    ...found.filter(({ within }) => within.length === 0).map(({ node }) => node.input[0] ?? ""),
    ...pointsOf(graph).map(({ tensor }) => tensor),
    ...graph.output.map(({ name }) => name),
  ]);
  const names = [...tensors].filter((name) => !without.has(name));
  const shapes = names.map((name) => fresh.take(`${name}/shape`));
  const probe = withGraph(read, {
    node: [...graph.node, ...names.map((name, k) => makeNode("Shape", [name], [shapes[k] as string]))],
    output: shapes.map(untyped),
  });
  const bytes = writeModel(probe);
  const values = await readInputs(inputs, inputsOf(graph), []);
  const session = await runtime.open(bytes);
  try {
    const results = await runSession(runtime, session, values, shapes);
    const seen = new Map<string, readonly number[]>([...values].map(([name, { dims }]) => [name, dims]));
    names.forEach((name, k) => {
      seen.set(name, Array.from(results.get(shapes[k] as string)?.data as ArrayLike<unknown>, Number));
    });
    return listingOf(read, found, seen);
  } finally {
    await session.release?.();
  }
}
