// Entry "wasm-dropout" of browsers, Node, Deno, Bun and bundlers. Edge runtimes have entries of their own with the same exports.

export * from "./api.js";
export { compileDropout, createDropout } from "./inline.js";
