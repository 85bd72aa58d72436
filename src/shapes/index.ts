// Entry "wasm-dropout/shapes".

import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { SHAPES, type ShapesKernels } from "./kernels.js";
import { Shapes } from "./shapes.js";
import { load } from "./wasm.js";

export type { BlockFields } from "./drop-block.js";
export type { DataFormat, DataFormatName, NoiseShapeOptions } from "./noise-shape.js";
export type {
  AlphaDropoutOptions,
  BroadcastDropoutOptions,
  DropBlockOptions,
  DropPathOptions,
  FeatureAlphaDropoutOptions,
  NoiseMaskRate,
  SavedNoiseMask,
  ShapedOptions,
  ShapesBackwardOptions,
  SpatialDropoutOptions,
} from "./options.js";
export type { Probabilities, RatesTicket, TicketOf } from "./rates.js";
export { type Forward, Shapes } from "./shapes.js";
export type { AlphaDropoutTicket, BroadcastDropoutTicket, DropBlockTicket, NoiseFields, ShapesTicket } from "./ticket.js";

/**
 * Dropout with decisions that several elements share, and alpha dropout, over `dropout`: on its memory, with its seed and its sequence of streams.
 *
 * @throws TypeError if dropout is no instance of this package, or an option is of the wrong kind; what WebAssembly.compile throws if the engine
 * or a content security policy forbids it
 * @example
 * import { createShapes } from "wasm-dropout/shapes";
 * const shapes = await createShapes(dropout);
 * const { y } = shapes.dropPath(new Float32Array(32 * 64).fill(1), 0.1, { shape: [32, 64] });
 */
export const createShapes: (dropout: Dropout, options?: ExtensionOptions) => Promise<Shapes> = /* @__PURE__ */ extender(
  load,
  SHAPES,
  (engine, kernels: ShapesKernels) => new Shapes(engine, kernels),
);
