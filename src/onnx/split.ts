// A model cut in two where it first drops: what all passes have in common, and what each of them runs.
// Several tensors may cross the cut. Both parts are models of their own, without the declarations of shapes, which runs of several passes change.

import { shorten, wrongValue } from "../ground/check.js";
import type { StreamKind } from "../stream/kinds.js";
import { constantsOf, neededFor, readsOf } from "./graph.js";
import { lower, multiply, nameProduct, type Product } from "./lower.js";
import { chooseProducts } from "./product.js";
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
export interface LiveSite extends Pick<Site, "name" | "p" | "data"> {
  /**
   * The tensor that is fed: a mask, as "bool" that selects or as "bytes" that are made factors; or "data", those of the site that are kept, scaled, where
   * the data are the same in all passes.
   */
  readonly form: "bool" | "bytes" | "data";
  /** Name of the input for it. */
  readonly input: string;
  /** Name of the output that gives the shape of its data; undefined where they are fed. */
  readonly shape: string | undefined;
}

/** The forms that sites may have beside selection by a mask of bool. */
export interface Forms {
  /** Data that are the same in all passes may be dropped from before a run. */
  readonly data: boolean;
  /** Dropout may be a product. */
  readonly products: boolean;
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
  /** Those of `cut` that the rest reads. */
  readonly crossing: readonly string[];
  /** The part that passes run; the element types of what crosses the cut are those that the file says, or that follow. */
  readonly rest: Part;
  readonly sites: readonly LiveSite[];
  /** Sites that are products. */
  readonly products: readonly Product[];
  /** Names of outputs of the rest that are NaN where a product may have dropped what is no finite number and the result does not show it. */
  readonly witnesses: readonly string[];
  /** The output that passes are asked for, and the name that it has in the rest. */
  readonly target: { readonly name: string; readonly result: string };
}

const SELECTIONS: Forms = { data: false, products: false };
// DequantizeLinear came with it.
const PRODUCT_OPSET = 10;

/** Cuts a model; `outputName` is the output that is wanted. Throws RangeError if that is always the same. */
export function split(
  { model, graph, sites, fresh }: Prepared,
  outputName: string | undefined,
  kind: StreamKind,
  forms: Forms = SELECTIONS,
): Split {
  const random = randomIn(graph, sites);
  const target = targetOf(graph, random, outputName);
  const needed = neededFor(graph.node, [target]);
  refuseRandom(needed.nodes);
  const live = sites.filter(({ node }) => needed.nodes.includes(node));
  const isRandom = (node: NodeProto) => node.output.some((name) => random.has(name));
  const same = needed.nodes.filter((node) => !isRandom(node));
  const constantNodes = fixedNodes(graph, same);
  const common = same.filter((node) => !constantNodes.includes(node));
  const varying = needed.nodes.filter(isRandom);
  const opset = opsetOf(model);
  const types = new Types(graph);
  const made = new Set(common.flatMap(({ output }) => output));
  const inputs = inputsOf(graph);

  // Of f32, with nothing that reads their masks.
  const plain = live.filter(({ data, mask, elemType }) => mask === undefined && elemType === DataType.FLOAT && types.of(data) === elemType);
  const known = (name: string) => made.has(name) || inputs.some((input) => input.name === name);
  const fed = new Set(forms.data ? plain.filter(({ data, out }) => known(data) && out !== target) : []);
  const candidates = forms.products && opset >= PRODUCT_OPSET ? plain.filter((site) => !fed.has(site)) : [];
  const chosen = chooseProducts(graph, varying, candidates, target);

  const liveSites: LiveSite[] = [];
  const products: Product[] = [];
  const constants: GraphProto["initializer"] = [];
  const replaced = new Map<NodeProto, readonly NodeProto[]>();
  for (const site of live) {
    const { name, p, data, out, node } = site;
    if (fed.has(site)) {
      liveSites.push({ name, p, data, form: "data", input: out, shape: undefined });
      replaced.set(node, []);
      continue;
    }
    const input = fresh.take(`${name}/keep`);
    const shape = fresh.take(`${name}/shape`);
    const asShape = makeNode("Shape", [data], [shape]);
    if (chosen.sites.has(site)) {
      const product = nameProduct(site, kind, fresh);
      liveSites.push({ name, p, data, form: "bytes", input, shape });
      products.push(product);
      constants.push(product.constants[0]);
      replaced.set(node, [asShape, ...multiply(site, input, product)]);
    } else {
      const lowered = lower(site, input, kind, opset, fresh);
      liveSites.push({ name, p, data, form: "bool", input, shape });
      constants.push(...lowered.constants);
      replaced.set(node, [asShape, ...lowered.nodes]);
    }
  }
  const nodes = varying.flatMap((node) => replaced.get(node) ?? [node]);
  const witnesses = chosen.witnesses.map((name) => {
    const witness = fresh.take(`${name}/witness`);
    nodes.push(makeNode("ReduceSum", [name], [witness], [intAttribute("keepdims", 0)]));
    return witness;
  });

  // The output as f32, if it is of 16 bits; statistics are not computed in less.
  const type = types.of(target);
  const half = type === DataType.FLOAT16 || type === DataType.BFLOAT16;
  const result = half ? fresh.take(`${target}/wide`) : target;
  if (half) nodes.push(makeNode("Cast", [target], [result], [intAttribute("to", DataType.FLOAT)]));
  if (type !== 0 && !half && type !== DataType.FLOAT && type !== DataType.DOUBLE) {
    throw wrongValue("outputName", "output of floating-point numbers", `${quote(target)} of ${typeName(type)}`);
  }

  const read = new Set(nodes.flatMap((node) => [...readsOf(node)]));
  const crossing = [...read].filter((name) => made.has(name));
  const dropped = liveSites.filter(({ form }) => form === "data").map(({ data }) => data);
  const cut = [...new Set([...crossing, ...dropped.filter((name) => made.has(name))])];
  const prefix = common.length === 0 || cut.length === 0 ? undefined : partOf(model, common, constantNodes, inputs, cut.map(untyped));
  const crosses = crossing.map((name) => makeValueInfo(name, types.of(name) || DataType.FLOAT));
  const own = liveSites.map(({ form, input }) => makeValueInfo(input, INPUT_TYPES[form]));
  const shapes = liveSites.flatMap((site) => site.shape ?? []);
  const outputs = [result, ...shapes, ...witnesses].map(untyped);
  const part = partOf(model, nodes, constantNodes, inputs, outputs, constants);
  const { input } = part.model.graph as GraphProto;
  const rest = { inputs: part.inputs, model: withGraph(part.model, { input: [...input, ...crosses, ...own] }) };
  const used = new Set([...(prefix?.inputs ?? []), ...rest.inputs, ...dropped]);
  const unread = inputs.filter(({ name }) => !used.has(name)).map(({ name }) => name);
  return {
    inputs: inputs.filter(({ name }) => used.has(name)),
    unread,
    prefix,
    cut,
    crossing,
    rest,
    sites: liveSites,
    products,
    witnesses,
    target: { name: target, result },
  };
}

const INPUT_TYPES: Readonly<Record<LiveSite["form"], number>> = { bool: DataType.BOOL, bytes: DataType.UINT8, data: DataType.FLOAT };

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
