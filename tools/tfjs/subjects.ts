// The subjects: dropout forward and its gradient, on whatever backend TensorFlow.js has at the time.

import * as tf from "@tensorflow/tfjs-core";
import { diagonal } from "../../src/tfjs/differentiable.js";
import type { TfjsDropout } from "../../src/tfjs/index.js";
import { mapValues } from "../../src/tfjs/values.js";
import { faultIn } from "../peers/check.js";
import type { Timed } from "../peers/measure.js";

export const TFJS = "tf.dropout";
export const OURS = "wasm-dropout";
/** The same tensors with nothing computed: any dropout has to make one of y, and one of dx for the gradient. */
export const COPIES = "copies";

/** The part that is timed: the forward pass, or forward pass and gradient. */
export const PARTS = ["forward", "gradient"] as const;

type Operation = (x: tf.Tensor) => tf.Tensor;

/** The subjects over `n` elements at drop probability `p`; throws Error if one of them is not dropout. */
export function subjects(
  wd: TfjsDropout,
  n: number,
  p: number,
  part: (typeof PARTS)[number],
): { readonly timed: readonly Timed[]; readonly free: () => void } {
  const [x, dy] = [tf.ones([n]), tf.ones([n])];
  const through = (name: string, operation: Operation): Timed => {
    const gradient = tf.grad(operation);
    if (name !== COPIES) check(name, gradient(x, dy), p);
    // Disposed of by hand: a result of tidy() would be searched for tensors.
    const call = part === "forward" ? () => operation(x).dispose() : () => gradient(x, dy).dispose();
    return { name, call, asynchronous: false };
  };
  return {
    timed: [
      through(TFJS, (input) => tf.dropout(input, p)),
      through(OURS, (input) => wd.dropout(input, p)),
      through(COPIES, (input) => diagonal(input, (x) => mapValues(x, (values, out) => out().set(values())))),
    ],
    free: () => tf.dispose([x, dy]),
  };
}

function check(name: string, dx: tf.Tensor, p: number): void {
  const values = dx.dataSync<"float32">();
  const fault = faultIn(values, new Float32Array(values.length).fill(1), p);
  dx.dispose();
  if (fault !== undefined) throw new Error(`${name} is not dropout: ${fault}`);
}
