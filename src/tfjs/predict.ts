// Monte-Carlo dropout of a LayersModel: passes in which its dropout and noise layers alone are as in training.

import { type Tensor, Tensor as TensorClass, tidy } from "@tensorflow/tfjs-core";
import { checkInteger, checkObject, wrongKind, wrongValue } from "../ground/check.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import { type ClassPrediction, createMonteCarlo, type Prediction, type PredictOptions } from "../monte-carlo/index.js";
import type { MonteCarlo } from "../monte-carlo/monte-carlo.js";
import { STREAM_VERSION } from "../stream/ticket.js";
import { type Graph, Program, type Values } from "./graph.js";
import { kernels } from "./kernels.js";
import { RandomLayer, RateLayer } from "./layers.js";
import { oursOf } from "./standard.js";
import { type Layer, layersOf } from "./swap.js";

/** Options of {@link TfjsDropout.predict}: those of {@link MonteCarlo.predict} that do not follow from the model and its inputs. */
export interface TfjsPredictOptions extends Omit<PredictOptions, "samples" | "masks" | "dtype" | "outputShape" | "classAxis"> {
  /** Rates for this prediction by the names of layers, in [0, 1]; by default each layer has its own. A rate of 0 turns a layer off. */
  rates?: Readonly<Record<string, number>> | undefined;
}

const PREDICT_KEYS: Known = /* @__PURE__ */ known(
  ...["passes", "firstPass", "seed", "kind", "firstSample", "classes", "output", "onProgress", "progressMs", "signal", "sliceMs", "resume"],
  ...["until", "independent", "rates"],
);

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

/** Runs the passes; `defaults` gives kind and seed where the options name none. */
export async function predict(
  model: Graph,
  inputs: Tensor | readonly Tensor[],
  options: TfjsPredictOptions,
  defaults: { readonly kind: "tile" | "philox"; readonly seed: bigint },
): Promise<Prediction | ClassPrediction> {
  checkOptions(options, PREDICT_KEYS);
  const { rates, seed = defaults.seed, kind = defaults.kind, firstSample = 0, ...others } = options;
  checkGraph(model);
  const list = readInputs(model, inputs);
  const samples = (list[0] as Tensor).shape[0] ?? 0;
  checkInteger(firstSample, "firstSample", 0, Number.MAX_SAFE_INTEGER);
  const program = new Program(model, liveLayers(model, rates));
  if (!program.random) {
    throw wrongValue(
      "model",
      "model with a dropout or noise layer that drops",
      "one in which nothing is random, so that all passes are the same",
    );
  }
  const classes = others.classes ?? (others.output === undefined ? undefined : lastOf(model));
  const monteCarlo = await load();
  // The values are an array of tensors and masks, as tidy() takes results.
  const common = tidy(() => program.begin(list) as never) as Values;
  try {
    const run = (
      _: undefined,
      context: { stream(options: { layer: string; sample: number }): { kind: typeof kind; seed: bigint; stream: bigint } },
    ) => {
      const y = tidy(() =>
        program
          .pass(common, (layer, example) => context.stream({ layer, sample: example === undefined ? 0 : firstSample + example }))
          .clone(),
      );
      return y.data<"float32">().finally(() => y.dispose());
    };
    const settings = { ...others, seed, kind, firstSample, samples, masks: "perExample" } as const;
    return await monteCarlo.predict(
      run,
      undefined,
      classes === undefined ? settings : { ...settings, classes, ...shapeOf(model, samples) },
    );
  } finally {
    for (const value of common) {
      if (value === undefined) continue;
      if (!list.includes(value.tensor)) value.tensor.dispose();
      value.mask?.dispose();
    }
  }
}

function checkGraph(model: unknown): asserts model is Graph {
  const { layers, inputs, outputs } = (model ?? {}) as { [K in keyof Graph]?: unknown };
  if (Array.isArray(layers) && Array.isArray(inputs) && Array.isArray(outputs)) return;
  throw wrongKind("model", "LayersModel that is built (a GraphModel has no layers to be made random)", model);
}

function readInputs(model: Graph, inputs: unknown): Tensor[] {
  const list: unknown[] = Array.isArray(inputs) ? [...inputs] : [inputs];
  list.forEach((input, k) => {
    if (!(input instanceof TensorClass)) throw wrongKind(Array.isArray(inputs) ? `inputs[${k}]` : "inputs", "tensor", input);
    if (input.rank === 0) throw wrongValue("inputs", "batch of examples", "scalar");
  });
  if (list.length !== model.inputs.length) throw wrongValue("inputs", `${model.inputs.length} tensors`, `${list.length}`);
  return list as Tensor[];
}

const outputShapeOf = (model: Graph) => (model.outputs[0] as { shape: (number | null)[] }).shape;

/** The number of classes, the last dimension of the output. */
function lastOf(model: Graph): number {
  return outputShapeOf(model).at(-1) ?? 1;
}

/** The shape of outputs of more dimensions than samples and classes, where it is known. */
function shapeOf(model: Graph, samples: number): { outputShape?: number[] } {
  const [, ...rest] = outputShapeOf(model);
  return rest.length > 1 && rest.every((size) => size !== null) ? { outputShape: [samples, ...(rest as number[])] } : {};
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
