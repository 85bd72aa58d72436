// Entry "wasm-dropout/half" of Vercel's and Next's edge runtimes: the builds are imported as modules.

import scalar from "../../build/half/scalar.wasm?module";
import simd from "../../build/half/simd.wasm?module";
import { extender } from "../core/extension.js";
import { Half } from "./half.js";

export * from "./api.js";

export const createHalf = /* @__PURE__ */ extender(
  (wanted) => (wanted ? simd : scalar),
  (context, exports) => new Half(context, exports),
);
