// Functions of a model that have dropout in them, opened where they are called: their nodes take the place of the call.

import { wrongValue } from "../ground/check.js";
import { type FreshNames, renameReads, subgraphsOf } from "./graph.js";
import {
  cloneAttribute,
  cloneNode,
  describeNode,
  type FunctionProto,
  type GraphProto,
  isDefault,
  type ModelProto,
  type NodeProto,
  nameOf,
  opsetOf,
  quote,
  setOpset,
} from "./proto.js";

/** Deeper calls than anybody writes: functions must not call themselves. */
const DEEPEST = 64;

const keyOf = ({ domain, overload }: { domain: string; overload: string }, name: string) => JSON.stringify([domain, name, overload]);
const calleeOf = (node: NodeProto) => keyOf(node, node.opType);

/** Returns whether a node, or one in its subgraphs, is as `test` says. */
export function anyNode(nodes: readonly NodeProto[], test: (node: NodeProto) => boolean): boolean {
  return nodes.some((node) => test(node) || subgraphsOf(node).some((graph) => anyNode(graph.node, test)));
}

/** Replaces calls of functions in which nodes as `wanted` are by the nodes of those functions. */
export function openFunctions(model: ModelProto, fresh: FreshNames, wanted: (node: NodeProto) => boolean): void {
  const functions = new Map(model.functions.map((one) => [keyOf(one, one.name), one]));
  if (functions.size === 0) return;
  const opened = new Set<FunctionProto>();
  // Functions call each other: until no more are found.
  const has = (node: NodeProto) => wanted(node) || opened.has(functions.get(calleeOf(node)) as FunctionProto);
  for (let size = -1; size < opened.size; ) {
    size = opened.size;
    for (const one of functions.values()) if (anyNode(one.node, has)) opened.add(one);
  }
  const open = (nodes: readonly NodeProto[], depth: number): NodeProto[] =>
    nodes.flatMap((node) => {
      const callee = functions.get(calleeOf(node));
      if (callee === undefined || !opened.has(callee)) return [node];
      if (depth > DEEPEST) throw wrongValue("model", "functions that do not call themselves", `function ${quote(callee.name)}`);
      adoptOpsets(model, callee);
      return open(bodyOf(callee, node, fresh), depth + 1);
    });
  const graph = model.graph as GraphProto;
  graph.node = open(graph.node, 0);
  const calls = (node: NodeProto) => opened.has(functions.get(calleeOf(node)) as FunctionProto);
  const inner = graph.node.find((node) => anyNode([node], calls));
  if (inner !== undefined) throw wrongValue("model", "no dropout in functions that subgraphs call", describeNode(inner));
  model.functions = model.functions.filter((one) => !opened.has(one));
}

/** Adds the sets of operators that a function uses; throws RangeError if the model has another version of one. */
function adoptOpsets(model: ModelProto, { name, opsetImport }: FunctionProto): void {
  for (const { domain, version } of opsetImport) {
    const own = opsetOf(model, domain);
    if (own === 0) setOpset(model, domain, Number(version));
    else if (own !== Number(version)) {
      const set = isDefault(domain) ? "the default domain" : domain;
      throw wrongValue(
        "model",
        `functions with operator set ${own} of ${set}, as the model has`,
        `${version} in function ${quote(name)}, which drops`,
      );
    }
  }
}

/** Returns copies of a function's nodes, with the names and attributes of a call. */
function bodyOf({ input, output, node: nodes, attribute, attributeProto }: FunctionProto, call: NodeProto, fresh: FreshNames): NodeProto[] {
  const prefix = nameOf(call);
  const names = new Map<string, string>();
  for (const [k, name] of input.entries()) names.set(name, call.input[k] ?? "");
  for (const [k, name] of output.entries()) names.set(name, call.output[k] || fresh.take(`${prefix}/${name}`));
  const bodies = nodes.map(cloneNode);
  for (const node of bodies) {
    for (const name of node.output) if (name !== "" && !names.has(name)) names.set(name, fresh.take(`${prefix}/${name}`));
  }
  const given = new Map([...attributeProto, ...call.attribute].map((one) => [one.name, one]));
  const known = new Set([...attribute, ...given.keys()]);
  for (const node of bodies) {
    const own = nameOf(node);
    renameReads(node, (name) => names.get(name) ?? name);
    node.output = node.output.map((name) => (name === "" ? "" : (names.get(name) as string)));
    node.name = `${prefix}/${own}`;
    passAttributes(node, (name) => (known.has(name) ? given.get(name) : undefined));
  }
  return bodies;
}

/** Gives the attributes that refer to those of the call their values; those that the call leaves out go. */
function passAttributes(node: NodeProto, given: (name: string) => NodeProto["attribute"][number] | undefined): void {
  node.attribute = node.attribute.flatMap((attribute) => {
    if (attribute.refAttrName === "") return [attribute];
    const value = given(attribute.refAttrName);
    if (value === undefined) return [];
    const copy = cloneAttribute(value);
    copy.name = attribute.name;
    return [copy];
  });
  for (const graph of subgraphsOf(node)) for (const inner of graph.node) passAttributes(inner, given);
}
