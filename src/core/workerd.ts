// Entry "wasm-dropout" of workerd (Cloudflare Workers), which forbids to compile bytes and imports wasm files as modules.

import scalar from "../../build/core/scalar.wasm";
import simd from "../../build/core/simd.wasm";
import { compiler, creator } from "./create.js";

export * from "./api.js";

export const compileDropout = /* @__PURE__ */ compiler((wanted) => (wanted ? simd : scalar));
export const createDropout = /* @__PURE__ */ creator(compileDropout);
