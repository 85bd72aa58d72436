// The exports of every entry of the core, but for the functions that load its wasm.

export type { BufferOf, WasmBuffer } from "../engine/buffer.js";
export type { AnyData, AnyDataOf, Data, DataOf } from "../engine/operand.js";
export type { Arrays, BufferDtype, DataDtype, Dtype, Float16, HalfDtype, MaskFormat, NewFloat16, StoredFormat } from "../ground/dtypes.js";
export type { StreamKind } from "../stream/kinds.js";
export { keepProbability } from "../stream/probability.js";
export type { DropoutState } from "../stream/sequence.js";
export type { Op, Rescale, Ticket } from "../stream/ticket.js";
export { type BuildOptions, type CreateOptions, simdSupported } from "./create.js";
export { Dropout } from "./dropout.js";
export type { ExtensionOptions } from "./extension.js";
export type {
  BackwardOptions,
  BitMask,
  DropoutOptions,
  DtypeOf,
  ForwardOptions,
  HalfOptions,
  InstanceOptions,
  Like,
  MaskArray,
  MaskOptions,
  MaskRate,
  NewMask,
  ReplayOptions,
  Result,
  SavedMask,
  StreamOptions,
} from "./options.js";
