// What every entry "wasm-dropout/noise" exports, however it comes by its wasm.

export { Noise } from "./noise.js";
export type { NoiseBackwardOptions, NoiseOptions, NoiseStreamOptions, NormalOptions, Singles, UniformOptions } from "./options.js";
export type { GaussianDropoutTicket, GaussianNoiseTicket, NoiseKind, NoiseTicket } from "./ticket.js";
