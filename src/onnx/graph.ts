// Names in a graph: who makes a tensor, who reads it, also from within the subgraphs of If, Loop and Scan.

import { wrongValue } from "../ground/check.js";
import { describeNode, type GraphProto, type NodeProto, quote } from "./proto.js";

/** Returns the graphs that a node has as attributes. */
export function subgraphsOf(node: NodeProto): GraphProto[] {
  return node.attribute.flatMap(({ g, graphs }) => (g === undefined ? graphs : [g, ...graphs]));
}

/** Returns the names of a graph's constants. */
export function constantsOf({ initializer, sparseInitializer }: GraphProto): string[] {
  return [...initializer.map(({ name }) => name), ...sparseInitializer.map(({ values }) => values?.name ?? "")];
}

/** Returns the names that a node reads: its inputs, and what its subgraphs take from outside. */
export function readsOf(node: NodeProto): Set<string> {
  const reads = new Set(node.input);
  for (const graph of subgraphsOf(node)) for (const name of capturesOf(graph)) reads.add(name);
  reads.delete("");
  return reads;
}

/** Returns the names that a subgraph takes from outside. */
function capturesOf(graph: GraphProto): Set<string> {
  const own = new Set([...graph.input.map(({ name }) => name), ...constantsOf(graph)]);
  const captures = new Set<string>();
  for (const node of graph.node) {
    for (const name of readsOf(node)) if (!own.has(name)) captures.add(name);
    for (const name of node.output) own.add(name);
  }
  for (const { name } of graph.output) if (!own.has(name)) captures.add(name);
  return captures;
}

/** Replaces names that a node and its subgraphs read. */
export function renameReads(node: NodeProto, renamed: (name: string) => string): void {
  node.input = node.input.map((name) => (name === "" ? "" : renamed(name)));
  for (const graph of subgraphsOf(node)) {
    const captures = capturesOf(graph);
    const within = (name: string) => (captures.has(name) ? renamed(name) : name);
    for (const inner of graph.node) renameReads(inner, within);
    for (const output of graph.output) output.name = within(output.name);
  }
}

/** Throws RangeError unless each tensor is made once, before it is read. */
export function checkGraph(graph: GraphProto): void {
  const known = new Set([...graph.input.map(({ name }) => name), ...constantsOf(graph)]);
  const made = new Set<string>();
  for (const node of graph.node) {
    for (const name of readsOf(node)) {
      if (!known.has(name))
        throw wrongValue("model", "graph whose nodes read what is there", `${describeNode(node)}, which reads ${quote(name)}`);
    }
    for (const name of node.output) {
      if (name === "") continue;
      if (made.has(name))
        throw wrongValue("model", "graph that makes each tensor once", `${describeNode(node)}, which makes ${quote(name)} again`);
      made.add(name);
      known.add(name);
    }
  }
  for (const { name } of graph.output) {
    if (!known.has(name)) throw wrongValue("model", "graph that makes its outputs", `output ${quote(name)}, which no node makes`);
  }
}

/** Names that a model does not have yet. */
export class FreshNames {
  readonly #taken = new Set<string>();

  constructor(graph: GraphProto) {
    this.#note(graph);
  }

  #note(graph: GraphProto): void {
    for (const { name } of [...graph.input, ...graph.output]) this.#taken.add(name);
    for (const name of constantsOf(graph)) this.#taken.add(name);
    for (const node of graph.node) {
      for (const name of [...node.input, ...node.output]) this.#taken.add(name);
      for (const inner of subgraphsOf(node)) this.#note(inner);
    }
  }

  /** Returns a name like `wanted`. */
  take(wanted: string): string {
    let name = wanted;
    for (let k = 2; this.#taken.has(name); ++k) name = `${wanted}#${k}`;
    this.#taken.add(name);
    return name;
  }
}

/** Returns what is needed for some tensors: the nodes, in their order, and the names that those read. */
export function neededFor(nodes: readonly NodeProto[], names: Iterable<string>): { nodes: NodeProto[]; reads: Set<string> } {
  const reads = new Set(names);
  const needed: NodeProto[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.output.some((name) => name !== "" && reads.has(name))) continue;
    needed.push(node);
    for (const name of readsOf(node)) reads.add(name);
  }
  return { nodes: needed.reverse(), reads };
}
