// Entry "wasm-dropout/half".

import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import type { HalfKernels } from "../engine/kernels.js";
import { Half } from "./half.js";
import { type ConvertKernels, HALF_MODULE } from "./kernels.js";
import { load } from "./wasm.js";

export { type ConvertOptions, Half, type HalfData } from "./half.js";

/**
 * Makes an instance that also takes f16 and bf16 data, and conversions to and from f32; `dropout` itself stays as it is.
 *
 * @param dropout the instance
 * @param options the source of the wasm, see {@link ExtensionOptions}
 * @returns the instance, as {@link Half.dropout}, and the conversions
 * @throws TypeError for a wrong kind of argument
 * @example
 * import { createHalf } from "wasm-dropout/half";
 * const half = await createHalf(dropout);
 * const x = half.fromFloat32(Float32Array.of(1, 2, 3, 4), "bf16");
 * const y = half.dropout.dropout(x, 0.5, { dtype: "bf16" });
 */
export const createHalf: (dropout: Dropout, options?: ExtensionOptions) => Promise<Half> = /* @__PURE__ */ extender(
  load,
  HALF_MODULE,
  (engine, kernels: HalfKernels & ConvertKernels) => new Half(engine, kernels),
);
