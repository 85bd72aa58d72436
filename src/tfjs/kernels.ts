// The kernels that all operations and layers run on. There is one set of them: layers of a model that is loaded know of no other.

import type { Dropout } from "../core/dropout.js";
import { createNoise, type Noise } from "../noise/index.js";
import { createShapes, type Shapes } from "../shapes/index.js";

/** An instance, whose own sequence of streams is not used, and what extends it. */
export interface TfjsKernels {
  readonly core: Dropout;
  readonly shapes: Shapes;
  readonly noise: Noise;
}

let loaded: TfjsKernels | undefined;

/** Loads the extensions over `core`, and keeps all of it, unless that was done before. */
export async function loadKernels(core: Dropout): Promise<void> {
  if (loaded !== undefined) return;
  const [shapes, noise] = await Promise.all([createShapes(core), createNoise(core)]);
  loaded ??= { core, shapes, noise };
}

/** The parts that were loaded: operations and layers come from createTfjsDropout(), which waits for that. */
export function kernels(): TfjsKernels {
  return loaded as TfjsKernels;
}
