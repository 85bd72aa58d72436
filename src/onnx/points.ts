// The tensors that dropout can be inserted after, and the kinds of activation that they come from.

import { Constants } from "./constants.js";
import { type GraphProto, isDefault, type NodeProto, operatorOf } from "./proto.js";

/** A tensor that a node makes. */
export interface Point {
  /** Name of the tensor. */
  readonly tensor: string;
  /** Name of the node that makes it, if it has one. */
  readonly node: string;
  /** Its operator; "Gelu" or "Swish" at the end of nodes that compute one. */
  readonly kind: string;
}

/** Returns the first outputs of a graph's nodes. */
export function pointsOf(graph: GraphProto): Point[] {
  const composed = composedOf(graph);
  return graph.node.flatMap((node) => {
    const [tensor = ""] = node.output;
    if (tensor === "" || (isDefault(node.domain) && (node.opType === "Constant" || node.opType === "Dropout"))) return [];
    return [{ tensor, node: node.name, kind: composed.get(node) ?? operatorOf(node) }];
  });
}

/** Returns the nodes at which activations end that exporters write as several. */
function composedOf(graph: GraphProto): Map<NodeProto, string> {
  const constants = new Constants(graph);
  const readers = new Map<string, NodeProto[]>();
  const makers = new Map<string, NodeProto>();
  for (const node of graph.node) {
    for (const name of node.input) readers.set(name, [...(readers.get(name) ?? []), node]);
    for (const name of node.output) makers.set(name, node);
  }
  const onlyReader = (node: NodeProto, opType: string): NodeProto | undefined => {
    const found = readers.get(node.output[0] ?? "") ?? [];
    return found.length === 1 && found[0]?.opType === opType ? found[0] : undefined;
  };
  const has = (node: NodeProto | undefined, value: number) =>
    node?.input.some((name) => Math.abs((constants.scalar(name) ?? Number.NaN) - value) < 1e-3) ?? false;
  const halves = (node: NodeProto | undefined) => has(node, 0.5) || (node?.opType === "Div" && has(node, 2));
  const ends = new Map<NodeProto, string>();
  for (const node of graph.node) {
    // x * sigmoid(x).
    const product = node.opType === "Sigmoid" ? onlyReader(node, "Mul") : undefined;
    if (product?.input.includes(node.input[0] ?? "")) ends.set(product, "Swish");
    // x (1 + erf(x / sqrt 2)) / 2, or with tanh in place of erf; exporters put the half at one of three places.
    if (node.opType !== "Erf" && node.opType !== "Tanh") continue;
    const sum = onlyReader(node, "Add");
    const first = sum !== undefined && has(sum, 1) ? onlyReader(sum, "Mul") : undefined;
    if (first === undefined) continue;
    const second = onlyReader(first, "Mul");
    if (second !== undefined && (halves(first) || halves(second))) ends.set(second, "Gelu");
    else if (first.input.some((name) => halves(makers.get(name)))) ends.set(first, "Gelu");
  }
  return ends;
}
