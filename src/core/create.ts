// From wasm builds to instances: picks the build for the engine, compiles it once, instantiates.

import { isShared, readHost } from "../engine/host.js";
import { checkWebAssembly, forbidden, noHost } from "../engine/instantiate.js";
import { checkBytes, checkFlag, wrongKind, wrongValue } from "../ground/check.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import { Sequence } from "../stream/sequence.js";
import { Dropout } from "./dropout.js";
import { INSTANCE_KEYS, type InstanceOptions } from "./options.js";
import { forSharedMemory } from "./shared-module.js";

/** The build of the kernels. All give the same bits. */
export interface BuildOptions {
  /** true for the SIMD build, false for the scalar one; by default what the engine supports. */
  simd?: boolean | undefined;
  /** true for the form of the build that works in a shared {@link HostMemory} and in no other memory; false by default. */
  shared?: boolean | undefined;
}

/** The source of the wasm; at most one of `simd`, `module` and `bytes`. A shared {@link HostMemory} needs a `module` of `compileDropout({ shared: true })`. */
export interface ModuleOptions extends Pick<BuildOptions, "simd"> {
  /** A compiled `simd.wasm` or `scalar.wasm` of this package to use instead of what the entry brings, of this realm or another. */
  module?: WebAssembly.Module | undefined;
  /** The bytes of `simd.wasm` or `scalar.wasm` to compile instead, such as those of a file that the caller fetched. */
  bytes?: ArrayBuffer | Uint8Array<ArrayBuffer> | undefined;
}

const BUILD_KEYS: Known = /* @__PURE__ */ known("simd", "shared");
const MODULE_KEYS: Known = /* @__PURE__ */ known("simd", "module", "bytes");
const CREATE_KEYS: Known = /* @__PURE__ */ known(MODULE_KEYS, INSTANCE_KEYS);

/** Options of {@link createDropout}. */
export interface CreateOptions extends InstanceOptions, ModuleOptions {}

/** Returns a build of an entry: compiled from bytes, if need be for a shared memory; imported as a module, which is for others only; or JavaScript. */
export interface Load {
  (simd: boolean, shared: boolean): WebAssembly.Module | Promise<WebAssembly.Module>;
  /** The only build that there is, as `simd` says it, if there is no other. */
  readonly only?: boolean;
}

// (module (func (drop (i8x16.splat (i32.const 0))))): WebAssembly core specification 2.0, sections 5.4.8 and 5.5.
const SIMD_PROBE = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11];

/**
 * Returns true if this engine runs the SIMD build.
 *
 * @example
 * const build = simdSupported() ? "SIMD" : "scalar";
 */
export function simdSupported(): boolean {
  return typeof WebAssembly !== "undefined" && WebAssembly.validate(Uint8Array.from(SIMD_PROBE));
}

/**
 * Returns the build that the options ask for, of an entry that may have one build `only`; throws TypeError if they are of the wrong kind, and RangeError if
 * they ask for another build.
 */
export function pickBuild(options: BuildOptions, only?: boolean): Required<Record<keyof BuildOptions, boolean>> {
  checkOptions(options, BUILD_KEYS);
  const { simd, shared = false } = options;
  checkFlag(simd, "simd");
  checkFlag(shared, "shared");
  const none = "as this entry has no other build";
  if (only !== undefined && simd !== undefined && simd !== only) throw wrongValue("simd", `${only}, ${none}`, `${simd}`);
  if (only !== undefined && shared) throw wrongValue("shared", `false, ${none}`, "true");
  return { simd: simd ?? only ?? simdSupported(), shared };
}

/** Returns an entry's compileDropout(): each build is loaded once, and again only if that failed. */
export function compiler(load: Load): (options?: BuildOptions) => Promise<WebAssembly.Module> {
  const loaded = new Map<string, Promise<WebAssembly.Module>>();
  return async (options = {}) => {
    const { simd, shared } = pickBuild(options, load.only);
    const build = `${simd} ${shared}`;
    let module = loaded.get(build);
    if (module === undefined) {
      module = Promise.resolve(load(simd, shared));
      loaded.set(build, module);
      module.catch(() => loaded.delete(build));
    }
    return module;
  };
}

/** Returns the module that options ask for: the one in them, or the build that an entry's compile function gives, for a memory that is `shared` or not. */
export async function obtainModule(
  compile: ReturnType<typeof compiler>,
  options: ModuleOptions,
  shared: boolean,
): Promise<WebAssembly.Module> {
  checkOptions(options, MODULE_KEYS);
  const { module, bytes, simd } = options;
  if (module !== undefined && bytes !== undefined) throw wrongKind("bytes", "nothing beside module", bytes);
  const given = module === undefined ? "bytes" : "module";
  if ((module ?? bytes) !== undefined && simd !== undefined) throw wrongKind("simd", `nothing beside ${given}`, simd);
  if (module !== undefined) return module;
  if (bytes === undefined) return compile({ simd, shared });
  checkBytes(bytes, "bytes");
  checkWebAssembly();
  if (!WebAssembly.validate(bytes)) throw wrongKind("bytes", "a wasm module that this engine takes", bytes);
  return WebAssembly.compile(shared ? forSharedMemory(new Uint8Array(bytes)) : bytes);
}

/** Returns an entry's createDropout() over its compileDropout(), which has the modules of `load`. */
export function creator(compile: ReturnType<typeof compiler>, load: Load): (options?: CreateOptions) => Promise<Dropout> {
  return async (options = {}) => {
    checkOptions(options, CREATE_KEYS);
    const { module, bytes, simd, seed, kind, maxBytes, rank, state: given, host: hosted } = options;
    // Copied before anything is waited for, during which the caller may change it.
    const state = given === undefined ? undefined : Sequence.from(given).state;
    if (hosted !== undefined && load.only !== undefined && (module ?? bytes) === undefined) throw noHost(hosted);
    const host = hosted === undefined ? undefined : readHost(hosted);
    const compiled = await obtainModule(compile, { module, bytes, simd }, host !== undefined && isShared(host.memory));
    return new Dropout(compiled, { seed, kind, maxBytes, rank, state, host });
  };
}

/** Returns the loader of an entry whose builds are base64 text. */
export function embedded(simd: string, scalar: string): Load {
  return async (wanted, shared) => {
    checkWebAssembly();
    const bytes = decodeBase64(wanted ? simd : scalar);
    try {
      return await WebAssembly.compile(shared ? forSharedMemory(bytes) : bytes);
    } catch (cause) {
      throw forbidden(cause);
    }
  };
}

/** Decoders of base64 text, the engine's own, which not every engine has. */
interface Decoders {
  // ECMAScript 2026.
  readonly Uint8Array: { fromBase64?(text: string): Uint8Array<ArrayBuffer> };
  // Node's.
  readonly Buffer?: { from(text: string, encoding: "base64"): Uint8Array<ArrayBuffer> };
}

/** Returns the bytes of base64 text. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const engine = globalThis as unknown as Decoders;
  if (engine.Uint8Array.fromBase64 !== undefined) return engine.Uint8Array.fromBase64(text);
  // A property, and read late: bundlers put a substitute in place of a variable of this name, and Deno loads much at its first use.
  // Copied, as Node's arrays may lie in a buffer with others.
  if (engine.Buffer !== undefined) return new Uint8Array(engine.Buffer.from(text, "base64"));
  const decoded = atob(text);
  const bytes = new Uint8Array(decoded.length);
  for (let k = 0; k < bytes.length; ++k) bytes[k] = decoded.charCodeAt(k);
  return bytes;
}
