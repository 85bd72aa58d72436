// What every entry "wasm-dropout/shapes" exports, however it comes by its wasm.

export type { BlockFields } from "./drop-block.js";
export type { DataFormat, DataFormatName, NoiseShapeOptions } from "./noise-shape.js";
export type {
  AlphaDropoutOptions,
  BroadcastDropoutOptions,
  DropBlockOptions,
  DropPathOptions,
  FeatureAlphaDropoutOptions,
  NoiseMaskRate,
  SavedNoiseMask,
  ShapedOptions,
  ShapesBackwardOptions,
  SpatialDropoutOptions,
} from "./options.js";
export { type Forward, Shapes } from "./shapes.js";
export type { AlphaDropoutTicket, BroadcastDropoutTicket, DropBlockTicket, NoiseFields, ShapesTicket } from "./ticket.js";
