// Entry "wasm-dropout/monte-carlo".

import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { MONTE_CARLO, type MonteCarloKernels } from "./kernels.js";
import { MonteCarlo } from "./monte-carlo.js";
import { load } from "./wasm.js";

export { type Calibration, type CalibrationOptions, calibration, type ReliabilityBin } from "./calibration.js";
export type { ClassOutput, Masks } from "./choices.js";
export { type MergeOptions, type Model, type ModelOutput, MonteCarlo } from "./monte-carlo.js";
export type { PredictOptions, Progress, UntilOptions } from "./options.js";
export type { Numbers, TensorLike } from "./output.js";
export type { PassContext, PassDropoutOptions, PassStreamOptions } from "./pass.js";
export type { ClassPrediction, Prediction, Run } from "./prediction.js";
export { streamOf } from "./streams.js";

/**
 * Monte-Carlo dropout over an instance: shares its memory, its seed and kind by default, and none of its stream numbers.
 *
 * @throws (rejects with) TypeError for what is no instance or option, and what the engine throws where a policy forbids wasm
 * @example
 * import { createMonteCarlo } from "wasm-dropout/monte-carlo";
 * const monteCarlo = await createMonteCarlo(dropout);
 */
export const createMonteCarlo: (dropout: Dropout, options?: ExtensionOptions) => Promise<MonteCarlo> = /* @__PURE__ */ extender(
  load,
  MONTE_CARLO,
  (engine, kernels: MonteCarloKernels) => new MonteCarlo(engine, kernels),
);
