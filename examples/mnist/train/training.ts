// A training from its initial weights, or from where its checkpoint is, to its end. Its weights depend on nothing but the settings of the run:
// whether and where it was interrupted makes no difference.

import { tidy } from "@tensorflow/tfjs-core";
import type { Sequential } from "@tensorflow/tfjs-layers";
import { loadCheckpoint, type Progress, saveCheckpoint } from "./checkpoint.js";
import { batchOf, type Examples, firstOf, testExamples, trainingExamples } from "./data.js";
import { wrongOf } from "./errors.js";
import { makeModel } from "./model.js";
import { makeOptimizer } from "./optimizer.js";
import { RandomNumbers } from "./random.js";
import { curveCounts, type Run } from "./settings.js";
import { trainStep, variablesOf } from "./step.js";

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
  const optimizer = makeOptimizer(run, variablesOf(model));
  let progress = (await loadCheckpoint(path, model, optimizer)) ?? { curve: [], seconds: 0 };
  onEpoch(progress);
  if (progress.curve.length >= until) return { model, progress };

  const training = trainingExamples((total) => random.subset(run.images, total));
  const seen = firstOf(training, curveCounts(run).training);
  const test = evaluationExamples(run, random, curveCounts(run).test);
  for (let epoch = progress.curve.length; epoch < until; ++epoch) {
    const start = performance.now();
    const order = random.order(run.images, epoch);
    const steps = Math.ceil(run.images / run.batch);
    for (let step = 0; step < steps; ++step) {
      const done = epoch * steps + step;
      const chosen = order.subarray(step * run.batch, (step + 1) * run.batch);
      const settings = { learningRate: learningRateAt(run, done, steps), maxNorm: run.maxNorm, step: done + 1 };
      tidy(() => trainStep(model, optimizer, batchOf(training, chosen), settings));
    }
    const point = { trainingWrong: wrongOf(model, seen).length, testWrong: wrongOf(model, test).length };
    progress = { curve: [...progress.curve, point], seconds: progress.seconds + (performance.now() - start) / 1000 };
    await saveCheckpoint(path, model, optimizer, progress);
    onEpoch(progress);
  }
  return { model, progress };
}

/** The first `count` test images, or where the run has images held out for validation, of those. */
export function evaluationExamples({ validation }: Run, random: RandomNumbers, count: number): Examples {
  if (validation === 0) return testExamples(count);
  return firstOf(
    trainingExamples((total) => random.heldOut(validation, total)),
    count,
  );
}

/** The learning rate of a step, counted from 0, where an epoch has `steps`. */
export function learningRateAt({ learningRate, epochs, warmUp }: Run, step: number, steps: number): number {
  const rising = warmUp * steps;
  return learningRate * (step < rising ? (step + 1) / rising : 1 - (step - rising) / (epochs * steps - rising));
}
