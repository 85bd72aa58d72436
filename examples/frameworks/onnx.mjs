// ONNX Runtime Web: models for inference have no dropout left in them; it comes back between two sessions, for Monte-Carlo dropout.
//
// Copies: a session copies its inputs into its own wasm memory and its outputs into new arrays; neither can be avoided. A pass adds no
// copy: its tensor is made over a buffer in the package's memory, which dropout writes and the session reads. What is dropped from is copied
// there once for all passes.

import { env, InferenceSession, Tensor } from "onnxruntime-web";
import { createDropout } from "wasm-dropout";
import { createMonteCarlo } from "wasm-dropout/monte-carlo";
import { P } from "./network.mjs";
import { layerModel } from "./onnx-model.mjs";

/** @import { TypedTensor } from "onnxruntime-web" */
/** @import { Dropout, DropoutOptions } from "wasm-dropout" */
/** @import { Matrix, Weights } from "./network.mjs" */

// Models this small gain nothing from threads.
env.wasm.numThreads = 1;

/**
 * Dropout of a tensor in place: `data` of a tensor on the CPU is the array itself.
 *
 * @param {Dropout} dropout
 * @param {Tensor} tensor of float32 or float64
 * @param {number} p
 * @param {DropoutOptions<undefined>} [options]
 */
export function dropTensor(dropout, tensor, p, options) {
  const data = /** @type {Float32Array | Float64Array} */ (tensor.data);
  dropout.dropout(data, p, { ...options, out: data });
}

/**
 * Predicts each point: mean and variance over passes that each drop other hidden units.
 *
 * @param {Weights} weights
 * @param {Matrix} points [points, 3]
 * @param {{ seed: number, passes: number }} options
 */
export async function predict(weights, points, { seed, passes }) {
  const hidden = await openSession(layerModel(weights.hidden, true));
  const output = await openSession(layerModel(weights.output, false));
  // Values that are the same in every pass are computed once.
  const h = await run(hidden, new Tensor("float32", points.flat(), [points.length, weights.hidden.length]));

  const dropout = await createDropout({ seed });
  const monteCarlo = await createMonteCarlo(dropout);
  const dropped = dropout.alloc("f32", h.size);
  const prediction = await monteCarlo.predict(
    async (units, pass) => {
      pass.dropout(units, P, { out: dropped });
      // A tensor for each pass: views of wasm memory end when it grows.
      return (await run(output, new Tensor("float32", dropped.array, h.dims))).data;
    },
    dropout.from(h.data),
    { passes, samples: points.length },
  );
  await hidden.release();
  await output.release();
  return prediction;
}

/** @param {InferenceSession} session @param {Tensor} x */
async function run(session, x) {
  const { y } = await session.run({ x });
  return /** @type {TypedTensor<"float32">} */ (y);
}

/**
 * A session, and no more: in Node, ONNX Runtime leaves a global Worker behind, which others take for that of a browser. jax-js then compiles
 * for shared memory, which its own is not.
 *
 * @param {Uint8Array} model
 */
export async function openSession(model) {
  const hadWorker = "Worker" in globalThis;
  const session = await InferenceSession.create(model);
  if (!hadWorker) Reflect.deleteProperty(globalThis, "Worker");
  return session;
}

/** The parts of this copy of ONNX Runtime that tests need. */
export const library = { Tensor };
