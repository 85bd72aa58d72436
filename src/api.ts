// What every entry exports, however it comes by its wasm.

export type { BufferOf, WasmBuffer } from "./buffer.js";
export { type BuildOptions, type CreateOptions, simdSupported } from "./create.js";
export {
  type BackwardOptions,
  Dropout,
  type DropoutOptions,
  type DtypeOf,
  type GradientOptions,
  type HalfOptions,
  type InstanceOptions,
  type Like,
  type MaskArray,
  type MaskOptions,
  type NewMask,
  type ReplayOptions,
  type Result,
  type StoredMask,
  type StreamOptions,
} from "./dropout.js";
export type { Arrays, BufferDtype, DataDtype, Dtype, Float16, HalfDtype, MaskFormat, NewFloat16, StoredFormat } from "./dtypes.js";
export type { ExtensionOptions } from "./extension.js";
export type { StreamKind } from "./kernels.js";
export type { AnyData, AnyDataOf, Data, DataOf } from "./operand.js";
export { keepProbability } from "./probability.js";
export type { DropoutState } from "./sequence.js";
export type { Rescale, Ticket } from "./ticket.js";
