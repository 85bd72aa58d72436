// The kernels that all operations and layers run on. There is one set of them over a memory of their own, and one over that of each wasm backend: layers of
// a model that is loaded know of no other.

import { compiler } from "../core/create.js";
import type { Dropout } from "../core/dropout.js";
import { extend } from "../core/extension.js";
import { compileDropout } from "../core/index.js";
import { NOISE, type NoiseKernels } from "../noise/kernels.js";
import { Noise } from "../noise/noise.js";
import { load as loadNoise } from "../noise/wasm.js";
import { SHAPES, type ShapesKernels } from "../shapes/kernels.js";
import { Shapes } from "../shapes/shapes.js";
import { load as loadShapes } from "../shapes/wasm.js";

/** An instance, whose own sequence of streams is not used, and what extends it. */
export interface TfjsKernels {
  readonly core: Dropout;
  readonly shapes: Shapes;
  readonly noise: Noise;
}

/** The compiled modules of {@link TfjsKernels}. */
export type Modules = Readonly<Record<keyof TfjsKernels, WebAssembly.Module>>;

const compileShapes = /* @__PURE__ */ compiler(loadShapes);
const compileNoise = /* @__PURE__ */ compiler(loadNoise);

// By whether they are for a memory that threads share.
const compiled = new Map<boolean, Modules>();

/** Compiles the modules, once, for a memory that is `shared` or not. */
export async function loadModules(shared: boolean): Promise<Modules> {
  const [core, shapes, noise] = await Promise.all([compileDropout({ shared }), compileShapes({ shared }), compileNoise({ shared })]);
  const modules = compiled.get(shared) ?? { core, shapes, noise };
  compiled.set(shared, modules);
  return modules;
}

/** Returns the modules if loadModules() has compiled them. */
export function modules(shared: boolean): Modules | undefined {
  return compiled.get(shared);
}

/** Returns `core` and what extends it. */
export function makeKernels(core: Dropout, { shapes, noise }: Modules): TfjsKernels {
  return {
    core,
    shapes: extend(core, shapes, SHAPES, (engine, kernels: ShapesKernels) => new Shapes(engine, kernels)),
    noise: extend(core, noise, NOISE, (engine, kernels: NoiseKernels) => new Noise(engine, kernels)),
  };
}

let loaded: TfjsKernels | undefined;

/** Loads the extensions over `core`, and keeps all of it, unless that was done before. */
export async function loadKernels(core: Dropout): Promise<void> {
  if (loaded !== undefined) return;
  const modules = await loadModules(false);
  loaded ??= makeKernels(core, modules);
}

/** The parts that were loaded: operations and layers come from createTfjsDropout(), which waits for that. */
export function kernels(): TfjsKernels {
  return loaded as TfjsKernels;
}
