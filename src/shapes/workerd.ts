// Entry "wasm-dropout/shapes" of workerd (Cloudflare Workers), which forbids to compile bytes and imports wasm files as modules.

import scalar from "../../build/shapes/scalar.wasm";
import simd from "../../build/shapes/simd.wasm";
import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { SHAPES, type ShapesKernels } from "./kernels.js";
import { Shapes } from "./shapes.js";

export * from "./api.js";

export const createShapes: (dropout: Dropout, options?: ExtensionOptions) => Promise<Shapes> = /* @__PURE__ */ extender(
  (wanted) => (wanted ? simd : scalar),
  SHAPES,
  (engine, kernels: ShapesKernels) => new Shapes(engine, kernels),
);
