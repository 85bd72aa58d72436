// What every entry "wasm-dropout/half" exports, however it comes by its wasm.

export { type ConvertOptions, Half, type HalfData } from "./half.js";
