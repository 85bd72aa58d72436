// Entry "wasm-dropout/half" of workerd (Cloudflare Workers): the builds are imported as modules.

import scalar from "../../build/half/scalar.wasm";
import simd from "../../build/half/simd.wasm";
import { extender } from "../core/extension.js";
import type { HalfKernels } from "../engine/kernels.js";
import { Half } from "./half.js";
import { type ConvertKernels, HALF_MODULE } from "./kernels.js";

export * from "./api.js";

export const createHalf = /* @__PURE__ */ extender(
  (wanted) => (wanted ? simd : scalar),
  HALF_MODULE,
  (engine, kernels: HalfKernels & ConvertKernels) => new Half(engine, kernels),
);
