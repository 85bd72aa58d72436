// From a compiled module to its exports, by AssemblyScript's loader, which knows the imports that asc gives modules (abort, trace, seed).

import { instantiateSync } from "@assemblyscript/loader";

/** The exports of `module` over `memory`, raw: the loader's own wrappers double the cost of a call. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): WebAssembly.Exports {
  const imports = { env: { memory } };
  // The loader takes a module of another realm (edge sandboxes, vm contexts) for bytes to compile.
  const instance =
    module instanceof WebAssembly.Module ? instantiateSync(module, imports).instance : new WebAssembly.Instance(module, imports);
  return instance.exports;
}
