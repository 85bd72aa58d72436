// TensorFlow.js as the tests use it: its backends, and values in and out. Importing tfjs-layers registers the gradients of the core.

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-layers";

export type Floats = Float32Array<ArrayBuffer>;

/** Backends that Node has. */
export const BACKENDS = ["cpu", "wasm"] as const;

/** Makes `name` the backend; throws if it does not start. */
export async function useBackend(name: string): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`the backend ${name} did not start`);
}

/** The values of a tensor, which is disposed of. */
export function take(tensor: tf.Tensor): Floats {
  const values = Float32Array.from(tensor.dataSync());
  tensor.dispose();
  return values;
}

/** Returns the number of tensors that `run` leaves. */
export function leftBy(run: () => void): number {
  const { numTensors } = tf.memory();
  run();
  return tf.memory().numTensors - numTensors;
}
