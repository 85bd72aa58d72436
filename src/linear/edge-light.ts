// Entry "wasm-dropout/linear" of Vercel's and Next's edge runtimes, where a wasm file is imported as a module by its suffix.

import scalar from "../../build/linear/scalar.wasm?module";
import simd from "../../build/linear/simd.wasm?module";
import { extender } from "../core/extension.js";
import { Linear } from "./linear.js";

export * from "./api.js";

export const createLinear = /* @__PURE__ */ extender(
  (wanted) => (wanted ? simd : scalar),
  (context, exports) => new Linear(context, exports),
);
