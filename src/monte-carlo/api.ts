// The exports of every entry "wasm-dropout/monte-carlo", but for the function that loads its wasm.

export { type Calibration, type CalibrationOptions, calibration, type ReliabilityBin } from "./calibration.js";
export type { ClassOutput, Masks } from "./choices.js";
export { type MergeOptions, type Model, type ModelOutput, MonteCarlo } from "./monte-carlo.js";
export type { PredictOptions, Progress, UntilOptions } from "./options.js";
export type { Numbers, TensorLike } from "./output.js";
export type { PassContext, PassDropoutOptions, PassStreamOptions } from "./pass.js";
export type { ClassPrediction, Prediction, Run } from "./prediction.js";
export { streamOf } from "./streams.js";
