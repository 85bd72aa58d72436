// The table of peers: a copy, this package, and the alternatives to it.

import { readFileSync } from "node:fs";
import { Dropout } from "../../src/core/dropout.js";
import { loadJax, loadOnnxRuntime, loadStdlib, loadTensorFlow, loadThing } from "./libraries.js";
import { randomLoop, XorshiftLoop } from "./loops.js";
import type { Peer, Prepare } from "./peer.js";

/** The copy that all are compared with. */
export const COPY = "Float32Array.set";

export const PEERS: readonly Peer[] = [
  { name: COPY, group: "reference", passes: 1, copies: true, load: inPlain((out, x) => out.set(x)) },
  { name: "Dropout.dropout(buffer)", group: "api", passes: 1, load: loadBuffers(false) },
  { name: "Dropout.dropout(array)", group: "api", passes: 1, load: loadArrays },
  { name: "Dropout.forward + backward(buffer)", group: "api", passes: 2, load: loadBuffers(true) },
  { name: "xorshift loop", group: "peer", passes: 1, load: loadXorshift },
  { name: "Math.random loop", group: "peer", passes: 1, load: inPlain((out, x, p) => randomLoop(out, x, p, Math.random)) },
  { name: "@thi.ng/random loop", package: "@thi.ng/random", group: "peer", passes: 1, load: loadThing },
  { name: "@stdlib bernoulli", package: "@stdlib/random-array-bernoulli", group: "peer", passes: 1, load: loadStdlib },
  { name: "onnxruntime-web", package: "onnxruntime-web", group: "peer", passes: 1, load: () => loadOnnxRuntime("onnxruntime-web") },
  { name: "onnxruntime-node", package: "onnxruntime-node", group: "peer", passes: 1, load: () => loadOnnxRuntime("onnxruntime-node") },
  { name: "jax-js wasm", package: "@jax-js/jax", group: "peer", passes: 1, load: loadJax },
  { name: "tfjs wasm", package: "@tensorflow/tfjs-backend-wasm", group: "peer", passes: 1, load: () => loadTensorFlow("wasm", false) },
  {
    name: "tfjs wasm gradient",
    package: "@tensorflow/tfjs-backend-wasm",
    group: "peer",
    passes: 2,
    load: () => loadTensorFlow("wasm", true),
  },
  { name: "tfjs cpu", package: "@tensorflow/tfjs-backend-cpu", group: "peer", passes: 1, load: () => loadTensorFlow("cpu", false) },
  { name: "tfjs cpu gradient", package: "@tensorflow/tfjs-backend-cpu", group: "peer", passes: 2, load: () => loadTensorFlow("cpu", true) },
];

/** Makes a peer that needs nothing but the arrays. */
function inPlain(run: (out: Float32Array, x: Float32Array, p: number) => void): Peer["load"] {
  return async () => (x, p, out) => ({ call: () => run(out, x, p), output: () => out });
}

async function loadXorshift(): Promise<Prepare> {
  return (x, p, out) => {
    const loop = new XorshiftLoop(p, 1);
    return { call: () => loop.run(out, x), output: () => out };
  };
}

function newDropout(): Dropout {
  return new Dropout(new WebAssembly.Module(readFileSync(new URL("../../build/core/simd.wasm", import.meta.url))), { seed: 1 });
}

async function loadArrays(): Promise<Prepare> {
  const dropout = newDropout();
  return (x, p, out) => ({ call: () => dropout.dropout(x, p, { out }), output: () => out });
}

/** Over buffers in wasm memory; with `backward`, forward and then the gradient from the ticket. */
function loadBuffers(backward: boolean): Peer["load"] {
  return async () => {
    const dropout = newDropout();
    return (data, p) => {
      const x = dropout.from(data);
      const y = dropout.alloc("f32", data.length);
      const dx = backward ? dropout.alloc("f32", data.length) : y;
      const call = backward
        ? () => dropout.backward(x, dropout.forward(x, p, { out: y }).ticket, {}, { dx })
        : () => dropout.dropout(x, p, { out: y });
      const free = () => {
        for (const buffer of new Set([x, y, dx])) buffer.free();
      };
      return { call, output: () => dx.array, free };
    };
  };
}
