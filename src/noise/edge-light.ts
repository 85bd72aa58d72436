// Entry "wasm-dropout/noise" of Vercel's and Next's edge runtimes, where a wasm file is imported as a module by its suffix.

import scalar from "../../build/noise/scalar.wasm?module";
import simd from "../../build/noise/simd.wasm?module";
import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { NOISE, type NoiseKernels } from "./kernels.js";
import { Noise } from "./noise.js";

export * from "./api.js";

export const createNoise: (dropout: Dropout, options?: ExtensionOptions) => Promise<Noise> = /* @__PURE__ */ extender(
  (wanted) => (wanted ? simd : scalar),
  NOISE,
  (engine, kernels: NoiseKernels) => new Noise(engine, kernels),
);
