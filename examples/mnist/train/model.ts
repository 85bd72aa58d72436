// The network: 784-800-800-10 with ReLU, dropout on the input and on the hidden layers by layers of this package, and logits as outputs.

import { type Tensor2D, tensor1d, tensor2d, tidy } from "@tensorflow/tfjs-core";
import { layers, type Sequential, sequential } from "@tensorflow/tfjs-layers";
import { createTfjsDropout } from "wasm-dropout/tfjs";
import { CLASSES, PIXELS } from "./data.js";
import type { RandomNumbers } from "./random.js";
import { HIDDEN_RATE, INPUT_RATE, type Run } from "./settings.js";

type Layer = layers.Layer;

// Weights and masks have seeds of their own, so that their random numbers are independent.
const MASK_SEEDS = 2 ** 32;

/** The network of a run, with the weights that it starts from: those of its seed, with dropout or without. */
export async function makeModel({ hidden, seed, dropout }: Run, random: RandomNumbers): Promise<Sequential> {
  const { layers: dropping } = await createTfjsDropout({ seed: MASK_SEEDS + seed });
  const model = network(hidden, dropout ? (rate, shape) => dropping.dropout({ rate, ...shape }) : undefined);
  const sizes = [PIXELS, ...hidden, CLASSES];
  tidy(() => {
    model.setWeights(
      sizes.slice(1).flatMap((outputs, l) => {
        const inputs = sizes[l] as number;
        return [tensor2d(random.weights(inputs, outputs, l), [inputs, outputs]), tensor1d(new Float32Array(outputs))];
      }),
    );
  });
  return model;
}

/** Makes a layer that drops at `rate`; `shape` is that of its inputs where it is the first of a model. */
export type MakeDropout = (rate: number, shape: { inputShape?: number[] }) => Layer;

/** The layers, with what `makeDropout` gives in front of each dense one. */
export function network(hidden: readonly number[], makeDropout?: MakeDropout): Sequential {
  const drop = (rate: number, shape = {}) => (makeDropout === undefined ? [] : [makeDropout(rate, shape)]);
  const inputShape = [PIXELS];
  return sequential({
    layers: [
      ...drop(INPUT_RATE, { inputShape }),
      ...hidden.flatMap((units, l) => [
        layers.dense({
          units,
          activation: "relu",
          ...(l === 0 ? { inputShape } : {}),
        }),
        ...drop(HIDDEN_RATE),
      ]),
      layers.dense({ units: CLASSES }),
    ],
  });
}

/** The logits of `images`; with `training`, dropped units and all. */
export function logitsOf(model: Sequential, images: Tensor2D, training: boolean): Tensor2D {
  return model.apply(images, { training }) as Tensor2D;
}
