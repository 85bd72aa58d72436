// Entry "wasm-dropout/monte-carlo" of workerd (Cloudflare Workers), which forbids to compile bytes and imports wasm files as modules.

import scalar from "../../build/monte-carlo/scalar.wasm";
import simd from "../../build/monte-carlo/simd.wasm";
import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { MONTE_CARLO, type MonteCarloKernels } from "./kernels.js";
import { MonteCarlo } from "./monte-carlo.js";

export * from "./api.js";

export const createMonteCarlo: (dropout: Dropout, options?: ExtensionOptions) => Promise<MonteCarlo> = /* @__PURE__ */ extender(
  (wanted) => (wanted ? simd : scalar),
  MONTE_CARLO,
  (engine, kernels: MonteCarloKernels) => new MonteCarlo(engine, kernels),
);
