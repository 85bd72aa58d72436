// Entry "wasm-dropout/half".

import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { Half } from "./half.js";
import { load } from "./wasm.js";

export { type ConvertOptions, Half, type HalfData } from "./half.js";

/**
 * Lets an instance, and what {@link Half} names of its extensions, take f16 and bf16 data: buffers of these dtypes, Float16Arrays, and Uint16Arrays with
 * option `dtype`. Decisions do not depend on the dtype; arithmetic is
 * f32, rounded once more to the dtype, to nearest and ties to even.
 *
 * @param dropout the instance
 * @param options where the wasm comes from, see {@link ExtensionOptions}
 * @returns conversions to and from f32
 * @throws TypeError for a wrong kind of argument
 * @example
 * import { createHalf } from "wasm-dropout/half";
 * const half = await createHalf(dropout);
 * const x = half.fromFloat32(Float32Array.of(1, 2, 3, 4), "bf16");
 * const y = dropout.dropout(x, 0.5, { dtype: "bf16" });
 */
export const createHalf: (dropout: Dropout, options?: ExtensionOptions) => Promise<Half> = /* @__PURE__ */ extender(
  load,
  (context, exports) => new Half(context, exports),
);
