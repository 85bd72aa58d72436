// The exports of every entry "wasm-dropout/linear", but for the function that loads its wasm.

export type { InferenceActivation } from "./kernels.js";
export type { LayerShape } from "./layer.js";
export { type Gradient, Linear } from "./linear.js";
export type {
  DropConnectOptions,
  DropoutLevelOptions,
  InferenceOptions,
  LayerOptions,
  LinearBackwardOptions,
  MomentsOptions,
  SavedLayer,
  ScaleWeightsOptions,
  Wanted,
} from "./options.js";
export type { DropConnectTicket } from "./ticket.js";
