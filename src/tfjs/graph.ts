// A model as a list of steps, models within it opened where something random is in them: the steps before the first random layer are the same in every
// pass, and run once.

import { scalar, type Tensor, tile, Variable } from "@tensorflow/tfjs-core";
import { wrongKind, wrongValue } from "../ground/check.js";
import { isByExample } from "./by-example.js";
import type { Draw } from "./draw.js";
import type { RandomLayer } from "./layers.js";
import { droppingCells, withMasks } from "./recurrent.js";
import { type Layer, type Layered, layersOf } from "./swap.js";

/** The part of tfjs-layers' symbolic tensors that is read. */
interface Symbolic {
  readonly id: number;
  readonly shape: readonly (number | null)[];
  readonly sourceLayer: Layer;
  readonly inputs: Symbolic[];
  readonly nodeIndex: number;
}

/** A model of tfjs: a LayersModel, as loaded, made or compiled. */
export interface Graph extends Layered {
  readonly inputs: readonly object[];
  readonly outputs: readonly object[];
}

/** The random parts of a model. */
export interface Live {
  /** Random layers, and the layers that draw for them. */
  readonly layers: ReadonlyMap<Layer, RandomLayer>;
  /** The layers that drop from the outputs of others, by the names of these. */
  readonly inserted: ReadonlyMap<string, RandomLayer>;
  /** Returns the layer that draws for the masks of recurrent cells, at a rate. */
  readonly ofCells: (rate: number) => RandomLayer;
}

/** A layer at one place of the graph: places of tensors, and for random layers the name that its masks go by. */
interface Step {
  readonly layer: Layer;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** true if the result differs from pass to pass. */
  readonly random: boolean;
  /** The layer that draws, where the layer itself is random. */
  readonly drawer: RandomLayer | undefined;
  readonly site: string;
}

/** A place in a batch of passes: the number of the pass among them, and that of the example; of none, the masks are those of all batches. */
export interface Row {
  readonly pass: number;
  readonly example: number | undefined;
}

/** Returns the draw at a place of the graph. */
export type DrawOf = (site: string, row: Row) => Draw;

interface Value {
  readonly tensor: Tensor;
  readonly mask: Tensor | undefined;
}
export type Values = (Value | undefined)[];

/** The passes that run as one batch, pass by pass, each of all examples. */
interface Batch {
  readonly passes: number;
  readonly drawOf: DrawOf;
}

/** A model's steps. */
export class Program {
  readonly #live: Live;
  readonly #steps: Step[] = [];
  readonly #random = new Set<number>();
  readonly #sites = new Map<string, number>();
  readonly #output: number;
  // The number of elements of an example at each place; NaN where it is not known.
  readonly #sizes: number[] = [];
  // The last step that reads a place.
  readonly #lastUse: number[] = [];
  readonly #inserted = new Set<string>();

  /** @throws RangeError for a model of several outputs or with states, or with layers that drop in ways of their own */
  constructor(model: Graph, live: Live) {
    this.#live = live;
    const inputs = (model.inputs as readonly Symbolic[]).map((tensor) => this.#place(tensor));
    const [output, ...others] = this.#open(model, inputs, "");
    if (output === undefined || others.length > 0) throw wrongValue("model", "model of one output", `${model.outputs.length} outputs`);
    this.#output = output;
    for (const name of live.inserted.keys()) {
      if (!this.#inserted.has(name)) throw wrongValue("insert", "names of layers in the graph", JSON.stringify(name.slice(0, 40)));
    }
    this.#steps.forEach(({ inputs: from }, k) => {
      for (const slot of from) this.#lastUse[slot] = k;
    });
    this.#lastUse[output] = Number.POSITIVE_INFINITY;
  }

  /** true if the output differs from pass to pass. */
  get random(): boolean {
    return this.#random.has(this.#output);
  }

  /** The most elements of an example that a random step reads and writes; NaN if passes cannot run as one batch, or that is not known. */
  get width(): number {
    let most = 0;
    for (const { random, drawer, layer, inputs, outputs } of this.#steps) {
      if (!random) continue;
      if (drawer === undefined && !isByExample(layer)) return Number.NaN;
      most = Math.max(
        most,
        [...inputs, ...outputs].reduce((sum, slot) => sum + (this.#sizes[slot] as number), 0),
      );
    }
    return most;
  }

  #place({ shape: [, ...sizes] }: { readonly shape: readonly (number | null)[] }): number {
    return this.#sizes.push(sizes.reduce<number>((product, size) => product * (size ?? Number.NaN), 1)) - 1;
  }

  /** Adds the steps of a model that is called with tensors at `inputs`; returns the places of its outputs. */
  #open(model: Graph, inputs: readonly number[], path: string): number[] {
    const slots = new Map<number, number>();
    (model.inputs as readonly Symbolic[]).forEach((tensor, k) => {
      slots.set(tensor.id, this.#drop(tensor.sourceLayer, [inputs[k] as number], path)[0] as number);
    });
    const visit = (tensor: Symbolic): number => {
      const known = slots.get(tensor.id);
      if (known !== undefined) return known;
      const from = tensor.inputs.map(visit);
      const layer = tensor.sourceLayer;
      const node = (layer as unknown as { inboundNodes: { outputTensors: Symbolic[] }[] }).inboundNodes[tensor.nodeIndex];
      const results = (node as { outputTensors: Symbolic[] }).outputTensors;
      const made = this.#isOpened(layer)
        ? this.#open(layer, from, this.#siteOf(`${path}${layer.name}`, "/"))
        : this.#add(layer, from, results, path);
      const to = this.#drop(layer, made, path);
      results.forEach((result, k) => {
        slots.set(result.id, to[k] as number);
      });
      return slots.get(tensor.id) as number;
    };
    return (model.outputs as readonly Symbolic[]).map(visit);
  }

  #isOpened(layer: Layer): layer is Layer & Graph {
    if (!("layers" in layer && "inputs" in layer)) return false;
    const { layers, inserted } = this.#live;
    const isRandom = (inner: Layer) => layers.has(inner) || inserted.has(inner.name) || droppingCells(inner).length > 0;
    return layersOf(layer as unknown as Layered).some(isRandom);
  }

  #add(layer: Layer, inputs: readonly number[], results: readonly Symbolic[], path: string): number[] {
    if (layer.stateful) throw wrongValue("model", "model without states, which passes would change", `layer ${JSON.stringify(layer.name)}`);
    const outputs = results.map((result) => this.#place(result));
    const drawer = this.#live.layers.get(layer);
    const live = drawer !== undefined || this.#wrapped(layer).length > 0 || droppingCells(layer).length > 0;
    const random = live || inputs.some((slot) => this.#random.has(slot));
    if (random) for (const slot of outputs) this.#random.add(slot);
    this.#steps.push({ layer, inputs, outputs, random, drawer, site: live ? this.#siteOf(`${path}${layer.name}`, "") : "" });
    return outputs;
  }

  /** Adds the dropout that is inserted after a layer, if there is one; returns the places of its results. */
  #drop(after: Layer, made: readonly number[], path: string): readonly number[] {
    const drawer = this.#live.inserted.get(after.name);
    if (drawer === undefined) return made;
    const [slot, ...others] = made as [number, ...number[]];
    if (others.length > 0) throw wrongValue("insert", "layers of one output", `${JSON.stringify(after.name)}, which has ${made.length}`);
    this.#inserted.add(after.name);
    if (drawer._idle) return made;
    const to = this.#sizes.push(this.#sizes[slot] as number) - 1;
    this.#random.add(to);
    const site = this.#siteOf(`${path}${after.name}`, "+dropout");
    this.#steps.push({ layer: drawer, inputs: [slot], outputs: [to], random: true, drawer, site });
    return [to];
  }

  /** Returns a name for a place of the graph; a layer that is called again has its number behind it. */
  #siteOf(name: string, end: string): string {
    const key = end === "+dropout" ? `${name}${end}` : name;
    const calls = this.#sites.get(key) ?? 0;
    this.#sites.set(key, calls + 1);
    return `${name}${calls === 0 ? "" : `#${calls}`}${end}`;
  }

  #wrapped(layer: Layer): Layer[] {
    const { layer: inner } = layer as { layer?: Layer };
    if (!inner) return [];
    const all = layersOf({ layers: [inner] });
    const cells = all.find((one) => one !== inner && droppingCells(one).length > 0);
    if (cells !== undefined && droppingCells(layer).length === 0) {
      const shown = `layer ${JSON.stringify(cells.name)} in a model that ${JSON.stringify(layer.name)} wraps`;
      throw wrongValue("model", "recurrent dropout in layers of the graph", shown);
    }
    return all.filter((one) => this.#live.layers.has(one));
  }

  /** Returns the values that all passes have in common. */
  begin(inputs: readonly Tensor[]): Values {
    const values: Values = inputs.map((tensor) => ({ tensor, mask: undefined }));
    // The inputs of random steps are kept for all passes.
    const kept = new Set(this.#steps.flatMap((step) => (step.random ? step.inputs : [])));
    const isDone = (slot: number, step: number) => (this.#lastUse[slot] as number) <= step && !kept.has(slot);
    const first = scalar(0).id;
    this.#steps.forEach((step, k) => {
      if (step.random) return;
      this.#run(step, values);
      for (const slot of step.inputs) if (isDone(slot, k)) release(values, slot, first);
    });
    return values;
  }

  /** Returns the output of some passes as one batch. */
  pass(common: Values, batch: Batch): Tensor {
    const { passes } = batch;
    const values = [...common];
    const first = scalar(0).id;
    if (passes > 1) {
      for (const { random, inputs } of this.#steps) {
        if (!random) continue;
        for (const slot of inputs) {
          const value = values[slot];
          if (value !== undefined && value === common[slot]) values[slot] = repeat(value, passes);
        }
      }
    }
    this.#steps.forEach((step, k) => {
      if (!step.random) return;
      this.#run(step, values, batch);
      for (const slot of step.inputs) if ((this.#lastUse[slot] as number) <= k) release(values, slot, first);
    });
    return (values[this.#output] as Value).tensor;
  }

  // As execute() of tfjs-layers does it: values and masks of inputs to those of outputs.
  #run({ layer, drawer, inputs, outputs, site }: Step, values: Values, batch?: Batch): void {
    const from = inputs.map((slot) => values[slot] as Value);
    const tensors = from.map(({ tensor }) => tensor);
    const masks = from.map(({ mask }) => mask);
    const known = masks.some((mask) => mask !== undefined && mask !== null);
    const kwargs = known ? { training: false, mask: masks[0] } : { training: false };
    const result =
      drawer !== undefined && batch !== undefined
        ? tensors.map((x) => perturbRows(drawer, x, site, batch))
        : this.#withDrawers(layer, site, batch, (training) => layer.apply(tensors, { ...kwargs, training }) as Tensor | Tensor[]);
    const results = Array.isArray(result) ? result : [result];
    const made = known && layer.supportsMasking ? layer.computeMask(tensors, masks as Tensor[]) : undefined;
    const mask = (Array.isArray(made) ? made[0] : made) ?? undefined;
    outputs.forEach((slot, k) => {
      values[slot] = { tensor: results[k] as Tensor, mask };
    });
  }

  /** Runs `body` while the random layers within a wrapper, and the cells of a recurrent layer, draw for themselves. */
  #withDrawers<R>(layer: Layer, site: string, batch: Batch | undefined, body: (training: boolean) => R): R {
    const cells = batch === undefined ? [] : droppingCells(layer);
    if (batch !== undefined && cells.length > 0) {
      const draw = (mask: string, ones: Tensor, rate: number) => perturbRows(this.#live.ofCells(rate), ones, `${site}/${mask}`, batch);
      return withMasks(cells, draw, () => body(true));
    }
    const wrapped = batch === undefined ? [] : this.#wrapped(layer);
    const before = wrapped.map((inner) => Object.getOwnPropertyDescriptor(inner, "call"));
    try {
      for (const inner of wrapped) {
        const ours = this.#live.layers.get(inner) as RandomLayer;
        let calls = 0;
        // A property of the object itself hides the method of the class, until it is deleted.
        const call = (inputs: Tensor | Tensor[]) => {
          const name = `${site}/${inner.name}#${calls++}`;
          return perturbRows(ours, Array.isArray(inputs) ? (inputs[0] as Tensor) : inputs, name, batch as Batch);
        };
        Object.defineProperty(inner, "call", { value: call, configurable: true });
      }
      return body(false);
    } finally {
      wrapped.forEach((inner, k) => {
        const own = before[k];
        if (own === undefined) Reflect.deleteProperty(inner, "call");
        else Object.defineProperty(inner, "call", own);
      });
    }
  }
}

/** Returns a value for each pass, one behind the other. */
function repeat({ tensor, mask }: Value, passes: number): Value {
  const times = (x: Tensor) => tile(x, [passes, ...x.shape.slice(1).map(() => 1)]);
  return { tensor: times(tensor), mask: mask && times(mask) };
}

/** Disposes of a value that no step reads any more, if it was made after the tensor with number `first` and no other place has it too. */
function release(values: Values, slot: number, first: number): void {
  const value = values[slot];
  values[slot] = undefined;
  for (const tensor of value === undefined ? [] : [value.tensor, value.mask]) {
    // Layers may give what they keep for themselves.
    if (tensor === undefined || tensor.id <= first || tensor.kept || tensor instanceof Variable) continue;
    if (values.every((other) => other === undefined || (other.tensor !== tensor && other.mask !== tensor))) tensor.dispose();
  }
}

/** Returns the results of `layer` for a batch of passes, each example by a draw of its own. */
export function perturbRows(layer: RandomLayer, x: Tensor, site: string, { passes, drawOf }: Batch): Tensor {
  if (x.rank === 0) throw wrongKind("x", "batch of examples", "scalar");
  const rows = x.shape[0] as number;
  if (x.size === 0) return x;
  const examples = rows / passes;
  const draws = (own: boolean) =>
    Array.from({ length: rows }, (_, row) => {
      const example = row % examples;
      return drawOf(site, { pass: (row - example) / examples, example: own ? example : undefined });
    });
  return layer._perturbRows(
    x,
    () => draws(true),
    () => draws(false),
  );
}
