// From a compiled module to its exports, by AssemblyScript's loader, which knows the imports that asc gives modules (abort, trace, seed).

import { isArrayBuffer, tagOf, wrongKind } from "../ground/check.js";
import { instantiateSync } from "./loader.js";

/**
 * Returns the exports of `module` over `memory`, without the loader's wrappers, which double the cost of a call.
 * Throws TypeError if it is no module, asks for other imports or cannot start, and what the engine throws if a policy forbids wasm.
 */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): WebAssembly.Exports {
  if (typeof module !== "object" || module === null || tagOf(module) !== "WebAssembly.Module") {
    throw wrongKind("module", "WebAssembly.Module", module);
  }
  const imports = { env: { memory } };
  try {
    // The loader takes a module of another realm (edge sandboxes, vm contexts) for bytes to compile.
    if (!(module instanceof WebAssembly.Module)) return new WebAssembly.Instance(module, imports).exports;
    return instantiateSync(module, imports).instance.exports;
  } catch (cause) {
    // A content security policy against wasm, which WebKit enforces only here: not the module's fault.
    if (cause instanceof WebAssembly.CompileError) throw cause;
    const form = isArrayBuffer(memory.buffer) ? "" : " for shared memory, as of compileDropout({ shared: true })";
    throw wrongKind("module", `a wasm-dropout module${form}`, module, cause);
  }
}
