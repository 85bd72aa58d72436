// What every entry exports, however it comes by its wasm.

export type { BufferOf, WasmBuffer } from "../engine/buffer.js";
export type { StreamKind } from "../engine/kernels.js";
export type { AnyData, AnyDataOf, Data, DataOf } from "../engine/operand.js";
export type { Arrays, BufferDtype, DataDtype, Dtype, Float16, HalfDtype, MaskFormat, NewFloat16, StoredFormat } from "../ground/dtypes.js";
export { keepProbability } from "../stream/probability.js";
export type { DropoutState } from "../stream/sequence.js";
export type { Rescale, Ticket } from "../stream/ticket.js";
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
export type { ExtensionOptions } from "./extension.js";
