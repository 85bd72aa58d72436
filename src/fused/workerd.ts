// Entry "wasm-dropout/fused" of workerd (Cloudflare Workers), which forbids to compile bytes and imports wasm files as modules.

import scalar from "../../build/fused/scalar.wasm";
import simd from "../../build/fused/simd.wasm";
import { extender } from "../core/extension.js";
import { Fused } from "./fused.js";

export * from "./api.js";

export const createFused = /* @__PURE__ */ extender(
  (wanted) => (wanted ? simd : scalar),
  (context, exports) => new Fused(context, exports),
);
