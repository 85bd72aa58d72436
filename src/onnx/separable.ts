// Proof that the part of a model that passes run keeps examples apart, so that it may run the rows of several passes as one batch, and masks can be drawn
// example by example. The part is run on one and on two equal examples; what grows with them has an axis of examples, and each node that touches such a
// tensor must be one that is known not to mix along it. Whatever is not known counts as mixing.

import { Constants } from "./constants.js";
import { constantsOf, subgraphsOf } from "./graph.js";
import { keepsApart, saysShape } from "./operators.js";
import { describeNode, type GraphProto, type ModelProto, makeNode, type NodeProto, opsetOf, quote, untyped, withGraph } from "./proto.js";
import type { Elements, Values } from "./runtime.js";
import type { LiveSite } from "./split.js";

/** A tensor's sizes for one example, and the axis of examples. */
export interface Growth {
  readonly dims: readonly number[];
  readonly axis: number;
}

/** Returns the sizes of a tensor for so many examples. */
export function sizesOf({ dims, axis }: Growth, examples: number): number[] {
  return dims.map((size, k) => (k === axis ? size * examples : size));
}

/** The result of a proof. */
export interface Separation {
  /** Axes of the tensors that are fed, -1 where they are the same for all examples. */
  readonly axes: ReadonlyMap<string, number>;
  /** Tensors that are fed and hold numbers that follow from the size of the batch: per element, what one example adds, or NaN where it is constant. */
  readonly counts: ReadonlyMap<string, readonly number[]>;
  readonly sites: readonly Growth[];
  readonly output: Growth;
  /** Elements of all tensors that one more example makes. */
  readonly elements: number;
}

/** The shapes of a run, which inputs of the same sizes have in common. */
export interface Layout {
  readonly separation: Separation | undefined;
  /** The reason why there is no separation. */
  readonly reason: string;
}

/** The sites and the output of inputs of so many examples. */
export interface Frame {
  readonly samples: number;
  readonly sites: readonly Growth[];
  readonly output: Growth;
}

/** Returns the axis along which a tensor grows with the batch, -1 if it does not, or undefined if it does so in another way. */
export function axisOf(one: readonly number[], two: readonly number[]): number | undefined {
  if (one.length !== two.length) return undefined;
  const grown = one.flatMap((size, k) => (size === two[k] ? [] : [k]));
  if (grown.length === 0) return -1;
  const [axis = 0] = grown;
  return grown.length === 1 && two[axis] === 2 * (one[axis] as number) ? axis : undefined;
}

/** The part of a model that passes run, with the shapes of all that it computes as outputs. */
export interface Instrumented {
  readonly model: ModelProto;
  readonly outputs: readonly string[];
  /** Names of outputs that are shapes, by tensor. */
  readonly shapes: ReadonlyMap<string, string>;
  /** Tensors that follow from shapes alone, whose values are outputs. */
  readonly derived: ReadonlySet<string>;
}

/** Adds outputs to a part; `counted` are tensors that are fed and follow from shapes, `beside` outputs that say something of the batch as a whole. */
export function instrument(model: ModelProto, counted: readonly string[], beside: readonly string[]): Instrumented {
  const whole = model.graph as GraphProto;
  const looked = (name: string) => !beside.includes(name);
  const graph = {
    ...whole,
    node: whole.node.filter(({ output }) => output.every(looked)),
    output: whole.output.filter(({ name }) => looked(name)),
  };
  const shapes = new Map<string, string>();
  const constants = new Set([
    ...constantsOf(graph),
    ...graph.node.filter(({ opType }) => opType === "Constant").flatMap(({ output }) => output),
  ]);
  const derived = new Set<string>();
  const follows = new Set(counted);
  const extra: NodeProto[] = [];
  for (const node of graph.node) {
    const reads = node.input.filter((name) => name !== "");
    const isShape = node.opType === "Shape" || node.opType === "Size";
    const fromShapes =
      isShape || (reads.some((name) => follows.has(name)) && reads.every((name) => follows.has(name) || constants.has(name)));
    // These make tensors of a shape, of values that do not follow from it.
    const spread = node.opType === "ConstantOfShape" || node.opType === "Expand" || node.opType === "Tile";
    for (const name of node.output) {
      if (name === "" || constants.has(name)) continue;
      if (fromShapes && !spread) {
        follows.add(name);
        derived.add(name);
      }
      const shape = `${name}/seen`;
      shapes.set(name, shape);
      extra.push(makeNode("Shape", [name], [shape]));
    }
  }
  const outputs = [...new Set([...graph.output.map(({ name }) => name), ...shapes.values(), ...derived])];
  return { model: withGraph(model, { node: [...graph.node, ...extra], output: outputs.map(untyped) }), outputs, shapes, derived };
}

/** The tensors that a run was fed, and what came out. */
export interface Probe {
  readonly fed: ReadonlyMap<string, Values>;
  readonly results: ReadonlyMap<string, Values>;
}

/** Returns the proof from runs on one and on two examples, or the reason why there is none. */
export function separate(
  instrumented: Instrumented,
  { sites, result }: { readonly sites: readonly LiveSite[]; readonly result: string },
  one: Probe,
  two: Probe,
): Separation | string {
  const { model, shapes, derived } = instrumented;
  const graph = model.graph as GraphProto;
  const axes = new Map<string, number>();
  const sizes = new Map<string, readonly number[]>();
  const grown = new Map<string, readonly number[]>();
  const counts = new Map<string, readonly number[]>();
  const counting = new Set<string>();
  const note = (name: string, small: readonly number[], large: readonly number[]): string | undefined => {
    const axis = axisOf(small, large);
    if (axis === undefined) return `tensor ${quote(name)}, of ${show(small)} for one example and ${show(large)} for two`;
    axes.set(name, axis);
    sizes.set(name, small);
    grown.set(name, large);
    return undefined;
  };
  for (const { name, dims } of graph.initializer) {
    const own = dims.map(Number);
    note(name, own, own);
  }
  for (const [name, small] of one.fed) {
    const large = two.fed.get(name) as Values;
    const fault = note(name, small.dims, large.dims);
    if (fault !== undefined) return fault;
    if (axes.get(name) !== -1) continue;
    const perExample = countsOf(small.data, large.data);
    // Floating-point numbers of the batch as a whole are those of its own rows, however often these are run.
    if (perExample === undefined && !isFloat(small)) return `tensor ${quote(name)}, whose integers depend on the batch`;
    if (perExample?.some((count) => !Number.isNaN(count)) && !isFloat(small)) {
      counts.set(name, perExample);
      counting.add(name);
    }
  }
  const constants = new Constants(graph);
  for (const node of graph.node) if (node.opType === "Constant") for (const name of node.output) note(name, [], []);
  for (const [name, shape] of shapes) {
    const [small, large] = [one.results.get(shape), two.results.get(shape)];
    if (small === undefined || large === undefined) return `tensor ${quote(name)}, whose shape was not seen`;
    const fault = note(name, numbersOf(small.data), numbersOf(large.data));
    if (fault !== undefined) return fault;
  }
  for (const name of derived) {
    const [small, large] = [one.results.get(name) as Values, two.results.get(name) as Values];
    if (axes.get(name) !== -1) return `tensor ${quote(name)}, numbers of examples`;
    if (!sameElements(small.data, large.data)) counting.add(name);
  }
  const opset = opsetOf(model);
  for (const node of graph.node) {
    if (subgraphsOf(node).length > 0) return `${describeNode(node)}, whose subgraphs are not looked into`;
    if (node.opType === "Shape" || node.opType === "Size" || node.opType === "Constant") continue;
    if (node.output.every((name) => name === "" || derived.has(name))) continue;
    const reads = node.input.map((name) => (name === "" ? -1 : (axes.get(name) ?? -1)));
    if (node.input.some((name, k) => counting.has(name) && !saysShape(node, k)))
      return `${describeNode(node)}, which reads the size of the batch`;
    const touched = reads.some((axis) => axis >= 0) || node.input.some((name) => counting.has(name));
    for (const name of node.output) {
      if (name === "" || derived.has(name)) continue;
      const outAxis = axes.get(name) ?? -1;
      if (!touched && outAxis < 0) continue;
      const seen = {
        node,
        opset,
        axis: (k: number) => reads[k] ?? -1,
        dims: (k: number) => grown.get(node.input[k] ?? "") ?? [],
        outAxis,
        outDims: grown.get(name) ?? [],
        numbers: (k: number) => constants.numbers(node.input[k] ?? ""),
      };
      if (outAxis < 0 || !keepsApart(seen)) return `${describeNode(node)}, which may mix examples`;
    }
  }
  const growthOf = (name: string): Growth => ({ dims: sizes.get(name) ?? [], axis: axes.get(name) ?? -1 });
  const output = growthOf(result);
  const drops = sites.map(({ form, data, input }) => growthOf(form === "data" ? input : data));
  if (output.axis < 0) return `output ${quote(result)}, which is one for all examples`;
  const shared = sites.find((_, k) => (drops[k] as Growth).axis < 0);
  if (shared !== undefined) return `dropout ${quote(shared.name)}, of a tensor that all examples share`;
  const volume = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
  const elements = [...shapes.keys()].reduce((sum, name) => sum + volume(grown.get(name) ?? []) - volume(sizes.get(name) ?? []), 0);
  return { axes, counts, sites: drops, output, elements };
}

const isFloat = ({ type }: Values) => type.startsWith("float") || type === "bfloat16";
const numbersOf = (data: Elements): number[] => Array.from(data as ArrayLike<unknown>, Number);
const show = (dims: readonly number[]) => `[${dims.join(", ")}]`;

/** Returns whether two tensors have the same elements. */
export function sameElements(a: Elements, b: Elements): boolean {
  if (a.length !== b.length) return false;
  for (let k = 0; k < a.length; ++k) if (!Object.is(a[k], b[k])) return false;
  return true;
}

/** Returns what each integer grows by with an example, NaN where it is constant; undefined if one does neither. */
function countsOf(one: Elements, two: Elements): number[] | undefined {
  const counts: number[] = [];
  for (let k = 0; k < one.length; ++k) {
    if (Object.is(one[k], two[k])) counts.push(Number.NaN);
    else if (Number(two[k]) === 2 * Number(one[k])) counts.push(Number(one[k]));
    else return undefined;
  }
  return counts;
}
