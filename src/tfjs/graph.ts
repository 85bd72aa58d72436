// A model as a list of steps, models within it opened where something random is in them: the steps before the first random layer are the same in every
// pass, and run once.

import { concat, slice, type Tensor } from "@tensorflow/tfjs-core";
import { wrongKind, wrongValue } from "../ground/check.js";
import type { Draw } from "./draw.js";
import type { RandomLayer } from "./layers.js";
import { type Layer, type Layered, layersOf } from "./swap.js";

/** The part of tfjs-layers' symbolic tensors that is read. */
interface Symbolic {
  readonly id: number;
  readonly sourceLayer: Layer;
  readonly inputs: Symbolic[];
  readonly nodeIndex: number;
}

/** A model of tfjs: a LayersModel, as loaded, made or compiled. */
export interface Graph extends Layered {
  readonly inputs: readonly object[];
  readonly outputs: readonly object[];
}

/** A layer at one place of the graph: places of tensors, and for random layers the name that its masks go by. */
interface Step {
  readonly layer: Layer;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** true if the result differs from pass to pass. */
  readonly random: boolean;
  readonly site: string;
}

/** Returns the draw of an example, by its number in the batch, at a place of the graph; of none, that which all examples of all batches share. */
export type DrawOf = (site: string, example?: number) => Draw;

interface Value {
  readonly tensor: Tensor;
  readonly mask: Tensor | undefined;
}
export type Values = (Value | undefined)[];

/** A model's steps; `live` are its random layers, and the layers that draw for them. */
export class Program {
  readonly #live: ReadonlyMap<Layer, RandomLayer>;
  readonly #steps: Step[] = [];
  readonly #random = new Set<number>();
  readonly #sites = new Map<string, number>();
  readonly #output: number;
  #slots = 0;

  constructor(model: Graph, live: ReadonlyMap<Layer, RandomLayer>) {
    this.#live = live;
    const inputs = model.inputs.map(() => this.#slots++);
    const [output, ...others] = this.#open(model, inputs, "");
    if (output === undefined || others.length > 0) throw wrongValue("model", "model of one output", `${model.outputs.length} outputs`);
    this.#output = output;
  }

  /** true if the output differs from pass to pass. */
  get random(): boolean {
    return this.#random.has(this.#output);
  }

  /** Adds the steps of a model that is called with tensors at `inputs`; returns the places of its outputs. */
  #open(model: Graph, inputs: readonly number[], path: string): number[] {
    const slots = new Map<number, number>();
    (model.inputs as readonly Symbolic[]).forEach((tensor, k) => {
      slots.set(tensor.id, inputs[k] as number);
    });
    const visit = (tensor: Symbolic): number => {
      const known = slots.get(tensor.id);
      if (known !== undefined) return known;
      const from = tensor.inputs.map(visit);
      const layer = tensor.sourceLayer;
      const node = (layer as unknown as { inboundNodes: { outputTensors: Symbolic[] }[] }).inboundNodes[tensor.nodeIndex];
      const results = (node as { outputTensors: Symbolic[] }).outputTensors;
      const to = this.#isOpened(layer)
        ? this.#open(layer, from, this.#siteOf(`${path}${layer.name}`, "/"))
        : this.#add(layer, from, results.length, path);
      results.forEach((result, k) => {
        slots.set(result.id, to[k] as number);
      });
      return slots.get(tensor.id) as number;
    };
    return (model.outputs as readonly Symbolic[]).map(visit);
  }

  #isOpened(layer: Layer): layer is Layer & Graph {
    return "layers" in layer && "inputs" in layer && layersOf(layer as unknown as Layered).some((inner) => this.#live.has(inner));
  }

  #add(layer: Layer, inputs: readonly number[], count: number, path: string): number[] {
    if (layer.stateful) throw wrongValue("model", "model without states, which passes would change", `layer ${JSON.stringify(layer.name)}`);
    const outputs = Array.from({ length: count }, () => this.#slots++);
    const live = this.#live.has(layer) || this.#wrapped(layer).length > 0;
    const random = live || inputs.some((slot) => this.#random.has(slot));
    if (random) for (const slot of outputs) this.#random.add(slot);
    this.#steps.push({ layer, inputs, outputs, random, site: live ? this.#siteOf(`${path}${layer.name}`, "") : "" });
    return outputs;
  }

  /** Returns a name for a place of the graph; a layer that is called again has its number behind it. */
  #siteOf(name: string, end: string): string {
    const calls = this.#sites.get(name) ?? 0;
    this.#sites.set(name, calls + 1);
    return `${name}${calls === 0 ? "" : `#${calls}`}${end}`;
  }

  #wrapped(layer: Layer): Layer[] {
    const { layer: inner } = layer as { layer?: Layer };
    return inner ? layersOf({ layers: [inner] }).filter((one) => this.#live.has(one)) : [];
  }

  /** Returns the values that all passes have in common. */
  begin(inputs: readonly Tensor[]): Values {
    const values: Values = inputs.map((tensor) => ({ tensor, mask: undefined }));
    for (const step of this.#steps) if (!step.random) this.#run(step, values);
    return values;
  }

  /** Returns the output of a pass. */
  pass(common: Values, drawOf: DrawOf): Tensor {
    const values = [...common];
    for (const step of this.#steps) if (step.random) this.#run(step, values, drawOf);
    return (values[this.#output] as Value).tensor;
  }

  // As execute() of tfjs-layers does it: values and masks of inputs to those of outputs.
  #run({ layer, inputs, outputs, site }: Step, values: Values, drawOf?: DrawOf): void {
    const from = inputs.map((slot) => values[slot] as Value);
    const tensors = from.map(({ tensor }) => tensor);
    const masks = from.map(({ mask }) => mask);
    const known = masks.some((mask) => mask !== undefined && mask !== null);
    const kwargs = known ? { training: false, mask: masks[0] } : { training: false };
    const ours = this.#live.get(layer);
    const result =
      ours !== undefined && drawOf !== undefined
        ? tensors.map((x) => perturbRows(ours, x, (example) => drawOf(site, example)))
        : this.#withWrapped(layer, site, drawOf, () => layer.apply(tensors, kwargs) as Tensor | Tensor[]);
    const results = Array.isArray(result) ? result : [result];
    const made = known && layer.supportsMasking ? layer.computeMask(tensors, masks as Tensor[]) : undefined;
    const mask = (Array.isArray(made) ? made[0] : made) ?? undefined;
    outputs.forEach((slot, k) => {
      values[slot] = { tensor: results[k] as Tensor, mask };
    });
  }

  /** Runs `body` while the random layers within a wrapper draw for themselves. */
  #withWrapped<R>(layer: Layer, site: string, drawOf: DrawOf | undefined, body: () => R): R {
    const wrapped = drawOf === undefined ? [] : this.#wrapped(layer);
    try {
      for (const inner of wrapped) {
        const ours = this.#live.get(inner) as RandomLayer;
        let calls = 0;
        // A property of the object itself hides the method of the class, until it is deleted.
        const call = (inputs: Tensor | Tensor[]) => {
          const name = `${site}/${inner.name}#${calls++}`;
          const x = Array.isArray(inputs) ? (inputs[0] as Tensor) : inputs;
          return perturbRows(ours, x, (example) => (drawOf as DrawOf)(name, example));
        };
        Object.defineProperty(inner, "call", { value: call, configurable: true });
      }
      return body();
    } finally {
      for (const inner of wrapped) Reflect.deleteProperty(inner, "call");
    }
  }
}

/** Returns the results of `layer` for a batch, each example by a draw of its own. */
function perturbRows(layer: RandomLayer, x: Tensor, drawOf: (example?: number) => Draw): Tensor {
  const [samples = 0, ...rest] = x.shape;
  if (x.rank === 0) throw wrongKind("x", "batch of examples", "scalar");
  if (samples === 0) return x;
  if (samples === 1)
    return layer._perturbExample(
      x,
      () => drawOf(0),
      () => drawOf(),
    );
  const rows = Array.from({ length: samples }, (_, example) => {
    const row = slice(x, [example, ...rest.map(() => 0)], [1, ...rest]);
    return layer._perturbExample(
      row,
      () => drawOf(example),
      () => drawOf(),
    );
  });
  return concat(rows, 0);
}
