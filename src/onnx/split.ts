// A model cut in two where it first drops: what all passes have in common, and what each of them runs.
// Several tensors may cross the cut. Both parts are models of their own, without the declarations of shapes, which runs of several passes change.

import { shorten, wrongValue } from "../ground/check.js";
import type { StreamKind } from "../stream/kinds.js";
import { constantsOf, neededFor, readsOf } from "./graph.js";
import { lower } from "./lower.js";
import {
  DataType,
  type Dims,
  dimsOf,
  elementTypeOf,
  type GraphProto,
  intAttribute,
  type ModelProto,
  makeNode,
  makeValueInfo,
  type NodeProto,
  opsetOf,
  quote,
  typeName,
  untyped,
  withGraph,
} from "./proto.js";
import { type Prepared, refuseRandom, type Site } from "./sites.js";
import { Types } from "./types.js";

/** An input of the model that callers feed. */
export interface Input {
  readonly name: string;
  readonly elemType: number;
  readonly dims: Dims | undefined;
}

/** A site of the part that passes run. */
export interface LiveSite extends Pick<Site, "name" | "p"> {
  /** The tensor that it drops from. */
  readonly data: string;
  /** Name of the input for its mask. */
  readonly mask: string;
  /** Name of the output that gives the shape of its data. */
  readonly shape: string;
}

/** A part of a model. */
export interface Part {
  readonly inputs: readonly string[];
  readonly model: ModelProto;
}

/** A model that is cut. */
export interface Split {
  /** The inputs that the output depends on. */
  readonly inputs: readonly Input[];
  /** The names of others, which only dropout read, or other outputs. */
  readonly unread: readonly string[];
  /** The part before the first live dropout; undefined if there is nothing. Its outputs are `cut`. */
  readonly prefix: Part | undefined;
  readonly cut: readonly string[];
  /** The part that passes run; the element types of what crosses the cut are those that the file says, or that follow. */
  readonly rest: Part;
  readonly sites: readonly LiveSite[];
  /** The output that passes are asked for, the name that it has in the rest, and that of its shape there. */
  readonly target: { readonly name: string; readonly result: string; readonly shape: string };
}

/** Cuts a model; `outputName` is the output that is wanted. Throws RangeError if that is always the same. */
export function split({ model, graph, sites, fresh }: Prepared, outputName: string | undefined, kind: StreamKind): Split {
  const random = randomIn(graph, sites);
  const target = targetOf(graph, random, outputName);
  const needed = neededFor(graph.node, [target]);
  refuseRandom(needed.nodes);
  const live = new Map(sites.filter(({ node }) => needed.nodes.includes(node)).map((site) => [site.node, site]));
  const isRandom = (node: NodeProto) => node.output.some((name) => random.has(name));
  const same = needed.nodes.filter((node) => !isRandom(node));
  const constantNodes = fixedNodes(graph, same);
  const common = same.filter((node) => !constantNodes.includes(node));
  const varying = needed.nodes.filter(isRandom);
  const opset = opsetOf(model);
  const types = new Types(graph);

  const liveSites: LiveSite[] = [];
  const lowered = [...live.values()].map((site) => {
    const one = {
      name: site.name,
      p: site.p,
      data: site.data,
      mask: fresh.take(`${site.name}/keep`),
      shape: fresh.take(`${site.name}/shape`),
    };
    liveSites.push(one);
    const result = lower(site, one.mask, kind, opset, fresh);
    result.nodes.unshift(makeNode("Shape", [site.data], [one.shape]));
    return [site.node, result] as const;
  });
  const replaced = new Map(lowered);
  const nodes = varying.flatMap((node) => replaced.get(node)?.nodes ?? [node]);

  // The output as f32, if it is of 16 bits; statistics are not computed in less.
  const type = types.of(target);
  const half = type === DataType.FLOAT16 || type === DataType.BFLOAT16;
  const result = half ? fresh.take(`${target}/wide`) : target;
  if (half) nodes.push(makeNode("Cast", [target], [result], [intAttribute("to", DataType.FLOAT)]));
  if (type !== 0 && !half && type !== DataType.FLOAT && type !== DataType.DOUBLE) {
    throw wrongValue("outputName", "output of floating-point numbers", `${quote(target)} of ${typeName(type)}`);
  }
  const shape = fresh.take(`${target}/shape`);
  nodes.push(makeNode("Shape", [result], [shape]));

  const made = new Set(common.flatMap(({ output }) => output));
  const read = new Set(nodes.flatMap((node) => [...readsOf(node)]));
  const cut = [...read].filter((name) => made.has(name));
  const inputs = inputsOf(graph);
  const masks = liveSites.map(({ mask }) => makeValueInfo(mask, DataType.BOOL));
  const constants = lowered.flatMap(([, one]) => one.constants);
  const prefix = common.length === 0 || cut.length === 0 ? undefined : partOf(model, common, constantNodes, inputs, cut.map(untyped));
  const fed = cut.map((name) => makeValueInfo(name, types.of(name) || DataType.FLOAT));
  const outputs = [result, shape, ...liveSites.map((site) => site.shape)].map(untyped);
  const part = partOf(model, nodes, constantNodes, inputs, outputs, constants);
  const { input } = part.model.graph as GraphProto;
  const rest = { inputs: part.inputs, model: withGraph(part.model, { input: [...input, ...fed, ...masks] }) };
  const used = new Set([...(prefix?.inputs ?? []), ...rest.inputs]);
  const unread = inputs.filter(({ name }) => !used.has(name)).map(({ name }) => name);
  return {
    inputs: inputs.filter(({ name }) => used.has(name)),
    unread,
    prefix,
    cut,
    rest,
    sites: liveSites,
    target: { name: target, result, shape },
  };
}

/**
 * Returns nodes that read nothing but constants, such as those that widen weights of 8 bits. Each part has its own: what they make would otherwise be fed
 * in every pass.
 */
function fixedNodes(graph: GraphProto, nodes: readonly NodeProto[]): NodeProto[] {
  const fixed = new Set(constantsOf(graph));
  return nodes.filter((node) => {
    const isFixed = [...readsOf(node)].every((name) => fixed.has(name));
    if (isFixed) for (const name of node.output) fixed.add(name);
    return isFixed;
  });
}

/** Returns the tensors that differ from pass to pass. */
function randomIn(graph: GraphProto, sites: readonly Site[]): ReadonlySet<string> {
  const starts = new Set(sites.map(({ node }) => node));
  const random = new Set<string>();
  for (const node of graph.node) {
    if (!starts.has(node) && ![...readsOf(node)].some((name) => random.has(name))) continue;
    for (const name of node.output) if (name !== "") random.add(name);
  }
  return random;
}

function targetOf(graph: GraphProto, random: ReadonlySet<string>, wanted: string | undefined): string {
  const names = graph.output.map(({ name }) => name);
  const varying = names.filter((name) => random.has(name));
  if (wanted !== undefined) {
    if (!names.includes(wanted)) throw wrongValue("outputName", `one of the outputs ${listOf(names)}`, quote(wanted));
    if (!random.has(wanted))
      throw wrongValue("outputName", "output that dropout reaches", `${quote(wanted)}, which is the same in all passes`);
    return wanted;
  }
  const types = new Types(graph);
  const floats = varying.filter((name) =>
    [0, DataType.FLOAT, DataType.DOUBLE, DataType.FLOAT16, DataType.BFLOAT16].includes(types.of(name)),
  );
  const [only, ...others] = floats.length > 0 ? floats : varying;
  if (only === undefined) {
    throw wrongValue(
      "model",
      `model with dropout that drops ("insert" adds some where the exporter has left it out)`,
      "one in which all passes are the same",
    );
  }
  if (others.length > 0) throw wrongValue("outputName", `one of the outputs ${listOf([only, ...others])}`, "none");
  return only;
}

export const listOf = (names: readonly string[]): string => shorten(names.map((name) => JSON.stringify(name)).join(", "));

/** Returns the inputs of a graph that callers feed. */
export function inputsOf(graph: GraphProto): Input[] {
  const constants = new Set(graph.initializer.map(({ name }) => name));
  return graph.input
    .filter(({ name }) => !constants.has(name))
    .map((info) => {
      if (info.type !== undefined && info.type.value.case !== "tensorType") {
        throw wrongValue("model", "inputs that are tensors", `input ${quote(info.name)}, which is none`);
      }
      return { name: info.name, elemType: elementTypeOf(info), dims: dimsOf(info) };
    });
}

function partOf(
  model: ModelProto,
  nodes: readonly NodeProto[],
  constantNodes: readonly NodeProto[],
  inputs: readonly Input[],
  output: GraphProto["output"],
  constants: GraphProto["initializer"] = [],
): Part {
  const graph = model.graph as GraphProto;
  const read = nodes.flatMap((node) => [...readsOf(node)]);
  const { nodes: own, reads } = neededFor(constantNodes, read);
  const fed = inputs.filter(({ name }) => reads.has(name));
  const initializer = [...graph.initializer.filter(({ name }) => reads.has(name)), ...constants];
  const part = withGraph(model, {
    node: [...own, ...nodes],
    initializer,
    // Of any size: whether sizes are those that the model declares is checked before it runs.
    input: fed.map(({ name, elemType, dims }) =>
      makeValueInfo(
        name,
        elemType,
        dims?.map((size) => (typeof size === "number" ? null : size)),
      ),
    ),
    output,
    valueInfo: [],
  });
  const sparse = graph.sparseInitializer.filter(({ values }) => reads.has(values?.name ?? ""));
  part.graph = { ...(part.graph as GraphProto), sparseInitializer: sparse, quantizationAnnotation: [] };
  // Without it, initializers would have to be inputs.
  if (Number(part.irVersion) < 4) part.irVersion = 4n;
  return { inputs: fed.map(({ name }) => name), model: part };
}
