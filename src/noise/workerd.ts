// Entry "wasm-dropout/noise" of workerd (Cloudflare Workers), which forbids to compile bytes and imports wasm files as modules.

import scalar from "../../build/noise/scalar.wasm";
import simd from "../../build/noise/simd.wasm";
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
