// From a wasm module with more kernels to an object with more operations over an instance: they share its memory, its sequence of streams
// and its masks, and are loaded only by those who ask for them.

import type { Engine } from "../engine/engine.js";
import { instantiate } from "../engine/instantiate.js";
import { bindKernels, type Family } from "../engine/kernels.js";
import { wrongKind } from "../ground/check.js";
import { compiler, type Load, type ModuleOptions, obtainModule } from "./create.js";
import { Dropout } from "./dropout.js";

/** Options of the functions that extend an instance: the source of the extension's wasm. */
export type ExtensionOptions = ModuleOptions;

/**
 * Returns an entry's function that extends an instance and changes nothing in it. `make` gets the instance's engine and the kernels of the
 * extension's module, which must have those of `families`.
 */
export function extender<K, E>(
  load: Load,
  families: readonly Family[],
  make: (engine: Engine, kernels: K) => E,
): (dropout: Dropout, options?: ExtensionOptions) => Promise<E> {
  const compile = compiler(load);
  return async (dropout, options = {}) => {
    const { memory } = engineOf(dropout);
    return extend(dropout, await obtainModule(compile, options, memory.shared), families, make);
  };
}

/** Extends an instance by a module that has been compiled. */
export function extend<K, E>(
  dropout: Dropout,
  module: WebAssembly.Module,
  families: readonly Family[],
  make: (engine: Engine, kernels: K) => E,
): E {
  const engine = engineOf(dropout);
  engine.memory.checkLive();
  const kernels = bindKernels<K>(instantiate(module, engine.memory.wasm), families);
  // Now, when growth is expected, and not in the first call.
  engine.scratch.reserve();
  return make(engine, kernels);
}

function engineOf(dropout: unknown): Engine {
  const engine = Dropout._engineOf(dropout);
  if (engine === undefined) throw wrongKind("dropout", "Dropout of this package", dropout);
  return engine;
}
