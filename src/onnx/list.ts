// The contents of a model: its dropouts, and the tensors that more could be inserted after.

import { FreshNames } from "./graph.js";
import { pointsOf } from "./points.js";
import {
  dimsOf,
  elementTypeOf,
  type GraphProto,
  type ModelProto,
  nameOf,
  opsetOf,
  readModel,
  typeName,
  type ValueInfoProto,
} from "./proto.js";
import { type Found, findDropouts, trainsBatchNorm } from "./sites.js";
import { Types } from "./types.js";

/** An input or output of a model. */
export interface ListedTensor {
  readonly name: string;
  /** Element type as ONNX Runtime calls it, such as "float32". */
  readonly type: string;
  /** Sizes: numbers, names of sizes that inputs decide, or null; undefined where the file has none. */
  readonly shape: readonly (number | string | null)[] | undefined;
}

/** A Dropout node. */
export interface ListedDropout extends ListedTensor {
  /** The name that `rates` and streams know it by: that of the node, or of its output where that has none or another has the same. */
  readonly name: string;
  /** Name of the tensor that it drops from. */
  readonly input: string;
  /** Drop probability; undefined if the file leaves it to an input or computes it. */
  readonly p: number | undefined;
  /** true if ONNX Runtime itself would drop; undefined if an input says so. Monte-Carlo passes drop in either case. */
  readonly trainingMode: boolean | undefined;
  /** The node in whose subgraph it is, where masks cannot reach it; undefined outside subgraphs. */
  readonly within: string | undefined;
}

/** A tensor that dropout can be inserted after. */
export interface ListedPoint extends ListedTensor {
  /** Name of the node that makes it; "" if it has none. */
  readonly node: string;
  /** The node's operator, or the activation that ends there: "Gelu", "Swish". */
  readonly kind: string;
}

/** Result of {@link listDropouts}. */
export interface ModelListing {
  /** Version of the operators of the default domain. */
  readonly opset: number;
  readonly inputs: readonly ListedTensor[];
  readonly outputs: readonly ListedTensor[];
  readonly dropouts: readonly ListedDropout[];
  /** The tensors that `insert` can name. */
  readonly points: readonly ListedPoint[];
  /** Names of the nodes of batch normalization that are in training mode. */
  readonly trainingBatchNorms: readonly string[];
}

/**
 * Lists the dropouts of a model, with shapes and rates, and the tensors that more could be inserted after.
 *
 * @param model bytes of an ONNX file
 * @returns plain data
 * @throws TypeError for what is no array of bytes; RangeError for bytes that are no ONNX model of operator set 7 or newer
 * @example
 * import { listDropouts } from "wasm-dropout/onnx";
 * try {
 *   listDropouts(Uint8Array.of(1, 2, 3));
 * } catch (error) {
 *   error.message; // "model" expected bytes of an ONNX model, got ...
 * }
 */
export function listDropouts(model: ArrayBuffer | Uint8Array): ModelListing {
  const read = readModel(model);
  return listingOf(read, findDropouts(read, new FreshNames(read.graph as GraphProto)));
}

/** @internal Lists a model whose dropouts have been found; `seen` are shapes of tensors that are known from a run. */
export function listingOf(
  read: ModelProto,
  found: readonly Found[],
  seen: ReadonlyMap<string, readonly number[]> = new Map(),
): ModelListing {
  const graph = read.graph as GraphProto;
  const types = new Types(graph);
  const infos = new Map([...graph.valueInfo, ...graph.output, ...graph.input].map((info) => [info.name, info]));
  const shapeOf = (...names: readonly string[]) =>
    names.map((name) => seen.get(name) ?? dimsOf(infos.get(name))).find((dims) => dims !== undefined);
  const tensorOf = (info: ValueInfoProto): ListedTensor => ({
    name: info.name,
    type: typeName(elementTypeOf(info)),
    shape: shapeOf(info.name),
  });
  const opset = opsetOf(read);
  const constants = new Set(graph.initializer.map(({ name }) => name));
  return {
    opset,
    inputs: graph.input.filter(({ name }) => !constants.has(name)).map(tensorOf),
    outputs: graph.output.map(tensorOf),
    dropouts: found.map(({ node, name, p, trainingMode, within }) => {
      const [input = ""] = node.input;
      const [output = ""] = node.output;
      const inner = within.at(-1);
      const type = typeName(inner === undefined ? types.of(input) : 0);
      const shape = inner === undefined ? shapeOf(input, output) : undefined;
      return { name, input, type, shape, p, trainingMode, within: inner && nameOf(inner) };
    }),
    points: pointsOf(graph).map(({ tensor, node, kind }) => ({
      name: tensor,
      type: typeName(types.of(tensor)),
      shape: shapeOf(tensor),
      node,
      kind,
    })),
    trainingBatchNorms: graph.node.filter((node) => trainsBatchNorm(node, opset)).map(nameOf),
  };
}
