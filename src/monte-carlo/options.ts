// The options of a run of Monte-Carlo dropout, and the plan that follows once all of them are checked.

import type { HalfOptions } from "../core/options.js";
import { checkAmount, checkChoice, checkFlag, checkFunction, checkInteger, wrongKind, wrongValue } from "../ground/check.js";
import { HALF_DTYPES, type HalfDtype } from "../ground/dtypes.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import { Words } from "../ground/words.js";
import { STREAM_KINDS, type StreamKind } from "../stream/kinds.js";
import type { Sequence } from "../stream/sequence.js";
import { MAX_INDEX } from "../stream/ticket.js";
import { CLASS_OUTPUTS, type ClassOutput, MASKS, type Masks } from "./choices.js";
import { readKept } from "./kept.js";
import { type Layout, readLayout, refuseLayout } from "./layout.js";
import {
  checkSameRun,
  checkSeedUsed,
  type Earlier,
  joinRanges,
  type Prediction,
  type Run,
  readPrediction,
  type Until,
} from "./prediction.js";
import { checkFirstSample, checkSamples, MOST_PASSES } from "./streams.js";

/** The progress of a run. */
export interface Progress {
  /** Number of the pass that has just ended. */
  readonly pass: number;
  /** Number of passes of this run that have ended. */
  readonly done: number;
  /** Number of passes of this run, at most. */
  readonly passes: number;
}

/** Options of {@link MonteCarlo.predict}. */
export interface PredictOptions extends HalfOptions {
  /** T, the number of stochastic passes, an integer in [1, 2^24 - firstPass]. */
  passes: number;
  /**
   * Number of the first pass; 0 by default, or the one behind the last of `resume`. Passes of different numbers have different masks: runs on other
   * threads or machines, each with passes of its own, can be merged into one.
   */
  firstPass?: number | undefined;
  /** Seed of all masks, an integer in [0, 2^64); the instance's by default. Where the instance also trains, give this a seed of its own. */
  seed?: number | bigint | undefined;
  /** Keep stream of all masks; the instance's by default. */
  kind?: StreamKind | undefined;
  /**
   * "perPass" (default): all rows that {@link PassContext.dropout} drops from share the mask of sample 0 of the pass and layer. "perExample": each
   * has that of its own sample.
   */
  masks?: Masks | undefined;
  /** Number of examples in the input, an integer in [0, 2^24]; 1 by default. Dropout, and the outputs of a classifier, have so many rows. */
  samples?: number | undefined;
  /** Number of the first example; 0 by default. The parts of a batch, each with its own, have the masks that the whole has. */
  firstSample?: number | undefined;
  /**
   * Number of classes, an integer of at least 1, if the model is a classifier: then an output is [samples, classes], unless `outputShape` or `classAxis`
   * say otherwise.
   */
  classes?: number | undefined;
  /**
   * The kind of a classifier's outputs, which are checked: "probabilities" (default), rows of numbers in [0, 1] whose sum is 1; "logits", which softmax
   * makes probabilities of; or "sigmoids", a number in [0, 1] for each label, where labels do not exclude each other.
   */
  output?: ClassOutput | undefined;
  /** Shape of a classifier's outputs, such as [samples, classes, height, width]; [samples, classes], or [classes, samples] for a `classAxis` of 0, by default. */
  outputShape?: readonly number[] | undefined;
  /** Axis of the classes in a classifier's outputs; negative ones count from the last, -1, which is the default. */
  classAxis?: number | undefined;
  /** Ends the run before `passes` passes once every mean is known well enough. */
  until?: UntilOptions | undefined;
  /** Called after each pass, or at most every `progressMs` milliseconds, and after the last. The run waits for a promise that it returns. */
  onProgress?: ((progress: Progress) => unknown) | undefined;
  /** Least time between calls of `onProgress`, in milliseconds; 0 by default. */
  progressMs?: number | undefined;
  /** Ends the run: the promise rejects with the signal's reason, at once even where a model's promise is pending. */
  signal?: AbortSignal | undefined;
  /** After how many milliseconds of passes other tasks of the thread have their turn; 10 by default. 0: after each pass; Infinity: never. */
  sliceMs?: number | undefined;
  /**
   * A prediction of the same model, input and options, here or from JSON, to add passes to: the result is that of all of them. It is refused if no seed
   * reached its model (`seedUsed`), unless `independent` is true.
   */
  resume?: Prediction | undefined;
  /** true allows to `resume` a run of a model that draws its masks by other means, and never the same ones again. */
  independent?: boolean | undefined;
  /**
   * true: the result has the output of each pass too, as `passOutputs`, for {@link MonteCarlo.epig} and measures of one's own. They take 8 bytes an
   * element and pass. false by default, or as in `resume`.
   */
  keepPasses?: boolean | undefined;
}

/** A stopping rule. */
export interface UntilOptions {
  /** Largest standard error of a mean, in the unit of outputs, of a classifier of probabilities: not negative. All elements have to reach it. */
  standardError: number;
  /** Least number of passes, an integer of at least 2, as the variance over a few passes says little; 10 by default. */
  leastPasses?: number | undefined;
}
const UNTIL_KEYS: Known = /* @__PURE__ */ known("standardError", "leastPasses");
const LEAST_PASSES = 10;

const PREDICT_KEYS: Known = /* @__PURE__ */ known(
  ...["passes", "firstPass", "seed", "kind", "masks", "samples", "firstSample", "classes", "output", "dtype"],
  ...["onProgress", "progressMs", "signal", "sliceMs", "resume", "outputShape", "classAxis", "until", "independent", "keepPasses"],
);

/** The use that a model makes of its contexts. */
export interface Usage {
  /** true once it has read the number of a pass or drawn by a context. */
  seedUsed: boolean;
  /** The names of layers, by their numbers. */
  readonly names: Map<number, string>;
  /** The length of rows of each layer without a name or number of its own. */
  readonly features: number[];
  /** true from when the model of the present pass has returned a promise, and so waits for something. */
  waits: boolean;
}

/** A run as it will be carried out. */
export interface Plan {
  readonly run: Run;
  readonly seed: Words;
  readonly firstPass: number;
  readonly passes: number;
  /** The dtype of outputs in Uint16Arrays. */
  readonly half: HalfDtype | undefined;
  /** The layout of a classifier's outputs. */
  readonly layout: Layout | undefined;
  readonly until: Until | undefined;
  readonly earlier: Earlier | undefined;
  readonly usage: Usage;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly progressMs: number;
  readonly signal: AbortSignal | undefined;
  readonly sliceMs: number;
  readonly keepPasses: boolean;
}

/** Reads the options of a run, kind and seed of `sequence` by default; throws TypeError or RangeError. */
export function readPlan(sequence: Sequence, options: unknown): Plan {
  checkOptions(options, PREDICT_KEYS);
  const given = options as { [K in keyof PredictOptions]?: unknown };
  const { passes, seed, kind = sequence.kind, masks = "perPass", samples = 1, firstSample = 0, classes } = given;
  const { onProgress, progressMs = 0, signal, sliceMs = 10, resume, independent, outputShape, classAxis } = given;
  const until = readUntil(given.until);
  checkFlag(independent, "independent");
  const { dtype: half, output = classes === undefined ? undefined : "probabilities" } = given;
  const earlier = resume === undefined ? undefined : readPrediction(resume, "resume");
  const { firstPass = earlier?.ranges[earlier.ranges.length - 1]?.[1] ?? 0, keepPasses } = given;
  checkFlag(keepPasses, "keepPasses");
  checkInteger(passes, "passes", 1, MOST_PASSES);
  checkInteger(firstPass, "firstPass", 0, MOST_PASSES - passes);
  checkChoice(masks, "masks", MASKS);
  checkSamples(samples, "samples");
  checkFirstSample(firstSample, "firstSample", samples);
  if (classes !== undefined) {
    checkInteger(classes, "classes", 1, MAX_INDEX);
    checkChoice(output, "output", CLASS_OUTPUTS);
  } else {
    if (output !== undefined) throw wrongKind("output", "nothing without classes", output);
    refuseLayout({ outputShape, classAxis });
  }
  const shape = classes === undefined ? undefined : readLayout(classes, samples, { outputShape, classAxis });
  if (half !== undefined) checkChoice(half, "dtype", HALF_DTYPES);
  if (onProgress !== undefined) checkFunction(onProgress, "onProgress");
  checkDuration(progressMs, "progressMs");
  checkDuration(sliceMs, "sliceMs");
  if (signal !== undefined) checkSignal(signal);
  checkChoice(kind, "kind", STREAM_KINDS);
  const words = new Words();
  if (seed === undefined) words.copy(sequence.seed);
  else words.set(seed, "seed");
  const shared = { kind, seed: words.toString(), masks, samples, firstSample };
  const run: Run = classes === undefined ? shared : { ...shared, classes, output: output as ClassOutput, ...shape?.fields };
  if (earlier !== undefined) {
    checkSameRun(earlier.run, run, "resume");
    checkSeedUsed(earlier.seedUsed, independent, "resume.seedUsed");
    if (keepPasses === true) readKept(earlier.totals, "resume");
  }
  if (joinRanges(earlier?.ranges ?? [], [[firstPass, firstPass + passes]]) === undefined)
    throw wrongValue("firstPass", `${passes} passes that "resume" does not have`, firstPass);
  return {
    run,
    seed: words,
    firstPass,
    passes,
    half,
    layout: shape?.layout,
    until,
    earlier,
    usage: { seedUsed: false, names: new Map(), features: [], waits: false },
    onProgress: onProgress as Plan["onProgress"],
    progressMs,
    signal,
    sliceMs,
    keepPasses: keepPasses ?? earlier?.totals.passOutputs !== undefined,
  };
}

function readUntil(value: unknown): Until | undefined {
  if (value === undefined) return undefined;
  checkOptions(value, UNTIL_KEYS, "until");
  const { standardError, leastPasses = LEAST_PASSES } = value as { [K in keyof UntilOptions]?: unknown };
  checkAmount(standardError, "until.standardError");
  checkInteger(leastPasses, "until.leastPasses", 2, MOST_PASSES);
  return { standardError, leastPasses };
}

function checkDuration(value: unknown, name: string): asserts value is number {
  const expected = "number of milliseconds, at least 0";
  if (typeof value !== "number") throw wrongKind(name, expected, value);
  if (!(value >= 0)) throw wrongValue(name, expected, value);
}

// By what it can do: the signal may be of another realm, or a library's own.
function checkSignal(value: unknown): asserts value is AbortSignal {
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>;
  if (typeof aborted !== "boolean" || typeof addEventListener !== "function") throw wrongKind("signal", "AbortSignal", value);
}
