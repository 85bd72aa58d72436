// What is measured: every kernel of every table, the references beside them, and the API that a user calls, over n elements each.

import { CONVERT, type ConvertKernels, HALF } from "../src/half/kernels.js";
import { instantiate } from "../src/instantiate.js";
import { bindKernels, CORE, type Kernels, rowsOf } from "../src/kernels.js";
import { MAX_BYTES, Memory } from "../src/memory.js";
import { MONTE_CARLO, type MonteCarloKernels } from "../src/monte-carlo/kernels.js";
import { apiSubjects, coreSubjects, type Reference, referenceSubjects } from "./subjects/core.js";
import { halfSubjects } from "./subjects/half.js";
import { monteCarloSubjects } from "./subjects/monte-carlo.js";
import { Placement, type Subject } from "./subjects/subject.js";

/** Modules with kernels beside the core's: build/<name>/simd.wasm. */
export const EXTENSIONS = ["half", "monte-carlo"] as const;

/** All modules, of the same build. */
export interface Modules {
  /** build/simd.wasm or build/scalar.wasm. */
  readonly core: WebAssembly.Module;
  /** build/reference.wasm. */
  readonly reference: WebAssembly.Module;
  readonly extensions: Readonly<Record<(typeof EXTENSIONS)[number], WebAssembly.Module>>;
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
  const half = exportsOf(extensions.half);
  return [
    ...referenceSubjects(exportsOf(reference) as unknown as Reference, place),
    ...coreSubjects(bindKernels<Kernels>(exportsOf(core), CORE), rowsOf(CORE), place),
    ...halfSubjects(bindKernels<Kernels>(half, HALF), bindKernels<ConvertKernels>(half, CONVERT), place),
    ...monteCarloSubjects(bindKernels<MonteCarloKernels>(exportsOf(extensions["monte-carlo"]), MONTE_CARLO), place),
    ...apiSubjects(core, n),
  ];
}
