// What every entry "wasm-dropout/shapes" exports, however it comes by its wasm.

export type { ChannelFormat, NoiseShapeOptions } from "./noise-shape.js";
export type {
  AlphaDropoutOptions,
  DropBlockOptions,
  DropPathOptions,
  FeatureAlphaDropoutOptions,
  NoiseDropoutOptions,
  SpatialDropoutOptions,
  StoredNoiseMask,
} from "./options.js";
export { type Forward, Shapes } from "./shapes.js";
export type { BlockFields, NoiseFields, ShapesTicket } from "./ticket.js";
