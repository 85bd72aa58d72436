// Entry "wasm-dropout/inline": both builds are in the code, so that neither bundlers nor servers need to know of wasm files.

import { type BuildOptions, type CreateOptions, compiler, creator, decodeBase64, embedded, pickSimd } from "./create.js";
import type { Dropout } from "./dropout.js";
import { SCALAR, SIMD } from "./wasm.js";

export * from "./api.js";

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

/**
 * The compiled module, compiled once however often this is called; for several instances, or workers that it is posted to.
 *
 * @throws TypeError if an option is of the wrong kind; what WebAssembly.compile throws if the engine or a content security policy forbids it
 * @example
 * const module = await compileDropout();
 * const [train, predict] = [1, 2].map((seed) => new Dropout(module, { seed }));
 */
export const compileDropout: (options?: BuildOptions) => Promise<WebAssembly.Module> = /* @__PURE__ */ compiler(
  /* @__PURE__ */ embedded(SIMD, SCALAR),
);

/**
 * A {@link Dropout} instance with its own memory.
 *
 * @throws TypeError or RangeError for options of the wrong kind or out of range; what {@link compileDropout} throws
 * @example
 * const dropout = await createDropout({ seed: 42 });
 * const y = dropout.dropout(Float32Array.of(1, 2, 3, 4), 0.5);
 */
export const createDropout: (options?: CreateOptions) => Promise<Dropout> = /* @__PURE__ */ creator(compileDropout);
