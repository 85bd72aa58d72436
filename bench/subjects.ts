// All subjects: every kernel of every table, the references beside them, and the API that a user calls, over n elements each.

import type { ExtensionName } from "../modules.mjs";
import { instantiate } from "../src/engine/instantiate.js";
import { bindKernels, CORE, type CoreKernels, HALF, type HalfKernels, rowsOf } from "../src/engine/kernels.js";
import { MAX_BYTES, Memory } from "../src/engine/memory.js";
import { FUSED, type FusedKernels } from "../src/fused/kernels.js";
import { CONVERT, type ConvertKernels } from "../src/half/kernels.js";
import { LINEAR, type LinearKernels } from "../src/linear/kernels.js";
import { MONTE_CARLO, type MonteCarloKernels } from "../src/monte-carlo/kernels.js";
import { NOISE, type NoiseKernels } from "../src/noise/kernels.js";
import { SHAPES, type ShapesKernels } from "../src/shapes/kernels.js";
import { apiSubjects, coreSubjects, type Reference, referenceSubjects } from "./subjects/core.js";
import { fusedSubjects } from "./subjects/fused.js";
import { halfSubjects } from "./subjects/half.js";
import { linearSubjects } from "./subjects/linear.js";
import { monteCarloSubjects } from "./subjects/monte-carlo.js";
import { noiseSubjects } from "./subjects/noise.js";
import { shapesSubjects } from "./subjects/shapes.js";
import { Placement, type Subject } from "./subjects/subject.js";

/** All modules, of the same build. */
export interface Modules {
  /** build/core/simd.wasm or build/core/scalar.wasm. */
  readonly core: WebAssembly.Module;
  /** build/reference.wasm. */
  readonly reference: WebAssembly.Module;
  readonly extensions: Readonly<Record<ExtensionName, WebAssembly.Module>>;
}

/**
 * The subjects over `n` elements, in memories of their own, all pages of which have been touched.
 *
 * @param n a multiple of 16
 */
export function makeSubjects({ core, reference, extensions }: Modules, n: number): Subject[] {
  const memory = new Memory(MAX_BYTES);
  const place = new Placement(memory, n);
  const exportsOf = (module: WebAssembly.Module) => instantiate(module, memory.wasm);
  const kernels = bindKernels<CoreKernels>(exportsOf(core), CORE);
  const half = exportsOf(extensions.half);
  return [
    ...referenceSubjects(exportsOf(reference) as unknown as Reference, place),
    ...coreSubjects(kernels, rowsOf(CORE), place),
    ...shapesSubjects(bindKernels<ShapesKernels>(exportsOf(extensions.shapes), SHAPES), place),
    ...noiseSubjects(bindKernels<NoiseKernels>(exportsOf(extensions.noise), NOISE), place),
    ...linearSubjects(bindKernels<LinearKernels>(exportsOf(extensions.linear), LINEAR), place),
    ...fusedSubjects(bindKernels<FusedKernels>(exportsOf(extensions.fused), FUSED), kernels, place),
    ...halfSubjects(bindKernels<HalfKernels>(half, HALF), bindKernels<ConvertKernels>(half, CONVERT), place),
    ...monteCarloSubjects(bindKernels<MonteCarloKernels>(exportsOf(extensions["monte-carlo"]), MONTE_CARLO), place),
    ...apiSubjects(core, n),
  ];
}
