// Monte-Carlo dropout of GraphModels, the frozen graphs of tfjs-converter, which have no dropout of their own any more: dropout of the results of named nodes.
// The graph is executed in stages, from what is known to the nodes that are dropped from next; the first stage, in which nothing is random, runs once.
// Models are known by their methods, so that tfjs-converter is no dependency.

import { reshape, type Tensor, tidy } from "@tensorflow/tfjs-core";
import { shorten, wrongKind, wrongValue } from "../ground/check.js";
import { showShape } from "../ground/shape.js";
import { type DrawOf, perturbRows } from "./graph.js";
import type { RandomLayer } from "./layers.js";

/** A model of tf.loadGraphModel(): the part that is used. */
export interface GraphModelLike {
  readonly inputs: readonly { readonly name: string }[];
  readonly outputs: readonly { readonly name: string }[];
  execute(inputs: Record<string, Tensor>, outputs: string[]): Tensor | Tensor[];
  executeAsync(inputs: Record<string, Tensor>, outputs: string[]): Promise<Tensor | Tensor[]>;
}

/** The part of the nodes of tfjs-converter that is read. */
interface Node {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly Node[];
  readonly inputNames: readonly string[];
}

/** Returns true for a model that executes from and to named nodes. */
export function isGraphModel(model: unknown): model is GraphModelLike {
  const { execute, executeAsync, inputs, outputs, layers } = (model ?? {}) as Record<string, unknown>;
  return (
    layers === undefined &&
    [execute, executeAsync].every((method) => typeof method === "function") &&
    Array.isArray(inputs) &&
    Array.isArray(outputs)
  );
}

// Their results differ from run to run, whatever the seed.
const RANDOM = /^(Stateless)?(Random|Truncated(Normal)?|Multinomial|ParameterizedTruncatedNormal)/;
// Their nodes run more than once, or not at all.
const LOOPS = ["Enter", "Exit", "NextIteration", "Switch", "Merge", "LoopCond"];

const nodeOf = (name: string) => name.split(":")[0] as string;
/** The name of a result: that of its node, if it is the first. */
const resultOf = (name: string) => (/^[^:]*:0$/.test(name) ? nodeOf(name) : name);

/** The result of a node that later stages read, or drop from. */
interface Kept {
  readonly name: string;
  readonly drawer: RandomLayer | undefined;
}

export class GraphProgram {
  readonly #model: GraphModelLike;
  readonly #samples: number;
  /** The results of each stage. */
  readonly #stages: readonly (readonly Kept[])[];
  readonly #output: string;
  readonly #known: Record<string, Tensor> = {};
  /** Tensors that the first stage made. */
  #common: Tensor[] = [];
  #asynchronous = false;

  /**
   * @param inserted the layers that drop from the results of nodes, by the names of these
   * @throws TypeError or RangeError for inputs that do not fit, and a model in which that cannot be done
   */
  constructor(
    model: GraphModelLike,
    inputs: Readonly<Record<string, Tensor>>,
    samples: number,
    inserted: ReadonlyMap<string, RandomLayer>,
  ) {
    this.#model = model;
    this.#samples = samples;
    Object.assign(this.#known, inputs);
    const [output, ...others] = model.outputs;
    if (output === undefined || others.length > 0) throw wrongValue("model", "model of one output", `${model.outputs.length} outputs`);
    this.#output = resultOf(output.name);
    this.#stages = stagesOf(nodesOf(model), output.name, new Set(Object.keys(inputs).map(nodeOf)), inserted);
  }

  /** true if the output differs from pass to pass. */
  get random(): boolean {
    return this.#stages.some((stage) => stage.some(({ drawer }) => drawer !== undefined));
  }

  /** Runs the stage that all passes have in common. */
  async begin(): Promise<void> {
    const [first = []] = this.#stages;
    // Inputs are known as they are.
    const wanted = first.filter(({ name }) => this.#known[name] === undefined);
    this.#common = await this.#execute(
      this.#known,
      wanted.map(({ name }) => name),
    );
    wanted.forEach(({ name }, k) => {
      this.#known[name] = this.#common[k] as Tensor;
    });
  }

  /** Returns the shape of an output. Graphs do not say it: what is random runs once, with nothing dropped. */
  async shape(): Promise<readonly number[]> {
    const known = this.#known[this.#output];
    if (known !== undefined) return known.shape;
    const [output] = (await this.#execute(this.#known, [this.#output])) as [Tensor];
    const { shape } = output;
    output.dispose();
    return shape;
  }

  /** Returns the output of a pass. */
  async pass(drawOf: DrawOf): Promise<Tensor> {
    const known = { ...this.#known };
    const made: Tensor[] = [];
    const drop = (stage: readonly Kept[]) => {
      for (const { name, drawer } of stage) {
        if (drawer === undefined) continue;
        const dropped = tidy(() => this.#drop(drawer, known[name] as Tensor, name, drawOf));
        made.push(dropped);
        known[name] = dropped;
      }
    };
    try {
      const [first = [], ...others] = this.#stages;
      drop(first);
      for (const stage of others) {
        const values = await this.#execute(
          known,
          stage.map(({ name }) => name),
        );
        made.push(...values);
        stage.forEach(({ name }, k) => {
          known[name] = values[k] as Tensor;
        });
        drop(stage);
      }
      return (known[this.#output] as Tensor).clone();
    } finally {
      for (const tensor of made) tensor.dispose();
    }
  }

  /** Disposes of what all passes had in common. */
  end(): void {
    for (const tensor of this.#common) tensor.dispose();
  }

  #drop(drawer: RandomLayer, x: Tensor, name: string, drawOf: DrawOf): Tensor {
    const draw = (rows: Tensor) => perturbRows(drawer, rows, `${name}+dropout`, { passes: 1, drawOf });
    const { shape, size } = x;
    if (shape[0] === this.#samples) return draw(x).clone();
    // Examples may be spread over several rows, as steps of sequences are.
    const several = (shape[0] ?? 0) % this.#samples === 0 && drawer.getConfig()["noiseShape"] === null;
    if (!several)
      throw wrongValue(
        "insert",
        `nodes of ${this.#samples} rows, the examples, or a multiple`,
        `${JSON.stringify(shorten(name))} of shape ${showShape(shape)}`,
      );
    return reshape(draw(reshape(x, [this.#samples, size / this.#samples])), shape);
  }

  async #execute(known: Record<string, Tensor>, names: string[]): Promise<Tensor[]> {
    if (names.length === 0) return [];
    if (!this.#asynchronous) {
      try {
        return listOf(this.#model.execute({ ...known }, names));
      } catch (error) {
        // Operations of unknown shapes: tfjs says so, and by which method they run.
        if (!(error instanceof Error && error.message.includes("executeAsync"))) throw error;
        this.#asynchronous = true;
      }
    }
    return listOf(await this.#model.executeAsync({ ...known }, names));
  }
}

const listOf = (tensors: Tensor | Tensor[]) => (Array.isArray(tensors) ? tensors : [tensors]);

function nodesOf(model: GraphModelLike): Record<string, Node> {
  const { nodes } = (model as { executor?: { graph?: { nodes?: Record<string, Node> } } }).executor?.graph ?? {};
  if (nodes === undefined) throw wrongKind("model", "GraphModel of tfjs-converter 4, whose nodes can be read", model);
  return nodes;
}

/** Returns, for each stage, the nodes whose results are read in later ones, or dropped from; the output is in the last. */
function stagesOf(
  nodes: Record<string, Node>,
  result: string,
  given: ReadonlySet<string>,
  inserted: ReadonlyMap<string, RandomLayer>,
): Kept[][] {
  const output = nodeOf(result);
  const needed = orderOf(nodes, output, given);
  const called = (name: string) => JSON.stringify(shorten(name));
  for (const name of inserted.keys()) {
    if (!needed.some((node) => node.name === name)) throw wrongValue("insert", "names of nodes that the output is made of", called(name));
  }
  const known = (node: Node) => given.has(node.name) || node.op === "Const";
  const consumers = new Map<Node, Node[]>(needed.map((node) => [node, []]));
  // Nodes of several results cannot be given to execute(): they are computed again where they are read.
  const several = new Set<Node>(resultOf(result) === output ? [] : [nodes[output] as Node]);
  for (const node of needed) {
    if (RANDOM.test(node.op))
      throw wrongValue("model", "graph without random operations of its own", `node ${called(node.name)}, ${node.op}`);
    if (known(node)) continue;
    node.inputs.forEach((input, k) => {
      consumers.get(input)?.push(node);
      const [, ...place] = (node.inputNames[k] ?? "").split(":");
      if (place.some((part) => part !== "0")) several.add(input);
    });
  }
  const drawerOf = ({ name }: Node) => {
    const drawer = inserted.get(name);
    return drawer?._idle ? undefined : drawer;
  };
  const stages = new Map<Node, number>();
  for (const node of needed) {
    const before = known(node) ? [] : node.inputs.map((input) => (stages.get(input) ?? 0) + Number(drawerOf(input) !== undefined));
    const stage = Math.max(0, ...before);
    stages.set(node, stage);
    if (stage > 0 && LOOPS.includes(node.op))
      throw wrongValue("insert", "nodes before no control flow", `a node before ${called(node.name)}, ${node.op}`);
    if (drawerOf(node) !== undefined && several.has(node))
      throw wrongValue("insert", "nodes of one result", `${called(node.name)}, ${node.op}`);
  }
  const stageOf = (node: Node) => stages.get(node) as number;
  // The last stage that computes a node.
  const last = new Map<Node, number>();
  for (const node of [...needed].reverse()) {
    const readers = several.has(node) ? (consumers.get(node) as Node[]).map((reader) => last.get(reader) as number) : [];
    last.set(node, Math.max(stageOf(node), ...readers));
  }
  const count = 1 + Math.max(...needed.map(stageOf));
  const kept: Kept[][] = Array.from({ length: count }, () => []);
  for (const node of needed) {
    const drawer = drawerOf(node);
    const isRead = (consumers.get(node) as Node[]).some((reader) => (last.get(reader) as number) > stageOf(node));
    const isKept = drawer !== undefined || node.name === output || (isRead && !several.has(node) && node.op !== "Const");
    const name = node.name === output ? resultOf(result) : node.name;
    if (isKept) (kept[stageOf(node)] as Kept[]).push({ name, drawer });
  }
  return kept;
}

/** Returns the nodes that `output` is made of, each behind those that it reads. */
function orderOf(nodes: Record<string, Node>, output: string, given: ReadonlySet<string>): Node[] {
  const order = new Set<Node>();
  const open: Node[] = [nodes[output] as Node];
  const begun = new Set<Node>();
  while (open.length > 0) {
    const node = open.at(-1) as Node;
    const inputs = given.has(node.name) ? [] : node.inputs.filter((input) => !begun.has(input));
    if (begun.has(node) || inputs.length === 0) {
      order.add(node);
      begun.add(node);
      open.pop();
      continue;
    }
    begun.add(node);
    open.push(...inputs);
  }
  return [...order];
}

/** Reads the inputs of a model: tensors by the names of its inputs, or of its signature, or in their order. Throws TypeError or RangeError. */
export function readNamed(model: GraphModelLike, inputs: unknown, check: (input: unknown, name: string) => Tensor): Record<string, Tensor> {
  const names = model.inputs.map(({ name }) => nodeOf(name));
  if (typeof inputs === "object" && inputs !== null && Object.getPrototypeOf(inputs) === Object.prototype) {
    const { modelSignature } = model as { modelSignature?: { inputs?: Record<string, { name?: string }> } };
    return Object.fromEntries(
      Object.entries(inputs).map(([key, input]) => {
        const name = nodeOf(modelSignature?.inputs?.[key]?.name ?? key);
        const known = `names of inputs, ${names.map((one) => JSON.stringify(shorten(one))).join(", ")}`;
        if (!names.includes(name)) throw wrongValue("inputs", shortened(known), JSON.stringify(shorten(key)));
        return [name, check(input, `inputs.${shorten(key)}`)];
      }),
    );
  }
  const list: unknown[] = Array.isArray(inputs) ? inputs : [inputs];
  const read = list.map((input, k) => check(input, Array.isArray(inputs) ? `inputs[${k}]` : "inputs"));
  if (read.length !== names.length) throw wrongValue("inputs", `${names.length} tensors`, `${read.length}`);
  return Object.fromEntries(read.map((input, k) => [names[k] as string, input]));
}

const MOST_NAMES = 200;
const shortened = (text: string) => (text.length > MOST_NAMES ? `${text.slice(0, MOST_NAMES)}…` : text);
