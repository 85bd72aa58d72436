// What the package exports.

export type { WasmBuffer } from "./buffer.js";
export { type BuildOptions, type CreateOptions, compileDropout, createDropout, dropoutBytes, simdSupported } from "./create.js";
export {
  Dropout,
  type DropoutOptions,
  type InstanceOptions,
  type Like,
  type MaskArray,
  type NewMask,
  type StoredMask,
  type StreamOptions,
} from "./dropout.js";
export type { BufferDtype, Dtype, MaskFormat, StoredFormat, StreamKind } from "./kernels.js";
export type { View } from "./memory.js";
export type { Data } from "./operand.js";
export { keepProbability } from "./probability.js";
export type { DropoutState } from "./sequence.js";
export type { Ticket } from "./ticket.js";
