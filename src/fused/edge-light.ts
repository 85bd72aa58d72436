// Entry "wasm-dropout/fused" of Vercel's and Next's edge runtimes, where a wasm file is imported as a module by its suffix.

import scalar from "../../build/fused/scalar.wasm?module";
import simd from "../../build/fused/simd.wasm?module";
import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { Fused } from "./fused.js";
import { FUSED, type FusedKernels } from "./kernels.js";

export * from "./api.js";

export const createFused: (dropout: Dropout, options?: ExtensionOptions) => Promise<Fused> = /* @__PURE__ */ extender(
  (wanted) => (wanted ? simd : scalar),
  FUSED,
  (engine, kernels: FusedKernels) => new Fused(engine, kernels),
);
