// From a compiled module to its exports. The kernels import nothing but memory, so AssemblyScript's loader, whose wrappers double the cost of a call,
// would add to the start of every program and to nothing else.

import { isArrayBuffer, tagOf, wrongKind } from "../ground/check.js";

/**
 * Returns the exports of `module` over `memory`.
 * Throws TypeError if it is no module, asks for other imports or cannot start, and what the engine throws if a policy forbids wasm.
 */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): WebAssembly.Exports {
  if (typeof module !== "object" || module === null || tagOf(module) !== "WebAssembly.Module") {
    throw wrongKind("module", "WebAssembly.Module", module);
  }
  try {
    return new WebAssembly.Instance(module, { env: { memory } }).exports;
  } catch (cause) {
    // A content security policy against wasm, which WebKit enforces only here: not the module's fault.
    if (cause instanceof WebAssembly.CompileError) throw cause;
    const form = isArrayBuffer(memory.buffer) ? "" : " for shared memory, as of compileDropout({ shared: true })";
    throw wrongKind("module", `a wasm-dropout module${form}`, module, cause);
  }
}
