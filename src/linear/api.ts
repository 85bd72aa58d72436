// What every entry "wasm-dropout/linear" exports, however it comes by its wasm.

export { type DropoutLevelOptions, dropoutLevel, type ScaleWeightsOptions } from "./classic.js";
export type { DropConnectOptions, DropConnectTicket, LayerOptions, LinearBackwardOptions, Wanted } from "./drop-connect.js";
export type { Activation } from "./kernels.js";
export type { LayerShape } from "./layer.js";
export { type Gradient, Linear } from "./linear.js";
export type { InferenceOptions, MomentsOptions } from "./moments.js";
