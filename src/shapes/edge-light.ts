// Entry "wasm-dropout/shapes" of Vercel's and Next's edge runtimes, where a wasm file is imported as a module by its suffix.

import scalar from "../../build/shapes/scalar.wasm?module";
import simd from "../../build/shapes/simd.wasm?module";
import { extender } from "../core/extension.js";
import { Shapes } from "./shapes.js";

export * from "./api.js";

export const createShapes = /* @__PURE__ */ extender(
  (wanted) => (wanted ? simd : scalar),
  (context, exports) => new Shapes(context, exports),
);
