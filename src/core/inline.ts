// Entry "wasm-dropout/inline": what "wasm-dropout" exports, with both builds in the code on every runtime, and their bytes.

import { type BuildOptions, type CreateOptions, compiler, creator, decodeBase64, pickBuild } from "./create.js";
import type { Dropout } from "./dropout.js";
import { forSharedMemory } from "./shared-module.js";
import { load, SCALAR, SIMD } from "./wasm.js";

export * from "./index.js";

/**
 * Returns the compiled module, as compileDropout() of "wasm-dropout" does.
 *
 * @throws TypeError if an option is of the wrong kind; what WebAssembly.compile throws if the engine or a content security policy forbids it
 * @example
 * import { compileDropout } from "wasm-dropout/inline";
 * const module = await compileDropout();
 */
export const compileDropout: (options?: BuildOptions) => Promise<WebAssembly.Module> = /* @__PURE__ */ compiler(load);

/**
 * Makes a {@link Dropout} instance with its own memory, as createDropout() of "wasm-dropout" does.
 *
 * @throws TypeError or RangeError for options of the wrong kind or out of range; what {@link compileDropout} throws
 * @example
 * import { createDropout } from "wasm-dropout/inline";
 * const dropout = await createDropout({ seed: 42 });
 */
export const createDropout: (options?: CreateOptions) => Promise<Dropout> = /* @__PURE__ */ creator(compileDropout, load);

/**
 * The bytes of the wasm module: no imports but `env.memory`. Only in "wasm-dropout/inline", as other entries may have none.
 *
 * @throws TypeError if an option is of the wrong kind
 * @example
 * import { dropoutBytes } from "wasm-dropout/inline";
 * const dropout = new Dropout(new WebAssembly.Module(dropoutBytes())); // synchronously, where the engine allows
 */
export function dropoutBytes(options: BuildOptions = {}): Uint8Array<ArrayBuffer> {
  const { simd, shared } = pickBuild(options);
  const bytes = decodeBase64(simd ? SIMD : SCALAR);
  return shared ? forSharedMemory(bytes) : bytes;
}
