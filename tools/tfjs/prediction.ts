// Monte-Carlo dropout of an image classifier that drops in its head only: 30 passes beside one plain prediction.

import * as tf from "@tensorflow/tfjs-core";
import { createTfjsDropout } from "../../src/tfjs/index.js";
import { measure } from "../peers/measure.js";
import { mobileNet } from "./mobile-net.js";

const PASSES = 30;
/** The most time of 30 passes as a multiple of a plain prediction's. */
export const PREDICTION_BAR = 1.3;

/** The sizes of images: backend "cpu" takes a second for one of 128. */
const IMAGES = { cpu: 128, wasm: 224 } as const;
const CLASSES = 100;

/** The measurements on a backend. */
export interface PredictionTimes {
  readonly layers: number;
  readonly image: number;
  readonly plainMs: number;
  readonly passesMs: number;
  /** Median of the ratios of the rounds. */
  readonly ratio: number;
}

/** Measures on a backend, which becomes the current one. */
export async function measurePrediction(backend: keyof typeof IMAGES, rounds: number): Promise<PredictionTimes> {
  if (!(await tf.setBackend(backend))) throw new Error(`tf.setBackend("${backend}") failed`);
  const wd = await createTfjsDropout({ seed: 1 });
  const image = IMAGES[backend];
  const model = mobileNet(image, CLASSES);
  const x = tf.randomUniform([1, image, image, 3], 0, 1, "float32", 1);
  const plain = async () => {
    const y = model.predict(x) as tf.Tensor;
    await y.data();
    y.dispose();
  };
  const timings = await measure(
    [
      { name: "plain", call: plain, asynchronous: true },
      { name: "passes", call: () => wd.predict(model, x, { passes: PASSES, output: "probabilities" }), asynchronous: true },
    ],
    rounds,
    () => {},
    (name, error) => {
      throw new Error(`${name} failed`, { cause: error });
    },
  );
  const layers = model.layers.length;
  x.dispose();
  model.dispose();
  const [plainMs, passesMs] = [timings.time("plain").median, timings.time("passes").median];
  return { layers, image, plainMs, passesMs, ratio: timings.ratio("passes", "plain").median };
}
