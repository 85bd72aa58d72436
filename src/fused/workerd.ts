// Entry "wasm-dropout/fused" of workerd (Cloudflare Workers), which forbids to compile bytes and imports wasm files as modules.

import scalar from "../../build/fused/scalar.wasm";
import simd from "../../build/fused/simd.wasm";
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
