// From nothing to an instance: picks the build for the engine, compiles it once, instantiates.

import { checkFlag, checkObject, wrongKind } from "./check.js";
import { Dropout, type InstanceOptions } from "./dropout.js";
import { SCALAR, SIMD } from "./wasm.js";

/** Which build of the kernels to use. Both give the same bits. */
export interface BuildOptions {
  /** true for the SIMD build, false for the scalar one; by default what the engine supports. */
  simd?: boolean | undefined;
}

/** Options of {@link createDropout}. */
export interface CreateOptions extends InstanceOptions, BuildOptions {
  /** A compiled module to use instead of the bytes that come with the package. */
  module?: WebAssembly.Module | undefined;
}

// (module (func (drop (v128.const 0...)))): WebAssembly core specification 2.0, sections 5.4.8 and 5.5.
const SIMD_PROBE = /* @__PURE__ */ Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  4,
  1,
  96,
  0,
  0,
  3,
  2,
  1,
  0,
  10,
  23,
  1,
  21,
  0,
  253,
  12,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  26,
  11,
);

/**
 * Whether this engine runs the SIMD build.
 *
 * @example
 * const build = simdSupported() ? "SIMD" : "scalar";
 */
export function simdSupported(): boolean {
  return WebAssembly.validate(SIMD_PROBE);
}

/**
 * The bytes of the wasm module: no imports but `env.memory`.
 *
 * @throws TypeError if an option is of the wrong kind
 * @example
 * const dropout = new Dropout(new WebAssembly.Module(dropoutBytes())); // synchronously, where the engine allows
 */
export function dropoutBytes(options: BuildOptions = {}): Uint8Array<ArrayBuffer> {
  return decode(pickSimd(options) ? SIMD : SCALAR);
}

const compiled = new Map<boolean, Promise<WebAssembly.Module>>();

/**
 * The compiled module, compiled once however often this is called; for several instances, or workers that it is posted to.
 *
 * @throws TypeError if an option is of the wrong kind; what WebAssembly.compile throws if the engine or a content security policy forbids it
 * @example
 * const module = await compileDropout();
 * const [train, predict] = [1, 2].map((seed) => new Dropout(module, { seed }));
 */
export async function compileDropout(options: BuildOptions = {}): Promise<WebAssembly.Module> {
  const simd = pickSimd(options);
  let module = compiled.get(simd);
  if (module === undefined) {
    module = WebAssembly.compile(dropoutBytes({ simd }));
    compiled.set(simd, module);
    module.catch(() => compiled.delete(simd));
  }
  return module;
}

/**
 * A {@link Dropout} instance with its own memory.
 *
 * @throws TypeError or RangeError for options of the wrong kind or out of range
 * @example
 * const dropout = await createDropout({ seed: 42 });
 * const y = dropout.dropout(Float32Array.of(1, 2, 3, 4), 0.5);
 */
export async function createDropout(options: CreateOptions = {}): Promise<Dropout> {
  checkObject(options, "options", "object");
  const { module, simd } = options;
  if (module !== undefined && simd !== undefined) throw wrongKind("simd", "nothing beside module", simd);
  return new Dropout(module === undefined ? await compileDropout({ simd }) : module, options);
}

function pickSimd(options: BuildOptions): boolean {
  checkObject(options, "options", "object");
  checkFlag(options.simd, "simd");
  return options.simd ?? simdSupported();
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
