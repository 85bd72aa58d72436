// The context of a model in each pass: its number, and dropout whose masks follow from the numbers of pass, layer and sample alone.

import type { DtypeOf, HalfOptions, Like, Result } from "../core/options.js";
import { WasmBuffer } from "../engine/buffer.js";
import type { Engine } from "../engine/engine.js";
import type { AnyData, AnyDataOf } from "../engine/operand.js";
import { pieces } from "../engine/pieces.js";
import { checkProbability, describe, isTypedArray, lengthOf, shorten, wrongValue } from "../ground/check.js";
import { byteLength } from "../ground/dtypes.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import { Words } from "../ground/words.js";
import { addSample, layerOfName } from "../stream/domains.js";
import type { StreamKind } from "../stream/kinds.js";
import type { Masks } from "./choices.js";
import type { Plan, Usage } from "./options.js";
import { checkFirstSample, checkSamples, readLayer, setStream } from "./streams.js";

/** Options of {@link PassContext.dropout}, with an output of type Y: undefined for one that the call makes. */
export interface PassDropoutOptions<Y extends AnyData | undefined = undefined> extends HalfOptions {
  /**
   * Name of the layer, or its number, an integer in [0, 2^16); by default the number of calls of this pass without a layer before this one. Calls
   * that come after the model has waited may be without if they come in one go, without waiting between them: branches that wait for other things, as in
   * `Promise.all`, may change places. Not every such change is refused: if the things that two branches wait for are settled together, in an order that
   * varies from pass to pass, and their rows are of one length, nothing tells their calls from calls in one go. Name the calls of branches.
   */
  layer?: number | string | undefined;
  /** Number of the sample of the first row, an integer in [0, 2^24); the run's `firstSample` by default. Counts only where masks are "perExample". */
  sample?: number | undefined;
  /** Number of rows, an integer in [0, 2^24]; the run's `samples` by default. */
  samples?: number | undefined;
  /** The array to write y to: x itself or memory apart from it. By default a new array, or buffer, like x. */
  out?: Y;
}

const PASS_DROPOUT_KEYS: Known = /* @__PURE__ */ known("layer", "sample", "samples", "out", "dtype");

/** Options of {@link PassContext.stream}. */
export interface PassStreamOptions {
  /** Name or number of the layer; numbered as {@link PassContext.dropout} does. */
  layer?: number | string | undefined;
  /** Number of the sample; 0 by default. */
  sample?: number | undefined;
}
const PASS_STREAM_KEYS: Known = /* @__PURE__ */ known("layer", "sample");

/** The second argument of a model, beside its input. Functions need no `this`. */
export interface PassContext {
  /** Number of this pass; as many runs may share the passes of a prediction, they need not begin with 0. */
  readonly pass: number;
  /** Number of passes of this run, at most. */
  readonly passes: number;
  /** The run's signal, for models that can be interrupted. */
  readonly signal: AbortSignal | undefined;
  /** Number of examples in the input, and number of the first, as the options of the run say. */
  readonly samples: number;
  readonly firstSample: number;
  /** Says whether the examples of a pass share masks. */
  readonly masks: Masks;
  /**
   * Inverted dropout of the rows of x, [samples, features], as {@link Dropout.dropout} computes it. Row i has the mask of
   * `streamOf(pass, layer, sample + i)`, or of `streamOf(pass, layer)` where masks are "perPass", from its start on.
   *
   * @param x data of f32 or f64, or, with {@link createHalf} of "wasm-dropout/half", f16 or bf16
   * @param p drop probability in [0, 1]
   * @param options see {@link PassDropoutOptions}
   * @returns `out`, or a new array, or buffer, like x
   * @throws TypeError and RangeError as {@link Dropout.dropout} does, if x does not divide into rows, if a call without a layer has rows of another
   * length than in the passes before, so that the order of calls was another, and if others came before that had also waited, but not in one go
   */
  readonly dropout: <X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options?: PassDropoutOptions<Y>,
  ) => Result<Like<X>, Y>;
  /**
   * Returns the stream of a layer and sample, for anything else that takes stream options: `dropout.mask(n, p, context.stream())`.
   *
   * @param options see {@link PassStreamOptions}
   */
  readonly stream: (options?: PassStreamOptions) => {
    readonly kind: StreamKind;
    readonly seed: bigint;
    readonly stream: bigint;
  };
}

const NO_OPTIONS = {};

/** Returns the context of pass number `pass`. */
export function passContext(engine: Engine, plan: Plan, pass: number): PassContext {
  const { run, seed, passes, signal, usage } = plan;
  let nextLayer = 0;
  // The calls without a layer that come in one go, the first after the model has waited.
  let together: { ended: boolean } | undefined;
  /** Runs `body` with the number of its layer, which is used up if it succeeds. `features` is the length of its rows, if it has any. */
  const layered = <R>(given: unknown, features: number, body: (layer: number) => R): R => {
    usage.seedUsed = true;
    const layer = readLayer(given === undefined ? nextLayer : given);
    if (typeof given === "string") checkName(usage, given, layer);
    if (given === undefined) {
      if (together?.ended) refuseLater();
      checkOrder(usage, layer, features);
    }
    const result = body(layer);
    if (given === undefined) {
      ++nextLayer;
      if (usage.waits) together ??= untilNextJob();
      usage.features[layer] = features;
    }
    return result;
  };
  const context: PassContext = {
    pass,
    passes,
    signal,
    samples: run.samples,
    firstSample: run.firstSample,
    masks: run.masks,
    dropout: <X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
      x: X,
      p: number,
      options: PassDropoutOptions<Y> = NO_OPTIONS,
    ) => {
      checkProbability(p, "p");
      checkOptions(options, PASS_DROPOUT_KEYS);
      const { layer, sample = run.firstSample, samples = run.samples, out, dtype: half } = options;
      checkSamples(samples, "samples");
      checkFirstSample(sample, "sample", samples);
      const drop = (layer: number) => dropRows(engine, plan, { pass, layer, sample, samples }, x, p, out, half);
      return layered(layer, featuresOf(x, samples), drop) as Result<Like<X>, Y>;
    },
    stream: (options = NO_OPTIONS) => {
      checkOptions(options, PASS_STREAM_KEYS);
      const { layer, sample = 0 } = options;
      checkFirstSample(sample, "sample", 1);
      const stream = new Words();
      layered(layer, 0, (layer) => setStream(stream, pass, layer, sample));
      return { kind: run.kind, seed: seed.toBigInt(), stream: stream.toBigInt() };
    },
  };
  // A model that reads the number does so in the first pass: the others are spared the getter, which takes as long as a small layer.
  if (pass === plan.firstPass) {
    const get = () => {
      usage.seedUsed = true;
      return pass;
    };
    Object.defineProperty(context, "pass", { get, enumerable: true });
  }
  return context;
}

/** Returns the length of a row; NaN for what is no data, which is refused elsewhere. */
function featuresOf(x: unknown, samples: number): number {
  if (WasmBuffer._is(x)) return WasmBuffer._lengthOf(x) / samples;
  return isTypedArray(x) ? lengthOf(x) / samples : Number.NaN;
}

/** Throws RangeError if another name of the run has the same number: of 100 names, two have with a probability of 1 in 400,000. */
function checkName({ names }: Usage, name: string, layer: number): void {
  const known = names.get(layer);
  if (known === name) return;
  if (known !== undefined)
    throw wrongValue("layer", `a name whose number is not that of ${JSON.stringify(shorten(known))}`, describe(name));
  names.set(layer, name);
}

/** Says that a run draws masks of layers by names, as `stream` of a context does. Throws RangeError if two have the same number. */
export function useLayers(usage: Usage, names: readonly string[]): void {
  usage.seedUsed = true;
  for (const name of names) checkName(usage, name, layerOfName(name));
}

/** Throws RangeError if a call without a layer is not the one that it was in earlier passes: branches that run side by side change places. */
function checkOrder({ features }: Usage, layer: number, length: number): void {
  const known = features[layer];
  if (known === undefined || known === length || Number.isNaN(length)) return;
  throw wrongValue(
    "layer",
    `a name or number, as call ${layer} without one had ${known} features in an earlier pass`,
    `none, for ${length} features`,
  );
}

/** Returns what has ended once the code that runs has come to its end, or to a wait. */
function untilNextJob(): { ended: boolean } {
  const job = { ended: false };
  Promise.resolve().then(() => {
    job.ended = true;
  });
  return job;
}

/** Throws RangeError for a call without a layer after a second wait: nothing tells which calls are to be the first in each pass. */
function refuseLater(): never {
  throw wrongValue(
    "layer",
    "a name or number, as other calls without one came before, after the model had waited, and branches that run side by side change places",
    "none",
  );
}

interface Place {
  readonly pass: number;
  readonly layer: number;
  readonly sample: number;
  readonly samples: number;
}

// As the core's dropout: layers may be small, and a plan and closures would cost more than they do.
function dropRows(
  engine: Engine,
  { run, seed }: Plan,
  place: Place,
  x: AnyData,
  p: number,
  out: AnyData | undefined,
  half: unknown,
): unknown {
  const { pass: number, layer, sample, samples } = place;
  const pass = engine.open();
  try {
    const input = pass.data(x, "x", half);
    const { stored, length } = input;
    if (samples === 0 ? length > 0 : length % samples !== 0) {
      throw wrongValue("x", `length that is a multiple of ${samples} samples`, length);
    }
    const output = pass.output(out, "out", stored, length, x, input);
    const { draw } = pass;
    draw.kind = run.kind;
    draw.seed.copy(seed);
    draw.chance(p, "train", true);
    const src = pass.stageFixedStored(input);
    const dst = pass.stageFixedStored(output);
    const running = pass.ready();
    const kernel = engine.kernels.dropout[run.kind][stored] as (dst: number, src: number, n: number, params: number) => undefined;
    const perExample = run.masks === "perExample";
    setStream(draw.stream, number, layer, perExample ? sample : 0);
    if (samples === 1) {
      running.elementwise(kernel, dst, src);
    } else {
      const features = samples === 0 ? 0 : length / samples;
      for (const { at, count, rows, column, columns } of pieces(samples, features)) {
        const from = src.enter(at, count);
        const to = dst.enter(at, count);
        const size = byteLength(stored, columns);
        for (let r = 0; r < rows; ++r) {
          kernel(to + r * size, from + r * size, columns, running.params(column));
          // Rows come one after another, a long one in several pieces.
          if (perExample && column + columns === features) addSample(draw.stream, 1);
        }
        dst.leave(at, count);
      }
    }
    pass.keep();
    return output.array;
  } finally {
    engine.close(pass);
  }
}
