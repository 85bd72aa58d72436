// From a compiled module to its exports, by AssemblyScript's loader, which knows the imports that asc gives modules (abort, trace, seed).

import { isArrayBuffer, tagOf, wrongKind } from "../ground/check.js";
import { instantiateSync } from "./loader.js";

/** The kernels in JavaScript, in place of a compiled module. */
export class PlainModule {
  /** Returns a memory of so many pages. */
  readonly newMemory: (pages: number) => WebAssembly.Memory;
  /** Returns the kernels over a memory; throws TypeError if it is none of newMemory(). */
  readonly instantiate: (memory: unknown) => WebAssembly.Exports;

  constructor(newMemory: PlainModule["newMemory"], instantiate: PlainModule["instantiate"]) {
    this.newMemory = newMemory;
    this.instantiate = instantiate;
  }
}

/** Returns the error for option `host` beside kernels in JavaScript. */
export function noHost(host: unknown): TypeError {
  return wrongKind("host", "nothing: the kernels in JavaScript work in a memory of their own", host);
}

/** Returns a memory for the kernels of `module`. */
export function newMemory(module: unknown, pages: number): WebAssembly.Memory {
  if (module instanceof PlainModule) return module.newMemory(pages);
  if (module !== undefined) checkModule(module);
  // Without a maximum: some engines set the address space aside at once, and small machines refuse that.
  return new WebAssembly.Memory({ initial: pages });
}

/**
 * Returns the exports of `module` over `memory`, without the loader's wrappers, which double the cost of a call.
 * Throws TypeError if it is no module, asks for other imports or cannot start, and what the engine throws if a policy forbids wasm.
 */
export function instantiate(module: unknown, memory: WebAssembly.Memory): WebAssembly.Exports {
  if (module instanceof PlainModule) return module.instantiate(memory);
  checkModule(module);
  const imports = { env: { memory } };
  try {
    // The loader takes a module of another realm (edge sandboxes, vm contexts) for bytes to compile.
    if (!(module instanceof WebAssembly.Module)) return new WebAssembly.Instance(module, imports).exports;
    return instantiateSync(module, imports).instance.exports;
  } catch (cause) {
    // A content security policy against wasm, which WebKit enforces only here: not the module's fault.
    if (cause instanceof WebAssembly.CompileError) throw forbidden(cause);
    const form = isArrayBuffer(memory.buffer) ? "" : " for shared memory, as of compileDropout({ shared: true })";
    throw wrongKind("module", tagOf(memory) === "WebAssembly.Memory" ? `a wasm-dropout module${form}` : PLAIN, module, cause);
  }
}

function checkModule(module: unknown): asserts module is WebAssembly.Module {
  if (typeof module !== "object" || module === null || tagOf(module) !== "WebAssembly.Module") {
    throw wrongKind("module", "WebAssembly.Module", module);
  }
}

/** The module that extends an instance whose kernels are JavaScript. */
const PLAIN = 'the kernels in JavaScript, as the instance has, of "wasm-dropout/<name>/js"';
/** The entries that need no WebAssembly. */
const OTHERS = '"wasm-dropout/js", and "wasm-dropout/<name>/js" of each extension, do without';

/** Throws TypeError where WebAssembly is missing. */
export function checkWebAssembly(): void {
  if (typeof WebAssembly === "undefined") throw new TypeError(`"WebAssembly" expected in this engine, got none; ${OTHERS}`);
}

/** Returns the error for wasm of this package that the engine does not compile. */
export function forbidden(cause: unknown): unknown {
  if (!(cause instanceof WebAssembly.CompileError)) return cause;
  const error = new WebAssembly.CompileError(`${cause.message}; where WebAssembly is forbidden, ${OTHERS}`);
  return Object.defineProperty(error, "cause", { configurable: true, writable: true, value: cause });
}
