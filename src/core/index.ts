// Entry "wasm-dropout".

import { type BuildOptions, type CreateOptions, compiler, creator } from "./create.js";
import type { Dropout } from "./dropout.js";
import { load } from "./wasm.js";

export type { BufferOf, WasmBuffer } from "../engine/buffer.js";
export type { HostMemory, HostRegion } from "../engine/host.js";
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

/**
 * Returns the compiled module, compiled once however often this is called; for several instances, or workers that it is posted to.
 *
 * @throws TypeError if an option is of the wrong kind; what WebAssembly.compile throws if the engine or a content security policy forbids it
 * @example
 * const module = await compileDropout();
 * const [train, predict] = [1, 2].map((seed) => new Dropout(module, { seed }));
 */
export const compileDropout: (options?: BuildOptions) => Promise<WebAssembly.Module> = /* @__PURE__ */ compiler(load);

/**
 * Makes a {@link Dropout} instance with its own memory.
 *
 * @throws TypeError or RangeError for options of the wrong kind or out of range; what {@link compileDropout} throws
 * @example
 * const dropout = await createDropout({ seed: 42 });
 * const y = dropout.dropout(Float32Array.of(1, 2, 3, 4), 0.5);
 */
export const createDropout: (options?: CreateOptions) => Promise<Dropout> = /* @__PURE__ */ creator(compileDropout, load);
