// Entry "wasm-dropout/tfjs": dropout for TensorFlow.js, whose packages tfjs-core and tfjs-layers it imports, as the program that uses it does.

import { createDropout } from "../core/index.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import type { StreamKind } from "../stream/kinds.js";
import { readExtensions, type TfjsExtensions } from "./extensions.js";
import { loadKernels } from "./kernels.js";
import { registerLayers } from "./layer-table.js";
import { TfjsDropout } from "./tfjs.js";

export type { DropoutState } from "../stream/sequence.js";
export type { Seed, Stream } from "./draw.js";
export type { TfjsExtensions } from "./extensions.js";
export type { TfjsFused } from "./fused.js";
export type {
  AttendOptions,
  BiasActivationOptions,
  FusedDraw,
  GluOptions,
  JoinOptions,
  NormalisedOptions,
  ScoreOptions,
} from "./fused-options.js";
export type { Graph } from "./graph.js";
export type { GraphModelLike } from "./graph-model.js";
export type { TfjsLayers } from "./layer-table.js";
export type {
  DropoutLayerArgs,
  GaussianNoise,
  GaussianNoiseLayerArgs,
  RandomLayer,
  RandomLayerArgs,
  RateArgs,
  RateLayer,
  SpatialDropoutLayerArgs,
} from "./layers.js";
export { maskStates, restoreMasks } from "./mask-states.js";
export type { NoiseShape } from "./operations.js";
export type { Inputs, Inserted, TfjsPredictOptions } from "./predict.js";
export { toStandard } from "./standard.js";
export type { Layered } from "./swap.js";
export type { TfjsDropout, TfjsState } from "./tfjs.js";

/** Options of {@link createTfjsDropout}. */
export interface TfjsOptions {
  /** Seed, an integer in [0, 2^64); drawn from the runtime's cryptographic random numbers if left out. */
  seed?: number | bigint | undefined;
  /** Keep stream of masks: "tile" (default, fastest) or "philox". */
  kind?: StreamKind | undefined;
  /** Functions of other entries, `{ createFused, createAttention }`, for {@link TfjsDropout.fused}. */
  extensions?: TfjsExtensions | undefined;
}

const TFJS_KEYS: Known = /* @__PURE__ */ known("seed", "kind", "extensions");

/**
 * Loads the kernels, makes the layers known to tfjs, and gives operations and layers over them. Call it once before models with layers of this package
 * are made or loaded.
 *
 * tfjs-core and tfjs-layers must be the copies that the program itself uses, as they are where both come from one installation: the layers are made known to
 * that tfjs-layers only, and another cannot load models that contain them.
 *
 * @throws TypeError or RangeError for options of the wrong kind or out of range; what WebAssembly.compile throws if the engine or a content security
 * policy forbids it
 * @example
 * import "@tensorflow/tfjs-backend-cpu";
 * import { layers, sequential } from "@tensorflow/tfjs-layers";
 * import { createTfjsDropout } from "wasm-dropout/tfjs";
 * const wd = await createTfjsDropout({ seed: 42 });
 * const model = sequential({
 *   layers: [
 *     layers.dense({ units: 32, activation: "relu", inputShape: [8] }),
 *     wd.layers.dropout({ rate: 0.5 }), // in place of tf.layers.dropout
 *     layers.dense({ units: 1 }),
 *   ],
 * });
 */
export async function createTfjsDropout(options: TfjsOptions = {}): Promise<TfjsDropout> {
  checkOptions(options, TFJS_KEYS);
  const { seed, kind, extensions } = options;
  const create = readExtensions(extensions);
  const core = await createDropout({ seed, kind });
  await loadKernels(core);
  const made = new TfjsDropout(core.state, create);
  registerLayers((args) => made._stateOf(args));
  await made.ready();
  return made;
}
