// What every entry "wasm-dropout/fused" exports, however it comes by its wasm.

export type {
  ActivationOptions,
  ActivationTicket,
  BiasBackwardOptions,
  BiasGradients,
  ResidualOptions,
  ResidualTicket,
} from "./bias.js";
export { Fused } from "./fused.js";
export type { Activation } from "./kernels.js";
export type { NormBackwardOptions, Normed, NormGradients, NormOptions, NormTicket } from "./norm.js";
export type { SoftmaxBackwardOptions, SoftmaxGradients, SoftmaxOptions, SoftmaxTicket } from "./softmax.js";
