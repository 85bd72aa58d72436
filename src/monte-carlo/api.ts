// What every entry "wasm-dropout/monte-carlo" exports but the function that makes one.

export type { ClassOutput, Masks } from "./choices.js";
export { type Model, type ModelOutput, MonteCarlo } from "./monte-carlo.js";
export type { PredictOptions, Progress } from "./options.js";
export type { PassContext, PassDropoutOptions } from "./pass.js";
export type { ClassPrediction, Prediction, Run } from "./prediction.js";
export { streamOf } from "./streams.js";
