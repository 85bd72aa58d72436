// What every entry "wasm-dropout/fused" exports, however it comes by its wasm.

export { Fused } from "./fused.js";
