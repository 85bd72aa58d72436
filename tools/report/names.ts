// The subjects that users ask about, in plain words.

/** Names by those of the benchmarks. */
export const PLAIN_NAMES: ReadonlyMap<string, string> = new Map([
  ["Dropout.dropout(buffer)", "wasm-dropout"],
  ["Dropout.dropout(array)", "wasm-dropout, ordinary arrays"],
  ["xorshift loop", "loop, tuned by hand"],
  ["Math.random loop", "loop with Math.random"],
  ["@thi.ng/random loop", "loop with @thi.ng/random"],
  ["@stdlib bernoulli", "stdlib"],
  ["onnxruntime-web", "ONNX Runtime Web"],
  ["onnxruntime-node", "ONNX Runtime for Node"],
  ["jax-js wasm", "jax-js (wasm)"],
  ["tfjs wasm", "TensorFlow.js (wasm)"],
  ["tfjs cpu", "TensorFlow.js (cpu)"],
  ["Float32Array.set", "copy, nothing dropped"],
  ["multiply_f32", "multiplication, nothing dropped"],
  ["copy_f32", "copy, nothing dropped"],
]);
