// Monte-Carlo dropout: many stochastic passes of a model, and what they say together, streamed.

import type { Engine } from "../engine/engine.js";
import type { AnyData } from "../engine/operand.js";
import { PIECE, pieces } from "../engine/pieces.js";
import { checkFlag, checkFunction, isArray, isPromise, wrongKind, wrongValue } from "../ground/check.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import { epig } from "./epig.js";
import { joinKept, readKept } from "./kept.js";
import type { MonteCarloKernels } from "./kernels.js";
import { type Plan, type PredictOptions, readPlan } from "./options.js";
import { dataOf, type Numbers, Several, type TensorLike } from "./output.js";
import { type PassContext, passContext } from "./pass.js";
import {
  type ClassPrediction,
  checkSameRun,
  checkSeedUsed,
  conclude,
  type Earlier,
  joinRanges,
  joinTotals,
  type Prediction,
  type Ranges,
  readPrediction,
} from "./prediction.js";
import { Statistics } from "./statistics.js";
import { milliseconds, Slices, throwIfAborted, unlessAborted } from "./tasks.js";

/**
 * The output of a model's pass: f32 or f64 data, or, with {@link createHalf} of "wasm-dropout/half", f16 or bf16; an array of numbers, or of such arrays;
 * a tensor of TensorFlow.js or ONNX Runtime; or a promise of one of them. It has the same length in each pass, is read at once, and may be written
 * again in the next pass. Tensors are not disposed of.
 */
export type ModelOutput = OutputData | PromiseLike<OutputData>;
type OutputData = AnyData | Numbers | TensorLike;

/** Any function with dropout in it. */
export type Model<I> = (input: I, context: PassContext) => ModelOutput;

/** Options of {@link MonteCarlo.merge}. */
export interface MergeOptions {
  /** true allows to merge runs of models that draw their masks by other means, no two runs the same ones. */
  independent?: boolean | undefined;
}
/**
 * The outputs of a run's passes from number `pass` on: that of this pass, or {@link Several} of at most `most` passes. Either may be promised.
 */
type Source = (pass: number, most: number) => ModelOutput | Several | PromiseLike<Several>;

const MERGE_KEYS: Known = /* @__PURE__ */ known("independent");
const NO_OPTIONS = {};

/**
 * Monte-Carlo dropout over a {@link Dropout} instance (Gal and Ghahramani 2016): the mean over stochastic passes of a model is the prediction, what
 * the passes disagree about its uncertainty. Statistics are streamed, in memory that does not depend on the number of passes. Made by {@link createMonteCarlo}.
 *
 * @example
 * import { createMonteCarlo } from "wasm-dropout/monte-carlo";
 * const monteCarlo = await createMonteCarlo(dropout);
 * const model = (x, { dropout }) => dropout(x, 0.5);
 * const { mean, variance } = await monteCarlo.predict(model, Float32Array.of(1, 2, 3), { passes: 100 });
 */
export class MonteCarlo {
  readonly #engine: Engine;
  readonly #kernels: MonteCarloKernels;

  /** @internal */
  constructor(engine: Engine, kernels: MonteCarloKernels) {
    this.#engine = engine;
    this.#kernels = kernels;
  }

  /**
   * Runs `passes` stochastic passes of `model`, one after another, and gives mean and variance of each output element (Welford's update in f64,
   * whatever the dtype of outputs; NaN and infinities as its arithmetic says); of a classifier, whose `classes` are given, also entropies, mutual
   * information (BALD; Gal, Islam, Ghahramani 2017) and variation ratio. The same seed and passes give the same bits on every engine if the model does.
   *
   * Other tasks of the thread have their turn every `sliceMs`. Runs of one instance may overlap in time.
   *
   * @param model called with `input` and a {@link PassContext}, whose `dropout` it drops with
   * @param input of any kind, handed to the model as it is
   * @param options see {@link PredictOptions}
   * @returns a promise of plain data
   * @throws (rejects with) TypeError for a wrong kind of argument or output; RangeError for a value out of range, an output of another length than
   * before or than [samples, classes], or memory that cannot grow; what the model or `onProgress` throw; the signal's reason. The instance stays usable.
   * @example
   * import { createMonteCarlo } from "wasm-dropout/monte-carlo";
   * const monteCarlo = await createMonteCarlo(dropout);
   * const weights = Float32Array.of(1, -1, 2, 0.5, 0, -2);
   * function model(x, { dropout }) {
   *   const h = dropout(x, 0.5); // [3]
   *   return Float32Array.from({ length: 2 }, (_, c) => h.reduce((sum, value, i) => sum + value * weights[2 * i + c], 0));
   * }
   * const options = { passes: 50, seed: 7, classes: 2, output: "logits" };
   * const { mean, mutualInformation } = await monteCarlo.predict(model, Float32Array.of(1, 2, 3), options);
   */
  predict<I>(model: Model<I>, input: I, options: PredictOptions & { classes: number }): Promise<ClassPrediction>;
  predict<I>(model: Model<I>, input: I, options: PredictOptions): Promise<Prediction>;
  async predict<I>(model: Model<I>, input: I, options: PredictOptions): Promise<Prediction> {
    checkFunction(model, "model");
    const engine = this.#engine;
    const plan = readPlan(engine.sequence, options);
    const { usage } = plan;
    return await this._predict(plan, (pass) => {
      usage.waits = false;
      const output = model(input, passContext(engine, plan, pass));
      usage.waits = isPromise(output);
      return output;
    });
  }

  /** @internal As predict(), of passes whose outputs come from `source`. */
  async _predict(plan: Plan, source: Source): Promise<Prediction> {
    const engine = this.#engine;
    const { run, layout, firstPass, passes, signal, onProgress, progressMs, until, earlier, usage } = plan;
    const statistics = new Statistics(engine, this.#kernels, run, layout, plan.half, plan.keepPasses);
    const slices = new Slices(plan.sliceMs);
    const oneByOne = until !== undefined || onProgress !== undefined;
    let told = Number.NEGATIVE_INFINITY;
    try {
      if (earlier !== undefined) statistics.resume(earlier.totals);
      let done = 0;
      for (let ended = false; !ended; ) {
        throwIfAborted(signal);
        const output = source(firstPass + done, oneByOne ? 1 : passes - done);
        const settled = isPromise(output) ? await unlessAborted(output, signal) : output;
        if (settled instanceof Several) {
          statistics.add(settled.data, settled.passes);
          done += settled.passes;
        } else {
          const data = dataOf(settled);
          statistics.add(isPromise(data) ? await unlessAborted(data, signal) : data);
          ++done;
        }
        ended = done === passes || (until !== undefined && statistics.settled(until));
        if (onProgress !== undefined) {
          const now = milliseconds();
          if (now - told >= progressMs || ended) {
            told = now;
            const answer: unknown = onProgress({ pass: firstPass + done - 1, done, passes });
            if (isPromise(answer)) await unlessAborted(answer, signal);
          }
        }
        if (!ended && slices.ended()) await unlessAborted(slices.pause(), signal);
      }
      throwIfAborted(signal);
      const own: Ranges = [[firstPass, firstPass + done]];
      const ranges = joinRanges(earlier?.ranges ?? [], own) as Ranges;
      const seedUsed = usage.seedUsed && earlier?.seedUsed !== false;
      let { totals } = statistics;
      if (earlier !== undefined && plan.keepPasses) {
        totals = { ...totals, passOutputs: joinKept({ ranges: own, totals }, earlier, totals.mean.length) };
      }
      return conclude(run, layout, ranges, totals, seedUsed, (mean, rows) => this.#entropies(mean, rows));
    } finally {
      statistics.free();
    }
  }

  /**
   * The prediction of all passes of several, such as those of workers that shared a run: the mean and the variance of their union by the formulas of
   * Chan, Golub and LeVeque (1983), joined from the first to the last, which equal those of a run in one to rounding; votes and passes exactly.
   *
   * @param predictions of the same model, input and options but for their passes, which no two may share; at least one
   * @param options see {@link MergeOptions}
   * @throws TypeError if these are no predictions, RangeError if they do not belong together, have passes in common, or if no seed reached a model
   * (`seedUsed`), so that its passes may be the same
   * @example
   * import { createMonteCarlo } from "wasm-dropout/monte-carlo";
   * const monteCarlo = await createMonteCarlo(dropout);
   * const model = (x, { dropout }) => dropout(x, 0.5);
   * const x = Float32Array.of(1, 2, 3);
   * const a = await monteCarlo.predict(model, x, { passes: 50 });
   * const b = await monteCarlo.predict(model, x, { passes: 50, firstPass: 50 }); // here or in another thread
   * const { mean, variance } = monteCarlo.merge([a, b]);
   */
  merge<P extends Prediction>(predictions: readonly P[], options: MergeOptions = NO_OPTIONS): P {
    checkOptions(options, MERGE_KEYS);
    const { independent } = options;
    checkFlag(independent, "independent");
    if (!isArray(predictions)) throw wrongKind("predictions", "array of predictions", predictions);
    const read: Earlier[] = [];
    // One by one, from the first on: the places of an array of any length may all be empty.
    for (let k = 0; k < predictions.length; ++k) read.push(readPrediction(predictions[k], `predictions[${k}]`));
    const [first, ...others] = read;
    if (first === undefined) throw wrongValue("predictions", "at least one prediction", 0);
    let { ranges, totals, seedUsed } = first;
    const kept = totals.passOutputs !== undefined;
    others.forEach((other, i) => {
      const name = `predictions[${i + 1}]`;
      checkSameRun(other.run, first.run, name);
      if (other.totals.mean.length !== totals.mean.length) {
        throw wrongValue(`${name}.mean`, `length ${totals.mean.length}`, other.totals.mean.length);
      }
      checkSeedUsed(seedUsed, independent, "predictions[0].seedUsed");
      checkSeedUsed(other.seedUsed, independent, `${name}.seedUsed`);
      seedUsed &&= other.seedUsed;
      const joined = joinRanges(ranges, other.ranges);
      if (joined === undefined) throw wrongValue(`${name}.ranges`, "passes that those before do not have", JSON.stringify(other.ranges));
      if (kept || other.totals.passOutputs !== undefined) {
        readKept(first.totals, "predictions[0]");
        readKept(other.totals, name);
      }
      const passOutputs = kept ? joinKept({ ranges, totals }, other, totals.mean.length) : undefined;
      totals = { ...joinTotals(totals, other.totals), passOutputs };
      ranges = joined;
    });
    const { run, layout } = first;
    return conclude(run, layout, ranges, totals, seedUsed, (mean, rows) => this.#entropies(mean, rows)) as Prediction as P;
  }

  /**
   * Computes the expected predictive information gain of each example of a pool (EPIG; Bickford Smith et al. 2023, equation 6): the mutual information of
   * its label and that of a target, on average over the targets. It is large where a label would tell most about the predictions that count, where
   * `mutualInformation` also counts what says nothing of them.
   *
   * Both are predictions of one classifier with `keepPasses: true`, in the same passes with the same masks: masks "perPass", one seed. Joint
   * probabilities of an example and a target are the means over the passes of the products of theirs, in f64. Time grows with pool x targets x passes x
   * classes^2; memory beyond that of the passes does not grow with the number of pairs.
   *
   * @param pool prediction of the examples to choose from
   * @param targets prediction of examples such as those that the model is for; or the number of the last examples of `pool` that are these
   * @returns information gains in nats, of each row of the pool, in the order of `mutualInformation`
   * @throws TypeError if these are no predictions; RangeError if they are not of one classifier, seed and passes, have masks "perExample" or labels that do
   * not exclude each other ("sigmoids"), or if their passes were not kept
   * @example
   * import { createMonteCarlo } from "wasm-dropout/monte-carlo";
   * const monteCarlo = await createMonteCarlo(dropout);
   * const model = (x, { dropout }) => dropout(x, 0.5, { samples: x.length / 2 }); // two logits an example
   * const options = { passes: 50, classes: 2, output: "logits", keepPasses: true };
   * const pool = await monteCarlo.predict(model, Float32Array.of(1, 2, 3, -1, 0.5, 0.5), { ...options, samples: 3 });
   * const targets = await monteCarlo.predict(model, Float32Array.of(2, 3), { ...options, samples: 1 });
   * const gains = monteCarlo.epig(pool, targets); // of three examples
   */
  epig(pool: ClassPrediction, targets: ClassPrediction | number): Float64Array<ArrayBuffer> {
    return epig(pool, targets, (values, rows) => this.#entropies(values, rows));
  }

  /** Returns the entropy of each of `rows` rows of probabilities. */
  #entropies(probabilities: Float64Array<ArrayBuffer>, rows: number): Float64Array<ArrayBuffer> {
    if (rows === 0) return new Float64Array();
    const engine = this.#engine;
    const columns = probabilities.length / rows;
    const pass = engine.open();
    try {
      const src = pass.stage(pass.data(probabilities, "probabilities"), Math.max(PIECE, columns));
      const pointer = pass.scratch(8 * rows);
      pass.ready();
      const results = engine.memory.view("f64", pointer, rows).fill(0);
      for (const { at, count, row, rows: some } of pieces(rows, columns, true)) {
        this.#kernels.entropy.probabilities.f64(pointer + 8 * row, src.enter(at, count), some, columns, 1);
      }
      return results.slice();
    } finally {
      engine.close(pass);
    }
  }
}
