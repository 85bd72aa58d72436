// Entry "wasm-dropout/inline": what "wasm-dropout" exports, with both builds in the code on every runtime, and their bytes.

import { type BuildOptions, decodeBase64, pickSimd } from "./create.js";
import { SCALAR, SIMD } from "./wasm.js";

export * from "./index.js";

/**
 * The bytes of the wasm module: no imports but `env.memory`. Only in "wasm-dropout/inline", as other entries may have none.
 *
 * @throws TypeError if an option is of the wrong kind
 * @example
 * import { dropoutBytes } from "wasm-dropout/inline";
 * const dropout = new Dropout(new WebAssembly.Module(dropoutBytes())); // synchronously, where the engine allows
 */
export function dropoutBytes(options: BuildOptions = {}): Uint8Array<ArrayBuffer> {
  return decodeBase64(pickSimd(options) ? SIMD : SCALAR);
}
