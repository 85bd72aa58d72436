// Entry "wasm-dropout/linear" of workerd (Cloudflare Workers), which forbids to compile bytes and imports wasm files as modules.

import scalar from "../../build/linear/scalar.wasm";
import simd from "../../build/linear/simd.wasm";
import { extender } from "../core/extension.js";
import { Linear } from "./linear.js";

export * from "./api.js";

export const createLinear = /* @__PURE__ */ extender(
  (wanted) => (wanted ? simd : scalar),
  (context, exports) => new Linear(context, exports),
);
