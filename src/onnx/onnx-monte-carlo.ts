// Monte-Carlo dropout of an ONNX model: what passes have in common runs once, the rest in each pass, or for several passes at once.

import { checkInteger, isPromise, wrongValue } from "../ground/check.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import type { ClassPrediction, MonteCarlo, Prediction, PredictOptions } from "../monte-carlo/index.js";
import { readPlan } from "../monte-carlo/options.js";
import { throwIfAborted, unlessAborted } from "../monte-carlo/tasks.js";
import { exampleAxes, likeFirst, readInputs } from "./inputs.js";
import type { Opened } from "./opened.js";
import { IdleFeeds, MOST_PASSES_PER_RUN, Passes } from "./passes.js";
import { readModel, typeOfName, writeModel } from "./proto.js";
import { Rest } from "./rest.js";
import { type OnnxInputs, runSession, type Session, type Values } from "./runtime.js";
import { type Frame, instrument, type Layout, type Probe, sameElements, separate } from "./separable.js";

/** Options of {@link OnnxMonteCarlo.predict}: those of {@link MonteCarlo.predict} that do not follow from the model and its inputs. */
export interface OnnxPredictOptions extends Omit<PredictOptions, "kind" | "dtype" | "outputShape"> {
  /**
   * Number of examples in the inputs, along the first axis of the first of them. By default all of them, where the model is known to keep examples
   * apart, each with masks of its own ("perExample", the default here); otherwise 1: then the batch is one example, and its masks are those of its place
   * in it. A number of examples of a model that may mix them is refused.
   */
  samples?: number | undefined;
  /** Most passes that run as one batch, where the model is known to allow it, an integer of at least 1; by default as many as fit into the caches. */
  batchPasses?: number | undefined;
}
const PREDICT_KEYS: Known = /* @__PURE__ */ known(
  ...["passes", "firstPass", "seed", "masks", "samples", "firstSample", "classes", "output", "classAxis", "onProgress", "progressMs"],
  ...["signal", "sliceMs", "resume", "until", "independent", "keepPasses", "batchPasses"],
);

/** A dropout that is live. */
export interface OnnxDropout {
  /** The name of its streams, for `streamOf` of "wasm-dropout/monte-carlo". */
  readonly name: string;
  /** Drop probability. */
  readonly p: number;
}

/**
 * Monte-Carlo dropout of an ONNX model in a runtime of the caller's. Made by {@link createOnnxMonteCarlo}.
 *
 * @example
 * import { createOnnxMonteCarlo } from "wasm-dropout/onnx";
 * const open = (ort, model) => createOnnxMonteCarlo(dropout, { ort, model });
 */
export class OnnxMonteCarlo {
  /** The dropouts that reach the output, in the order of the model. */
  readonly dropouts: readonly OnnxDropout[];
  /** Names of the inputs that predictions need. */
  readonly inputNames: readonly string[];
  /** Name of the output that predictions are of. */
  readonly outputName: string;
  readonly #opened: Opened;
  readonly #layouts = new Map<string, Layout | Promise<Layout>>();
  readonly #frames = new Map<string, Frame | Promise<Frame>>();
  // Runtimes refuse or spoil runs of one session that overlap: each waits for those before.
  #last: Promise<unknown> = Promise.resolve();
  #queued = 0;
  #released = false;
  readonly #rest: Rest;
  readonly #idle = new IdleFeeds();

  /** @internal */
  constructor(opened: Opened) {
    this.#opened = opened;
    this.#rest = new Rest(opened, (session, feeds, fetches) => this.#run(session, feeds, fetches));
    const { inputs, sites, target } = opened.split;
    this.dropouts = sites.map(({ name, p }) => ({ name, p }));
    this.inputNames = inputs.map(({ name }) => name);
    this.outputName = target.name;
  }

  /**
   * Runs stochastic passes of the model, as {@link MonteCarlo.predict} does. The mask of example i at a dropout is that of
   * `dropout.mask(features, p, { seed, stream: streamOf(pass, name, firstSample + i) })`, or of sample 0 where masks are "perPass": it does not depend on
   * the other examples, on how many passes run at once, or on the runtime. What the passes have in common runs once.
   *
   * The first prediction of inputs of some sizes also runs the model on one and on two examples, to see shapes and whether it keeps examples apart.
   *
   * @param inputs tensors of the runtime by the names of inputs, or one alone
   * @param options see {@link OnnxPredictOptions}
   * @returns a promise of plain data
   * @throws (rejects with) what {@link MonteCarlo.predict} does; TypeError or RangeError for inputs that are not those of the model, `samples` of one
   * that may mix examples, an output with NaN, or after release(); the errors of the runtime. The instance stays usable.
   * @example
   * import { createOnnxMonteCarlo } from "wasm-dropout/onnx";
   * async function predict(ort, model, x) {
   *   const onnx = await createOnnxMonteCarlo(dropout, { ort, model });
   *   return await onnx.predict(x, { passes: 50, seed: 7, classes: 10, output: "logits" });
   * }
   */
  predict(inputs: OnnxInputs, options: OnnxPredictOptions & { classes: number }): Promise<ClassPrediction>;
  predict(inputs: OnnxInputs, options: OnnxPredictOptions): Promise<Prediction>;
  async predict(inputs: OnnxInputs, options: OnnxPredictOptions): Promise<Prediction> {
    checkOptions(options, PREDICT_KEYS);
    const { engine, monteCarlo, dropout, split } = this.#opened;
    const { masks = "perExample", samples: wanted, batchPasses = MOST_PASSES_PER_RUN, seed = dropout.seed, resume, classes } = options;
    const { passes: count, firstPass, firstSample, output, classAxis, signal, sliceMs, until, independent, keepPasses } = options;
    const { onProgress, progressMs } = options;
    checkInteger(batchPasses, "batchPasses", 1, 2 ** 24);
    // Written out: a spread takes longer than a small model.
    const settings: { -readonly [K in keyof PredictOptions]: PredictOptions[K] } = {
      passes: count,
      firstPass,
      seed,
      kind: dropout.kind,
      masks,
      samples: wanted,
      firstSample,
      classes,
      output,
      classAxis,
      onProgress,
      progressMs,
      signal,
      sliceMs,
      until,
      independent,
      keepPasses,
    };
    // Everything but what depends on inputs, before anything runs.
    let plan = readPlan(engine.sequence, settings);
    const values = await readInputs(inputs, split.inputs, split.unread);
    this.#checkOpen();
    throwIfAborted(signal);
    const wait = <T>(value: T | Promise<T>): T | PromiseLike<T> => (isPromise(value) ? unlessAborted(value, signal) : value);
    const axes = exampleAxes(split.inputs, values);
    const cut = await wait(this.#runPrefix(values));
    // Known ones are not waited for.
    const found = wait(this.#layoutOf(values, axes));
    const layout = isPromise(found) ? await found : found;
    const seen = wait(this.#frameOf(values, axes, cut, layout, wanted));
    const frame = isPromise(seen) ? await seen : seen;
    const passes = new Passes(this.#opened, this.#rest, {
      values: cut.size === 0 ? values : new Map([...values, ...cut]),
      layout,
      frame,
      perExample: masks === "perExample",
      firstSample: firstSample ?? 0,
      batchPasses,
      idle: this.#idle,
    });
    if (frame.samples !== plan.run.samples || resume !== undefined || classes !== undefined) {
      settings.samples = frame.samples;
      settings.resume = resume;
      if (classes !== undefined) settings.outputShape = passes.outputShape(classes);
      plan = readPlan(engine.sequence, settings);
    }
    passes.begin(plan);
    const prediction = await monteCarlo._predict(plan, (pass, most) => passes.outputs(pass, most));
    passes.end();
    return prediction;
  }

  /** Releases the sessions once the run that is under way has ended. Predictions that are not done reject, as later ones do. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    this.#idle.clear();
    await this.#queue(async () => {
      await this.#opened.prefix?.release?.();
      await this.#rest.release();
    });
  }

  #checkOpen(): void {
    if (this.#released) throw wrongValue("inputs", "predictions before release()", "one after it");
  }

  /** Runs a task after all that were queued before, whatever became of them. */
  #queue<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queued === 0 ? task() : this.#last.then(task);
    ++this.#queued;
    const ended = () => {
      --this.#queued;
    };
    this.#last = result.then(ended, ended);
    return result;
  }

  /** Returns outputs of a session. */
  #run(session: Session, feeds: ReadonlyMap<string, Values>, fetches: readonly string[]): Promise<Map<string, Values>> {
    const { runtime } = this.#opened;
    return this.#queue(async () => {
      this.#checkOpen();
      return await runSession(runtime, session, feeds, fetches);
    });
  }

  #runPrefix(values: ReadonlyMap<string, Values>): Promise<Map<string, Values>> {
    const { prefix, split } = this.#opened;
    if (prefix === undefined) return Promise.resolve(new Map());
    const feeds = new Map<string, Values>();
    for (const name of split.prefix?.inputs ?? []) feeds.set(name, values.get(name) as Values);
    return this.#run(prefix, feeds, split.cut);
  }

  #layoutOf(values: ReadonlyMap<string, Values>, axes: ReadonlyMap<string, number>): Layout | Promise<Layout> {
    const key = keyOf(values, axes);
    return this.#layouts.get(key) ?? remember(this.#layouts, key, this.#prove(values, axes));
  }

  /** Proves that the model keeps examples apart, or finds a reason to doubt it. */
  async #prove(values: ReadonlyMap<string, Values>, axes: ReadonlyMap<string, number>): Promise<Layout> {
    const doubt = (reason: string) => ({ separation: undefined, reason });
    if ([...axes].some(([name, axis]) => axis >= 0 && (values.get(name) as Values).dims[axis] === 0))
      return doubt("a batch of no examples");
    if (![...axes.values()].some((axis) => axis >= 0)) return doubt("inputs without an axis of examples");
    const { runtime, split, restBytes } = this.#opened;
    const fed: Map<string, Values>[] = [];
    try {
      for (const count of [1, 2]) {
        const some = likeFirst(values, axes, count);
        const cut = await this.#runPrefix(some);
        fed.push(this.#keptOf(new Map([...some, ...cut])));
      }
      const [one, two] = fed as [Map<string, Values>, Map<string, Values>];
      const counted = [...one].flatMap(([name, { data }]) => (sameElements(data, (two.get(name) as Values).data) ? [] : [name]));
      const unbatched = counted.filter((name) => (one.get(name) as Values).dims.join() === (two.get(name) as Values).dims.join());
      const instrumented = instrument(readModel(restBytes), unbatched, split.witnesses);
      const session = await runtime.open(writeModel(instrumented.model));
      try {
        const probe = async (feeds: ReadonlyMap<string, Values>): Promise<Probe> => ({
          fed: feeds,
          results: await this.#queue(() => runSession(runtime, session, feeds, instrumented.outputs)),
        });
        const proof = separate(instrumented, { sites: split.sites, result: split.target.result }, await probe(one), await probe(two));
        return typeof proof === "string" ? doubt(proof) : { separation: proof, reason: "" };
      } finally {
        await session.release?.();
      }
    } catch (error) {
      // Models that cannot run on other numbers of examples than they were made for.
      return doubt(`the model does not run on one and on two examples (${firstLine(error)})`);
    }
  }

  /** Returns the shapes of all sites and of the output for inputs; `wanted` is the number of examples that the caller says there are. */
  #frameOf(
    values: ReadonlyMap<string, Values>,
    axes: ReadonlyMap<string, number>,
    cut: ReadonlyMap<string, Values>,
    { separation, reason }: Layout,
    wanted: number | undefined,
  ): Frame | Promise<Frame> {
    const samples = examplesOf(values, axes);
    if (separation !== undefined && (wanted !== 1 || samples === 1)) {
      if (wanted !== undefined && wanted !== samples) throw wrongValue("samples", `the ${samples} examples of the inputs, or 1`, wanted);
      return { samples, sites: separation.sites, output: separation.output };
    }
    if (wanted !== undefined && wanted !== 1)
      throw wrongValue("samples", "1 for a model that may mix examples", `${wanted}; the reason is ${reason}`);
    const key = [...values.values()].map(({ dims }) => dims.join()).join(";");
    return this.#frames.get(key) ?? remember(this.#frames, key, this.#seeShapes(new Map([...values, ...cut])));
  }

  /** Sees shapes in a run of the rest in which nothing is dropped. */
  async #seeShapes(values: ReadonlyMap<string, Values>): Promise<Frame> {
    const { split, rest } = this.#opened;
    const { result } = split.target;
    const names = [...split.sites.flatMap(({ shape }) => shape ?? []), result];
    const results = await this.#run(rest, this.#keptOf(values), names);
    const shapeOf = (name: string) => Array.from((results.get(name) as Values).data as ArrayLike<unknown>, Number);
    const whole = (dims: readonly number[]) => ({ dims, axis: -1 });
    const sites = split.sites.map(({ shape, data }) => whole(shape === undefined ? (values.get(data) as Values).dims : shapeOf(shape)));
    return { samples: 1, sites, output: whole((results.get(result) as Values).dims) };
  }

  /** Returns what the rest is fed where nothing is dropped. */
  #keptOf(values: ReadonlyMap<string, Values>): Map<string, Values> {
    const { split, restInputs } = this.#opened;
    const feeds = new Map([...restInputs, ...split.crossing].map((name) => [name, values.get(name) as Values]));
    for (const { form, input, data } of split.sites) feeds.set(input, form === "data" ? (values.get(data) as Values) : allKept(form));
    return feeds;
  }
}

/** Returns a mask that broadcasts to any shape. */
const allKept = (form: "bool" | "bytes"): Values => ({ type: form === "bool" ? "bool" : "uint8", dims: [], data: Uint8Array.of(1) });
// Sizes of inputs whose shapes are remembered.
const MOST_REMEMBERED = 64;

/** Keeps what a promise resolves with, and the promise until then. */
function remember<T>(map: Map<string, T | Promise<T>>, key: string, promise: Promise<T>): Promise<T> {
  const [oldest] = map.keys();
  if (map.size >= MOST_REMEMBERED && oldest !== undefined) map.delete(oldest);
  map.set(key, promise);
  const isHeld = () => map.get(key) === promise;
  promise.then(
    (value) => isHeld() && map.set(key, value),
    () => isHeld() && map.delete(key),
  );
  return promise;
}

/** Returns the number of examples in inputs. */
function examplesOf(values: ReadonlyMap<string, Values>, axes: ReadonlyMap<string, number>): number {
  for (const [name, axis] of axes) if (axis >= 0) return (values.get(name) as Values).dims[axis] as number;
  return 1;
}

/** The sizes of inputs but for the number of examples. */
function keyOf(values: ReadonlyMap<string, Values>, axes: ReadonlyMap<string, number>): string {
  return [...values].map(([name, { dims }]) => dims.map((size, k) => (k === axes.get(name) ? "B" : size)).join()).join(";");
}

const firstLine = (error: unknown): string =>
  String((error as { message?: unknown } | undefined)?.message ?? error)
    .split("\n", 1)[0]
    ?.slice(0, 200) ?? "";

/** @internal The element type of a tensor that crosses the cut, as the session of the prefix knows it. */
export function cutTypes(session: Session | undefined): (name: string) => number | undefined {
  const types = new Map<string, number>();
  for (const { name, isTensor, type } of session?.outputMetadata ?? []) {
    if (isTensor !== false && type !== undefined) types.set(name, typeOfName(type));
  }
  return (name) => types.get(name);
}
