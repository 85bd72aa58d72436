// From a compiled module to its exports.

import { instantiateSync } from "@assemblyscript/loader";

/** The exports of `module` over `memory`, raw: the loader's own wrappers double the cost of a call. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): WebAssembly.Exports {
  // The loader adds to the imports it is given.
  return instantiateSync(module, { env: { memory } }).instance.exports;
}
