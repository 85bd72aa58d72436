// Entry "wasm-dropout/linear" of workerd (Cloudflare Workers), which forbids to compile bytes and imports wasm files as modules.

import scalar from "../../build/linear/scalar.wasm";
import simd from "../../build/linear/simd.wasm";
import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { LINEAR, type LinearKernels } from "./kernels.js";
import { Linear } from "./linear.js";

export * from "./api.js";

export const createLinear: (dropout: Dropout, options?: ExtensionOptions) => Promise<Linear> = /* @__PURE__ */ extender(
  (wanted) => (wanted ? simd : scalar),
  LINEAR,
  (engine, kernels: LinearKernels) => new Linear(engine, kernels),
);
