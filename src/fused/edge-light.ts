// Entry "wasm-dropout/fused" of Vercel's and Next's edge runtimes, where a wasm file is imported as a module by its suffix.

import scalar from "../../build/fused/scalar.wasm?module";
import simd from "../../build/fused/simd.wasm?module";
import { extender } from "../core/extension.js";
import { Fused } from "./fused.js";

export * from "./api.js";

export const createFused = /* @__PURE__ */ extender(
  (wanted) => (wanted ? simd : scalar),
  (context, exports) => new Fused(context, exports),
);
