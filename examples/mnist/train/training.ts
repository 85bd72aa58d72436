// A training from its initial weights, or from where its checkpoint is, to its end. Its weights depend on nothing but the settings of the run:
// whether and where it was interrupted makes no difference.

import { gather, type MomentumOptimizer, tensor1d, tidy, train } from "@tensorflow/tfjs-core";
import type { Sequential } from "@tensorflow/tfjs-layers";
import { loadCheckpoint, type Progress, saveCheckpoint } from "./checkpoint.js";
import { type Examples, testExamples, trainingExamples } from "./data.js";
import { countWrong } from "./errors.js";
import { makeModel } from "./model.js";
import { RandomNumbers } from "./random.js";
import type { Run } from "./settings.js";
import { trainStep } from "./step.js";

/** A network, trained so far as `progress` says. */
export interface Trained {
  readonly model: Sequential;
  readonly progress: Progress;
}

/**
 * Trains to the end, with a checkpoint after each epoch; the backend is that of the process.
 *
 * @param path of the checkpoint
 * @param onEpoch told how far the training is, at its beginning and after each epoch
 * @param until how many epochs to stop after
 */
export async function trainNetwork(run: Run, path: string, onEpoch: (progress: Progress) => void, until = run.epochs): Promise<Trained> {
  const random = await RandomNumbers.create(run.seed);
  const model = await makeModel(run, random);
  const optimizer = train.momentum(run.learningRate, run.momentum);
  let progress = (await loadCheckpoint(path, model, optimizer)) ?? { curve: [], seconds: 0 };
  onEpoch(progress);
  if (progress.curve.length >= until) return { model, progress };

  const training = trainingExamples((total) => random.subset(run.images, total));
  const test = testExamples(run.curveImages);
  for (let epoch = progress.curve.length; epoch < until; ++epoch) {
    const start = performance.now();
    optimizer.setLearningRate(run.learningRate * (1 - epoch / run.epochs));
    trainEpoch(model, optimizer, training, random.order(run.images, epoch), run.batch);
    const point = { trainingWrong: countWrong(model, training), testWrong: countWrong(model, test) };
    progress = { curve: [...progress.curve, point], seconds: progress.seconds + (performance.now() - start) / 1000 };
    await saveCheckpoint(path, model, optimizer, progress);
    onEpoch(progress);
  }
  for (const { images, targets } of [training, test]) {
    images.dispose();
    targets.dispose();
  }
  return { model, progress };
}

function trainEpoch(
  model: Sequential,
  optimizer: MomentumOptimizer,
  { images, targets }: Examples,
  order: Int32Array,
  batch: number,
): void {
  for (let at = 0; at < order.length; at += batch) {
    tidy(() => {
      const chosen = tensor1d(order.subarray(at, at + batch), "int32");
      trainStep(model, optimizer, gather(images, chosen), gather(targets, chosen));
    });
  }
}
