// Entry "wasm-dropout" of Vercel's and Next's edge runtimes, where a wasm file is imported as a module by its suffix.

import scalar from "../../build/core/scalar.wasm?module";
import simd from "../../build/core/simd.wasm?module";
import { compiler, creator } from "./create.js";

export * from "./api.js";

export const compileDropout = /* @__PURE__ */ compiler((wanted) => (wanted ? simd : scalar));
export const createDropout = /* @__PURE__ */ creator(compileDropout);
