// What runs in a page of ../tfjs-webgl.test.ts: the same operations and the same training on whatever backend is asked for.

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-webgl";
import { initializers, layers, sequential } from "@tensorflow/tfjs-layers";
import { createTfjsDropout } from "../../src/tfjs/index.js";

/** What a backend made of the seed. */
export interface PageResult {
  readonly backend: string;
  readonly y: number[];
  readonly dx: number[];
  readonly rows: number[];
  readonly weights: number[];
  readonly tensorsLeft: number;
}

/** Values that come from the backend's own kernels, and go through them: on a GPU, they are uploaded and read back. */
const through = (x: tf.Tensor) => tf.mul(x, tf.scalar(1));

async function run(backend: string): Promise<PageResult | null> {
  if (!(await tf.setBackend(backend))) return null;
  await tf.ready();
  const wd = await createTfjsDropout({ seed: 42 });
  const x = tf.tidy(() => through(tf.reshape(tf.range(1, 1201), [60, 20])));
  const drop = (input: tf.Tensor) => tf.tidy(() => [...through(wd.dropout(input, 0.25)).dataSync()]);
  const y = drop(x);
  const dx = tf.tidy(() => [
    ...tf
      .grad((input: tf.Tensor) => wd.dropout(through(input), 0.25))(x, x)
      .dataSync(),
  ]);
  const rows = tf.tidy(() => [...through(wd.dropout(x, 0.25, [null, 1])).dataSync()]);

  const model = sequential({
    layers: [
      layers.dense({ units: 16, activation: "tanh", inputShape: [20], kernelInitializer: initializers.glorotUniform({ seed: 1 }) }),
      wd.layers.dropout({ rate: 0.5 }),
      wd.layers.gaussianNoise({ stddev: 0.1 }),
      layers.dense({ units: 1, kernelInitializer: initializers.glorotUniform({ seed: 2 }) }),
    ],
  });
  model.compile({ optimizer: tf.train.sgd(0.05), loss: "meanSquaredError" });
  const [input, target] = [tf.tidy(() => tf.div(x, 1200)), tf.ones([60, 1])];
  await model.trainOnBatch(input, target);
  const { numTensors } = tf.memory();
  for (let step = 0; step < 20; ++step) await model.trainOnBatch(input, target);
  const tensorsLeft = tf.memory().numTensors - numTensors;
  const weights = model.getWeights().flatMap((values) => [...values.dataSync()]);
  model.dispose();
  tf.dispose([x, input, target]);
  return { backend: tf.getBackend(), y, dx, rows, weights, tensorsLeft };
}

Object.assign(globalThis, { run });
