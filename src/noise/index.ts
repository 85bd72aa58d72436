// Entry "wasm-dropout/noise".

import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { NOISE, type NoiseKernels } from "./kernels.js";
import { Noise } from "./noise.js";
import { load } from "./wasm.js";

export { Noise } from "./noise.js";
export type { NoiseBackwardOptions, NoiseOptions, NoiseStreamOptions, NormalOptions, Singles, UniformOptions } from "./options.js";
export type { GaussianDropoutTicket, GaussianNoiseTicket, NoiseKind, NoiseTicket } from "./ticket.js";

/**
 * Gaussian noise over `dropout`: on its memory, with its seed and its sequence of streams.
 *
 * @throws TypeError if dropout is no instance of this package, or an option is of the wrong kind; what WebAssembly.compile throws if the engine
 * or a content security policy forbids it
 * @example
 * import { createNoise } from "wasm-dropout/noise";
 * const noise = await createNoise(dropout);
 */
export const createNoise: (dropout: Dropout, options?: ExtensionOptions) => Promise<Noise> = /* @__PURE__ */ extender(
  load,
  NOISE,
  (engine, kernels: NoiseKernels) => new Noise(engine, kernels),
);
