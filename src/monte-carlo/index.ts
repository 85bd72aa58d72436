// Entry "wasm-dropout/monte-carlo".

import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { MonteCarlo } from "./monte-carlo.js";
import { nextTask, nextTimeout } from "./tasks.js";
import { edge, load } from "./wasm.js";

export type { ClassOutput, Masks } from "./choices.js";
export { type Model, type ModelOutput, MonteCarlo } from "./monte-carlo.js";
export type { PredictOptions, Progress } from "./options.js";
export type { PassContext, PassDropoutOptions } from "./pass.js";
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
  (context, exports) => new MonteCarlo(context, exports, edge ? nextTimeout : nextTask),
);
