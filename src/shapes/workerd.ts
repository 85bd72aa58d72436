// Entry "wasm-dropout/shapes" of workerd (Cloudflare Workers), which forbids to compile bytes and imports wasm files as modules.

import scalar from "../../build/shapes/scalar.wasm";
import simd from "../../build/shapes/simd.wasm";
import { extender } from "../core/extension.js";
import { Shapes } from "./shapes.js";

export * from "./api.js";

export const createShapes = /* @__PURE__ */ extender(
  (wanted) => (wanted ? simd : scalar),
  (context, exports) => new Shapes(context, exports),
);
