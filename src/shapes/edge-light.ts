// Entry "wasm-dropout/shapes" of Vercel's and Next's edge runtimes, where a wasm file is imported as a module by its suffix.

import scalar from "../../build/shapes/scalar.wasm?module";
import simd from "../../build/shapes/simd.wasm?module";
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
