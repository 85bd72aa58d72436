// Entry "wasm-dropout/noise" of browsers, Node, Deno, Bun and bundlers: the builds are in the code.

import { embedded } from "../core/create.js";
import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { NOISE, type NoiseKernels } from "./kernels.js";
import { Noise } from "./noise.js";
import { SCALAR, SIMD } from "./wasm.js";

export * from "./api.js";

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
  /* @__PURE__ */ embedded(SIMD, SCALAR),
  NOISE,
  (engine, kernels: NoiseKernels) => new Noise(engine, kernels),
);
