// From a wasm module with more kernels to an object with more operations over an instance: they share its memory, its sequence of streams
// and its masks, and are loaded only by those who ask for them.

import { scratchOf } from "../engine/scratch.js";
import { wrongKind } from "../ground/check.js";
import { compiler, type Load, type ModuleOptions, obtainModule } from "./create.js";
import { type Context, Dropout } from "./dropout.js";
import { instantiate } from "./instantiate.js";

/** Options of the functions that extend an instance: where the extension's wasm comes from. */
export type ExtensionOptions = ModuleOptions;

/** An entry's function that extends an instance: `make` gets the instance's parts and the exports of the extension's module. */
export function extender<E>(
  load: Load,
  make: (context: Context, exports: WebAssembly.Exports) => E,
): (dropout: Dropout, options?: ExtensionOptions) => Promise<E> {
  const compile = compiler(load);
  return async (dropout, options = {}) => {
    if (!(dropout instanceof Dropout)) throw wrongKind("dropout", "Dropout of this package", dropout);
    const module = await obtainModule(compile, options);
    const { context } = dropout;
    // Now, when growth is expected, and not in the first call.
    scratchOf(context.memory);
    return make(context, instantiate(module, context.memory.wasm));
  };
}
