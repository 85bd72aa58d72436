// What a model gets in each pass: its number, and dropout whose masks follow from the numbers of pass, layer and sample alone.

import type { DtypeOf, HalfOptions, Like, Result } from "../core/options.js";
import type { Engine } from "../engine/engine.js";
import type { AnyData, AnyDataOf } from "../engine/operand.js";
import { pieces } from "../engine/pieces.js";
import { checkProbability, wrongValue } from "../ground/check.js";
import { byteLength } from "../ground/dtypes.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import type { StreamKind } from "../stream/kinds.js";
import type { Plan } from "./options.js";
import { checkFirstSample, checkLayer, checkSamples, setStream, streamOf } from "./streams.js";

/** Options of {@link PassContext.dropout}, with an output of type Y: undefined for one that the call makes. */
export interface PassDropoutOptions<Y extends AnyData | undefined = undefined> extends HalfOptions {
  /** Number of the layer, an integer in [0, 2^16); by default how many calls of this pass named none before this one. */
  layer?: number | undefined;
  /** Number of the sample of the first row, an integer in [0, 2^24); the run's `firstSample` by default. Counts only where masks are "perExample". */
  sample?: number | undefined;
  /** Number of rows, an integer in [1, 2^24]; the run's `samples` by default. */
  samples?: number | undefined;
  /** Where to write y: x itself or memory apart from it. By default a new array, or buffer, like x. */
  out?: Y;
}

const PASS_DROPOUT_KEYS: Known = /* @__PURE__ */ known("layer", "sample", "samples", "out", "dtype");

/** Options of {@link PassContext.stream}. */
export interface PassStreamOptions {
  /** Number of the layer; numbered as {@link PassContext.dropout} does. */
  layer?: number | undefined;
  /** Number of the sample; 0 by default. */
  sample?: number | undefined;
}
const PASS_STREAM_KEYS: Known = /* @__PURE__ */ known("layer", "sample");

/** The second argument of a model, beside its input. Functions need no `this`. */
export interface PassContext {
  /** Number of this pass; as many runs may share the passes of a prediction, they need not begin with 0. */
  readonly pass: number;
  /** How many passes this run has. */
  readonly passes: number;
  /** The run's signal, for models that can be interrupted. */
  readonly signal: AbortSignal | undefined;
  /**
   * Inverted dropout of the rows of x, [samples, features], as {@link Dropout.dropout} computes it. Row i has the mask of
   * `streamOf(pass, layer, sample + i)`, or of `streamOf(pass, layer)` where masks are "perPass", from its start on.
   *
   * @param x data of f32 or f64, or, with {@link createHalf} of "wasm-dropout/half", f16 or bf16
   * @param p drop probability in [0, 1]
   * @param options see {@link PassDropoutOptions}
   * @returns `out`, or a new array, or buffer, like x
   * @throws TypeError and RangeError as {@link Dropout.dropout} does, and if x does not divide into rows
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
  /** Runs `body` with the number of its layer, which is used up if it succeeds. */
  const layered = <R>(given: unknown, body: (layer: number) => R): R => {
    usage.seedUsed = true;
    const layer = given === undefined ? nextLayer : given;
    checkLayer(layer);
    const result = body(layer);
    if (given === undefined) ++nextLayer;
    return result;
  };
  return {
    get pass() {
      usage.seedUsed = true;
      return pass;
    },
    passes,
    signal,
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
      return layered(layer, drop) as Result<Like<X>, Y>;
    },
    stream: (options = NO_OPTIONS) => {
      checkOptions(options, PASS_STREAM_KEYS);
      const { layer, sample = 0 } = options;
      checkFirstSample(sample, "sample", 1);
      const stream = layered(layer, (layer) => streamOf(pass, layer, sample));
      return { kind: run.kind, seed: seed.toBigInt(), stream };
    },
  };
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
    if (length % samples !== 0) throw wrongValue("x", `length that is a multiple of ${samples} samples`, length);
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
    if (samples === 1) {
      setStream(draw.stream, number, layer, perExample ? sample : 0);
      running.elementwise(kernel, dst, src);
    } else {
      for (const { at, count, row, rows, column, columns } of pieces(samples, length / samples)) {
        const from = src.enter(at, count);
        const to = dst.enter(at, count);
        for (let r = 0; r < rows; ++r) {
          const offset = byteLength(stored, r * columns);
          setStream(draw.stream, number, layer, perExample ? sample + row + r : 0);
          kernel(to + offset, from + offset, columns, running.params(column));
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
