// Entry "wasm-dropout/linear" of Vercel's and Next's edge runtimes, where a wasm file is imported as a module by its suffix.

import scalar from "../../build/linear/scalar.wasm?module";
import simd from "../../build/linear/simd.wasm?module";
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
