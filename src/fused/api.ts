// What every entry "wasm-dropout/fused" exports, however it comes by its wasm.

export { Fused } from "./fused.js";
export { ACTIVATIONS, type Activation } from "./kernels.js";
export type {
  ActivationBackwardOptions,
  ActivationGradients,
  ActivationOptions,
  ActivationSaved,
  KeyFlags,
  NormBackwardOptions,
  Normed,
  NormGradients,
  NormOptions,
  NormSaved,
  ResidualBackwardOptions,
  ResidualGradients,
  ResidualOptions,
  SoftmaxBackwardOptions,
  SoftmaxGradients,
  SoftmaxOptions,
  SoftmaxSaved,
} from "./options.js";
export type { ActivationTicket, MaskKind, NormTicket, ResidualTicket, SoftmaxTicket } from "./ticket.js";
