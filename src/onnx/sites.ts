// The places of a model that drop: its Dropout nodes, and those where dropout is inserted.

import { shorten, wrongValue } from "../ground/check.js";
import { Constants } from "./constants.js";
import { anyNode, openFunctions } from "./functions.js";
import { checkGraph, FreshNames, renameReads, subgraphsOf } from "./graph.js";
import type { BatchNorm, SiteOptions } from "./options.js";
import { pointsOf } from "./points.js";
import {
  attributeOf,
  DataType,
  describeNode,
  type GraphProto,
  intAttribute,
  intOf,
  isDefault,
  type ModelProto,
  makeNode,
  makeTensor,
  type NodeProto,
  nameOf,
  opsetOf,
  quote,
  setOpset,
  tensorAttribute,
  typeName,
} from "./proto.js";
import { Types } from "./types.js";

/** A place that drops: its mask is fed, and selects from the tensor `data`. */
export interface Site {
  /** The name of the layer, of its streams and of its rate. */
  readonly name: string;
  /** Drop probability, above 0. */
  readonly p: number;
  readonly data: string;
  readonly out: string;
  /** The tensor that is to be the mask, if something reads it. */
  readonly mask: string | undefined;
  /** Element type of data. */
  readonly elemType: number;
  /** The node in the graph that stands for the place, until it is lowered. */
  readonly node: NodeProto;
}

/** A model whose places that drop are known. */
export interface Prepared {
  readonly model: ModelProto;
  readonly graph: GraphProto;
  readonly sites: readonly Site[];
  readonly fresh: FreshNames;
}

/** A Dropout node as the file has it. */
export interface Found {
  readonly node: NodeProto;
  readonly name: string;
  /** Drop probability; undefined if it is computed or fed when the model runs. */
  readonly p: number | undefined;
  /** True if the node drops in ONNX Runtime; undefined if that is computed or fed. */
  readonly trainingMode: boolean | undefined;
  /** The nodes whose subgraphs it is in, outermost first. */
  readonly within: readonly NodeProto[];
}

export const isDropout = (node: NodeProto): boolean => node.opType === "Dropout" && isDefault(node.domain);

const NUMBERS: readonly number[] = [DataType.FLOAT, DataType.DOUBLE, DataType.FLOAT16, DataType.BFLOAT16];
/** Operators that draw numbers which no seed of ours reaches. */
const RANDOM = ["RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"];

/** Opens functions that drop; returns all Dropout nodes, those in subgraphs too. */
export function findDropouts(model: ModelProto, fresh: FreshNames): Found[] {
  const graph = model.graph as GraphProto;
  checkGraph(graph);
  openFunctions(model, fresh, isDropout);
  const opset = opsetOf(model);
  const found: Found[] = [];
  const visit = ({ node: nodes }: GraphProto, constants: readonly Constants[], within: readonly NodeProto[]): void => {
    for (const node of nodes) {
      if (isDropout(node)) found.push({ node, name: nameOf(node), within, ...settingsOf(node, opset, constants) });
      for (const inner of subgraphsOf(node)) visit(inner, [new Constants(inner), ...constants], [...within, node]);
    }
  };
  visit(graph, [new Constants(graph)], []);
  // Node names need not differ, those of tensors of a graph do.
  const counts = new Map<string, number>();
  for (const { name } of found) counts.set(name, (counts.get(name) ?? 0) + 1);
  return found.map((one) => ((counts.get(one.name) as number) > 1 ? { ...one, name: one.node.output[0] ?? one.name } : one));
}

function settingsOf(node: NodeProto, opset: number, constants: readonly Constants[]): Pick<Found, "p" | "trainingMode"> {
  if (opset < 12) return { p: attributeOf(node, "ratio")?.f ?? 0.5, trainingMode: false };
  const [, ratio = "", training = ""] = node.input;
  const scalarOf = (name: string) => constants.map((one) => one.scalar(name)).find((value) => value !== undefined);
  const mode = training === "" ? 0 : scalarOf(training);
  return { p: ratio === "" ? 0.5 : scalarOf(ratio), trainingMode: mode === undefined ? undefined : mode !== 0 };
}

/** Finds the places that drop and makes the model ready for it. Throws RangeError that names what cannot be done. */
export function prepare(model: ModelProto, options: SiteOptions): Prepared {
  const graph = model.graph as GraphProto;
  const fresh = new FreshNames(graph);
  const found = findDropouts(model, fresh);
  refuseForeign(graph);
  raiseOpset(model);
  setBatchNorms(graph, opsetOf(model), options.batchNorm);
  const known = new Set<string>();
  const sites: Site[] = [];
  const types = new Types(graph);
  for (const one of found) {
    known.add(one.name);
    const p = rateOf(one, options.rates);
    if (p === 0) turnOff(one, graph, fresh);
    else sites.push(siteOf(one, p, types));
  }
  for (const site of insertAll(graph, types, fresh, options, new Set(sites.map(({ name }) => name)))) {
    known.add(site.name);
    if (site.p > 0) sites.push(site);
    else site.node.opType = "Identity";
  }
  for (const name of options.rates.keys()) {
    if (!known.has(name)) throw wrongValue("rates", `names of dropouts${listed([...known])}`, quote(name));
  }
  const order = new Map(graph.node.map((node, k) => [node, k]));
  sites.sort((a, b) => (order.get(a.node) as number) - (order.get(b.node) as number));
  return { model, graph, sites, fresh };
}

const listed = (names: readonly string[]) =>
  names.length === 0 ? ", of which there are none" : ` such as ${names.slice(0, 3).map(quote).join(", ")}`;

/** Throws RangeError for dropout that the default domain does not define. */
function refuseForeign(graph: GraphProto): void {
  const foreign = (node: NodeProto) => /Dropout/.test(node.opType) && !isDropout(node);
  const visit = ({ node: nodes }: GraphProto): void => {
    for (const node of nodes) {
      if (foreign(node)) throw wrongValue("model", "dropout by the operator Dropout", describeNode(node));
      for (const inner of subgraphsOf(node)) visit(inner);
    }
  };
  visit(graph);
}

/** Throws RangeError for nodes that draw numbers by themselves. */
export function refuseRandom(nodes: readonly NodeProto[]): void {
  const node = nodes.find((one) => anyNode([one], ({ opType, domain }) => RANDOM.includes(opType) && isDefault(domain)));
  if (node !== undefined) throw wrongValue("model", "no random numbers but those of dropout, as no seed reaches them", describeNode(node));
}

function rateOf({ node, name, p, within }: Found, rates: ReadonlyMap<string, number>): number {
  const rate = rates.get(name) ?? p;
  if (rate === undefined) {
    throw wrongValue(
      "rates",
      `rate of ${quote(name)}, whose ratio the file does not have`,
      `none, and ratio ${quote(node.input[1] ?? "")}`,
    );
  }
  if (!(rate >= 0 && rate <= 1)) throw wrongValue("model", "ratios in [0, 1]", `${rate} of ${describeNode(node)}`);
  if (rate > 0 && within.length > 0) {
    const where = describeNode(within.at(-1) as NodeProto);
    throw wrongValue("model", `no dropout in subgraphs (a rate of 0 in "rates" turns it off)`, `${describeNode(node)} in that of ${where}`);
  }
  return rate;
}

/** Makes a Dropout node one that does nothing, whatever its training mode. */
function turnOff({ node, within }: Found, graph: GraphProto, fresh: FreshNames): void {
  const mask = node.output[1] || undefined;
  if (mask !== undefined) {
    const owner =
      within.length === 0 ? graph : (subgraphsOf(within.at(-1) as NodeProto).find(({ node: nodes }) => nodes.includes(node)) as GraphProto);
    const shape = fresh.take(`${mask}/shape`);
    const kept = fresh.take(`${mask}/kept`);
    const one = makeTensor("", DataType.BOOL, [1], [1]);
    const type = new Types(graph).of(mask) || DataType.BOOL;
    owner.node.splice(
      owner.node.indexOf(node) + 1,
      0,
      makeNode("Shape", [node.input[0] ?? ""], [shape]),
      makeNode("ConstantOfShape", [shape], [kept], [tensorAttribute("value", one)]),
      makeNode("Cast", [kept], [mask], [intAttribute("to", type)]),
    );
  }
  node.opType = "Identity";
  node.input = node.input.slice(0, 1);
  node.output = node.output.slice(0, 1);
  node.attribute = [];
}

function siteOf({ node, name }: Found, p: number, types: Types): Site {
  const [data = ""] = node.input;
  const [out = "", mask = ""] = node.output;
  const elemType = types.of(data) || DataType.FLOAT;
  checkNumbers(elemType, describeNode(node));
  return { name, p, data, out, mask: mask || undefined, elemType, node };
}

function checkNumbers(elemType: number, where: string): void {
  if (!NUMBERS.includes(elemType)) throw wrongValue("model", "dropout of floating-point tensors", `${typeName(elemType)} at ${where}`);
}

/** Selection needs operators of set 9: raises 7 and 8, where three operators have changed. */
function raiseOpset(model: ModelProto): void {
  if (opsetOf(model) >= 9) return;
  const raise = ({ node: nodes, initializer }: GraphProto): void => {
    for (const node of nodes) {
      for (const inner of subgraphsOf(node)) raise(inner);
      if (!isDefault(node.domain)) continue;
      if (node.opType === "Scan") throw wrongValue("model", "operator set 9 or newer for Scan", describeNode(node));
      if (node.opType === "BatchNormalization") {
        if (intOf(node, "spatial", 1) !== 1)
          throw wrongValue("model", "operator set 9 or newer for BatchNormalization that is not spatial", describeNode(node));
        node.attribute = node.attribute.filter(({ name }) => name !== "spatial");
      }
      const scales = node.opType === "Upsample" ? attributeOf(node, "scales")?.floats : undefined;
      if (scales !== undefined) {
        const name = `${nameOf(node)}/scales`;
        initializer.push(makeTensor(name, DataType.FLOAT, [scales.length], scales));
        node.attribute = node.attribute.filter((one) => one.name !== "scales");
        node.input = [node.input[0] ?? "", name];
      }
    }
  };
  raise(model.graph as GraphProto);
  setOpset(model, "", 9);
}

/** Takes care of batch normalization in training mode. */
function setBatchNorms(graph: GraphProto, opset: number, choice: BatchNorm): void {
  for (const node of graph.node) {
    for (const inner of subgraphsOf(node)) setBatchNorms(inner, opset, choice);
    if (!trainsBatchNorm(node, opset)) continue;
    if (choice === "refuse") {
      throw wrongValue(
        "model",
        `batch normalization for inference (batchNorm: "inference" makes it so)`,
        `${describeNode(node)} in training mode`,
      );
    }
    const extra = node.output.slice(1).find((name) => name !== "" && isRead(graph, name));
    if (extra !== undefined) {
      throw wrongValue(
        "model",
        "batch normalization whose statistics nothing reads",
        `${describeNode(node)}, of which ${quote(extra)} is read`,
      );
    }
    node.output = node.output.slice(0, 1);
    node.attribute = node.attribute.filter(({ name }) => name !== "training_mode");
  }
}

/** Returns whether a node is batch normalization in training mode. */
export function trainsBatchNorm(node: NodeProto, opset: number): boolean {
  if (node.opType !== "BatchNormalization" || !isDefault(node.domain)) return false;
  return opset >= 14 ? intOf(node, "training_mode", 0) !== 0 : node.output.slice(1).some((name) => name !== "");
}

function isRead(graph: GraphProto, name: string): boolean {
  return graph.output.some((one) => one.name === name) || anyNode(graph.node, ({ input }) => input.includes(name));
}

/** Inserts what the options ask for; returns the places. */
function insertAll(graph: GraphProto, types: Types, fresh: FreshNames, { insert, rates }: SiteOptions, taken: Set<string>): Site[] {
  // Before anything is inserted: what is inserted is no point.
  const points = pointsOf(graph);
  return insert.flatMap((one) => {
    if ("kinds" in one) {
      const chosen = points.filter(({ kind }) => one.kinds.includes(kind));
      if (chosen.length === 0) {
        const kinds = [...new Set(points.map(({ kind }) => kind))];
        throw wrongValue("insert", `kinds of nodes that the model has${listed(kinds)}`, one.kinds.map(quote).join(", "));
      }
      return chosen.map(({ tensor }) => insertAfter(graph, tensor, one.p, tensor, types, fresh, rates, taken));
    }
    const { after, p, name } = one;
    const byNode = graph.node.filter((node) => node.name !== "" && node.name === after);
    const isTensor = graph.input.some((input) => input.name === after) || graph.node.some(({ output }) => output.includes(after));
    const tensor = isTensor ? after : byNode.length === 1 ? byNode[0]?.output[0] : undefined;
    if (tensor === undefined) {
      const got = byNode.length > 1 ? `${quote(after)}, the name of ${byNode.length} nodes` : quote(after);
      throw wrongValue("insert", `tensors or nodes of the model, by name, such as ${quote(points[0]?.tensor ?? "")}`, got);
    }
    return [insertAfter(graph, tensor, p, name ?? after, types, fresh, rates, taken)];
  });
}

function insertAfter(
  graph: GraphProto,
  tensor: string,
  p: number,
  name: string,
  types: Types,
  fresh: FreshNames,
  rates: ReadonlyMap<string, number>,
  taken: Set<string>,
): Site {
  if (taken.has(name)) throw wrongValue("insert", "places that do not drop yet, and names that differ", quote(name));
  taken.add(name);
  const elemType = types.of(tensor) || DataType.FLOAT;
  checkNumbers(elemType, `tensor ${quote(tensor)}`);
  const maker = graph.node.find(({ output }) => output.includes(tensor));
  const other = fresh.take(`${shorten(tensor)}/dropout`);
  let [data, out] = [tensor, other];
  if (maker === undefined) {
    // The name of an input stays: what reads it reads another tensor.
    if (!graph.input.some((input) => input.name === tensor))
      throw wrongValue("insert", "tensors that nodes make, or inputs", quote(tensor));
    for (const node of graph.node) renameReads(node, (one) => (one === tensor ? other : one));
  } else {
    // Nodes that read the tensor, in subgraphs and outside, go on reading it.
    maker.output = maker.output.map((one) => (one === tensor ? other : one));
    [data, out] = [other, tensor];
  }
  const node = makeNode("Dropout", [data], [out]);
  graph.node.splice(maker === undefined ? 0 : graph.node.indexOf(maker) + 1, 0, node);
  return { name, p: rates.get(name) ?? p, data, out, mask: undefined, elemType, node };
}
