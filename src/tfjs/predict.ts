// Monte-Carlo dropout of a LayersModel: passes in which its dropout and noise layers alone are as in training.

import { type Tensor, Tensor as TensorClass, tidy } from "@tensorflow/tfjs-core";
import { checkChoice, checkInteger, checkObject, checkProbability, wrongKind, wrongValue } from "../ground/check.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import { MASKS, type Masks } from "../monte-carlo/choices.js";
import { type ClassPrediction, createMonteCarlo, type PassContext, type Prediction, type PredictOptions } from "../monte-carlo/index.js";
import type { MonteCarlo } from "../monte-carlo/monte-carlo.js";
import { MOST_PASSES, streamOf } from "../monte-carlo/streams.js";
import { STREAM_VERSION } from "../stream/ticket.js";
import { type DrawOf, type Graph, Program, type Values } from "./graph.js";
import { type GraphModelLike, GraphProgram, isGraphModel, readNamed } from "./graph-model.js";
import { kernels } from "./kernels.js";
import { Dropout, RandomLayer, RateLayer } from "./layers.js";
import type { NoiseShape } from "./operations.js";
import { oursOf } from "./standard.js";
import { type Layer, layersOf } from "./swap.js";

/** Dropout that {@link TfjsDropout.predict} inserts: its rate in [0, 1], or that with a noise shape as that of {@link TfjsLayers.dropout}. */
export type Inserted = number | { readonly rate: number; readonly noiseShape?: NoiseShape | null | undefined };

/** Inputs of a model: a tensor, or one for each in their order; of a GraphModel also by their names. */
export type Inputs = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>;

/** Options of {@link TfjsDropout.predict}: those of {@link MonteCarlo.predict} that do not follow from the model and its inputs. */
export interface TfjsPredictOptions extends Omit<PredictOptions, "samples" | "dtype" | "outputShape" | "classAxis"> {
  /** "perExample" (default): each example has masks of its own. "perPass": all examples of a pass share them, as one network, which {@link MonteCarlo.epig} needs. */
  masks?: Masks | undefined;
  /** Rates for this prediction by the names of layers, in [0, 1]; by default each layer has its own. A rate of 0 turns a layer off. */
  rates?: Readonly<Record<string, number>> | undefined;
  /** Dropout of the outputs of layers, by their names, for a model that was trained with it and has lost it, say. The model stays as it is. */
  insert?: Readonly<Record<string, Inserted>> | undefined;
  /**
   * Number of passes that run as one batch, an integer of at least 1; 1 for a model with layers of a program's own, which may look at the whole batch. By
   * default as many of 32 as keep the largest step below 2^22 numbers. On backends "cpu" and "wasm" results do not depend on it.
   */
  batchPasses?: number | undefined;
}

const PREDICT_KEYS: Known = /* @__PURE__ */ known(
  ...["passes", "firstPass", "seed", "kind", "masks", "firstSample", "classes", "output", "onProgress", "progressMs", "signal", "sliceMs"],
  ...["resume", "until", "independent", "keepPasses", "rates", "insert", "batchPasses"],
);
const INSERTED_KEYS: Known = /* @__PURE__ */ known("rate", "noiseShape");

const MOST_BATCHED = 32;
const MOST_WIDTH = 2 ** 22;

let loading: Promise<MonteCarlo> | undefined;

async function load(): Promise<MonteCarlo> {
  loading ??= createMonteCarlo(kernels().core);
  try {
    return await loading;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

type Shape = readonly (number | null)[];

/** A model that is ready for passes. */
interface Prepared {
  /** Number of examples. */
  readonly samples: number;
  /** Number of passes that run as one batch. */
  readonly most: number;
  /** Runs what all passes have in common. */
  begin(): void | Promise<void>;
  /** Returns the shape of an output, as far as it is known, once they have begun. */
  shape(): Shape | Promise<Shape>;
  /** Returns the outputs of passes that run as one batch, which is disposed of here. */
  run(passes: number, drawOf: DrawOf): Tensor | Promise<Tensor>;
  /** Disposes of what all passes had in common. */
  end(): void;
}

/** Runs the passes; `defaults` gives kind and seed where the options name none. */
export async function predict(
  model: Graph | GraphModelLike,
  inputs: Inputs,
  options: TfjsPredictOptions,
  defaults: { readonly kind: "tile" | "philox"; readonly seed: bigint },
): Promise<Prediction | ClassPrediction> {
  checkOptions(options, PREDICT_KEYS);
  const { rates, insert, batchPasses, ...given } = options;
  const { seed = defaults.seed, kind = defaults.kind, firstSample = 0, masks = "perExample", ...others } = given;
  if (batchPasses !== undefined) checkInteger(batchPasses, "batchPasses", 1, MOST_PASSES);
  checkChoice(masks, "masks", MASKS);
  checkInteger(firstSample, "firstSample", 0, Number.MAX_SAFE_INTEGER);
  const prepared = isGraphModel(model) ? prepareGraphModel(model, inputs, options) : prepareLayers(model, inputs, options);
  const { samples, most } = prepared;
  const monteCarlo = await load();
  try {
    await prepared.begin();
    const [, ...outputShape] = await prepared.shape();
    const classes = others.classes ?? (others.output === undefined ? undefined : lastOf(outputShape));
    let ahead: { first: number; outputs: Float32Array[] } = { first: 0, outputs: [] };
    let done = 0;
    const next = async (context: PassContext, passes: number): Promise<Float32Array> => {
      const { pass } = context;
      const drawOf: DrawOf = (layer, { pass: k, example }) => {
        const sample = example === undefined || masks === "perPass" ? 0 : firstSample + example;
        const draw = context.stream({ layer, sample });
        return k === 0 ? draw : { ...draw, stream: streamOf(pass + k, layer, sample) };
      };
      const y = await prepared.run(passes, drawOf);
      try {
        const values = await y.data<"float32">();
        const length = values.length / passes;
        ahead = { first: pass, outputs: Array.from({ length: passes }, (_, k) => values.subarray(k * length, (k + 1) * length)) };
        return ahead.outputs[0] as Float32Array;
      } finally {
        y.dispose();
      }
    };
    const run = (_: undefined, context: PassContext) => {
      const known = ahead.outputs[context.pass - ahead.first];
      ++done;
      return known ?? next(context, Math.min(most, context.passes - done + 1));
    };
    const settings = { ...others, seed, kind, firstSample, samples, masks } as const;
    return await monteCarlo.predict(
      run,
      undefined,
      classes === undefined ? settings : { ...settings, classes, ...shapeOf(outputShape, samples) },
    );
  } finally {
    prepared.end();
  }
}

function prepareLayers(model: unknown, inputs: Inputs, { rates, insert, batchPasses, until }: TfjsPredictOptions): Prepared {
  checkGraph(model);
  const list = readInputs(model, inputs);
  const samples = (list[0] as Tensor).shape[0] ?? 0;
  const program = new Program(model, { layers: liveLayers(model, rates), inserted: insertedLayers(insert), ofCells: dropoutOf });
  if (!program.random) throw nothingRandom("model with a dropout or noise layer that drops");
  let common: Values = [];
  return {
    samples,
    most: batchOf(model, program, samples, batchPasses, until?.leastPasses),
    shape: () => (model.outputs[0] as { shape: (number | null)[] }).shape,
    begin() {
      // The values are an array of tensors and masks, as tidy() takes results.
      common = tidy(() => program.begin(list) as never) as Values;
    },
    run: (passes, drawOf) => tidy(() => program.pass(common, { passes, drawOf }).clone()),
    end() {
      for (const value of common) {
        if (value === undefined) continue;
        if (!list.includes(value.tensor)) value.tensor.dispose();
        value.mask?.dispose();
      }
    },
  };
}

function prepareGraphModel(model: GraphModelLike, inputs: Inputs, options: TfjsPredictOptions): Prepared {
  const { rates, insert, batchPasses, classes, output } = options;
  if (rates !== undefined)
    throw wrongKind("rates", "nothing for a GraphModel, whose layers have become nodes (insert drops after nodes)", rates);
  if (batchPasses !== undefined && batchPasses > 1)
    throw wrongValue("batchPasses", "1 for a GraphModel, whose nodes may look at the whole batch", batchPasses);
  const named = readNamed(model, inputs, checkTensor);
  const batch = Object.values(named).find(({ rank }) => rank > 0);
  if (batch === undefined) throw wrongValue("inputs", "batch of examples", "scalars");
  const [samples = 0] = batch.shape;
  const program = new GraphProgram(model, named, samples, insertedLayers(insert));
  if (!program.random) throw nothingRandom("GraphModel with nodes that dropout is inserted after (insert: { node: rate })");
  return {
    samples,
    most: 1,
    shape: () => (classes === undefined && output === undefined ? [] : program.shape()),
    begin: () => program.begin(),
    run: (_, drawOf) => program.pass(drawOf),
    end: () => program.end(),
  };
}

function nothingRandom(expected: string): RangeError {
  return wrongValue("model", expected, "one in which nothing is random, so that all passes are the same");
}

/** Returns the number of passes that run as one batch. */
function batchOf(model: Graph, program: Program, samples: number, asked: number | undefined, leastPasses = MOST_BATCHED): number {
  const { width } = program;
  const open = (model.inputs as readonly { shape: (number | null)[] }[]).every(({ shape: [first] }) => first === null);
  if (Number.isNaN(width) || !open || samples === 0) {
    if (asked !== undefined && asked > 1) {
      throw wrongValue("batchPasses", "1 for a model whose layers may look at the whole batch, or whose shapes are not known", asked);
    }
    return 1;
  }
  return asked ?? Math.max(1, Math.min(MOST_BATCHED, leastPasses, Math.floor(MOST_WIDTH / (samples * Math.max(1, width)))));
}

/** Returns the layers that drop after others, by the names of these. */
function insertedLayers(insert: unknown): Map<string, RandomLayer> {
  const inserted = new Map<string, RandomLayer>();
  if (insert === undefined) return inserted;
  checkObject(insert, "insert", "object of rates by the names of layers");
  for (const [name, value] of Object.entries(insert)) {
    const called = `insert.${name.slice(0, 40)}`;
    if (typeof value === "number") {
      checkProbability(value, called);
      inserted.set(name, dropoutOf(value));
      continue;
    }
    checkOptions(value, INSERTED_KEYS, called);
    const { rate, noiseShape } = value as { rate: number; noiseShape?: NoiseShape };
    checkProbability(rate, `${called}.rate`);
    inserted.set(name, dropoutOf(rate, noiseShape));
  }
  return inserted;
}

function dropoutOf(rate: number, noiseShape: NoiseShape | null = null): Dropout {
  return new Dropout({ rate, noiseShape, state: NO_STATE });
}

function checkGraph(model: unknown): asserts model is Graph {
  const { layers, inputs, outputs } = (model ?? {}) as { [K in keyof Graph]?: unknown };
  if (Array.isArray(layers) && Array.isArray(inputs) && Array.isArray(outputs)) return;
  throw wrongKind("model", "LayersModel that is built, or GraphModel", model);
}

function readInputs(model: Graph, inputs: unknown): Tensor[] {
  const list: unknown[] = Array.isArray(inputs) ? [...inputs] : [inputs];
  const read = list.map((input, k) => {
    const tensor = checkTensor(input, Array.isArray(inputs) ? `inputs[${k}]` : "inputs");
    if (tensor.rank === 0) throw wrongValue("inputs", "batch of examples", "scalar");
    return tensor;
  });
  if (read.length !== model.inputs.length) throw wrongValue("inputs", `${model.inputs.length} tensors`, `${read.length}`);
  return read;
}

function checkTensor(input: unknown, name: string): Tensor {
  if (!(input instanceof TensorClass)) throw wrongKind(name, "tensor", input);
  return input;
}

/** Returns the number of classes, the last dimension of the output. */
function lastOf(outputShape: Shape): number {
  const last = outputShape.length === 0 ? 1 : outputShape.at(-1);
  if (last === null || last === undefined)
    throw wrongValue("classes", "number of classes, as the shape of the model's output is not known", "undefined");
  return last;
}

/** Returns the shape of outputs of more dimensions than samples and classes, where it is known. */
function shapeOf(outputShape: Shape, samples: number): { outputShape?: number[] } {
  return outputShape.length > 1 && outputShape.every((size) => size !== null) ? { outputShape: [samples, ...outputShape] } : {};
}

/** Returns the layers that are random in a pass, each with the one of this package that draws for it. */
function liveLayers(model: Graph, rates: unknown): Map<Layer, RandomLayer> {
  const given = new Map<string, unknown>();
  if (rates !== undefined) {
    checkObject(rates, "rates", "object of rates by the names of layers");
    for (const [name, rate] of Object.entries(rates)) given.set(name, rate);
  }
  const live = new Map<Layer, RandomLayer>();
  const used = new Set<string>();
  for (const layer of layersOf(model)) {
    const rate = given.get(layer.name);
    const ours = drawerOf(layer, rate);
    if (rate !== undefined) {
      if (!(ours instanceof RateLayer)) continue;
      used.add(layer.name);
    }
    if (ours !== undefined && !ours._idle) live.set(layer, ours);
  }
  for (const name of given.keys()) {
    if (!used.has(name)) throw wrongValue("rates", "names of layers with a rate", JSON.stringify(name.slice(0, 40)));
  }
  return live;
}

// No layer draws from its own sequence here.
const NO_STATE = { version: STREAM_VERSION, kind: "tile", seed: "0", nextStream: "0" } as const;

/** Returns a layer of this package like `layer`, with another rate if that is given; undefined for a layer that is never random. */
function drawerOf(layer: Layer, rate: unknown): RandomLayer | undefined {
  // A layer of tfjs of rate 1 drops nothing, and Gaussian dropout has no such rate.
  if (!(layer instanceof RandomLayer) && rate === undefined && (layer as { rate?: unknown }).rate === 1) return undefined;
  const ours = layer instanceof RandomLayer ? layer : oursOf(layer, () => NO_STATE, layer.name, rate);
  if (ours === undefined || rate === undefined || !(ours instanceof RateLayer)) return ours;
  const { Class, config } = { Class: ours.constructor as unknown as new (args: object) => RateLayer, config: ours.getConfig() };
  return new Class({ ...config, rate });
}
