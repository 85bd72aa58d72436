// The passes of one prediction: masks drawn and fed, several passes run as one batch and their outputs taken apart again.

import type { Dropout } from "../core/dropout.js";
import type { Engine } from "../engine/engine.js";
import { isTypedArray, wrongValue } from "../ground/check.js";
import type { MonteCarlo, PassContext } from "../monte-carlo/index.js";
import type { Arrays } from "./arrays.js";
import { type Drawing, SiteMask } from "./masks.js";
import { around, copy, type Elements, emptyLike, type Runtime, repeat, type Session, type Values } from "./runtime.js";
import type { Growth, Separation } from "./separable.js";
import type { Split } from "./split.js";

// The most bytes that one run may make: several passes at once gain by using weights while they are in the caches, and lose what no longer fits there.
const RUN_BYTES = 3 * 2 ** 20;
export const MOST_PASSES_PER_RUN = 64;
const ELEMENT_BYTES = 4;

/** The shapes of a run, which inputs of the same sizes have in common. */
export interface Layout {
  readonly separation: Separation | undefined;
  /** The reason why there is no separation. */
  readonly reason: string;
}

/** The sites and the output of inputs of so many examples. */
export interface Frame {
  readonly samples: number;
  readonly sites: readonly Growth[];
  readonly output: Growth;
}

/** Everything that is made when a model is opened. */
export interface Opened {
  readonly dropout: Dropout;
  readonly engine: Engine;
  readonly monteCarlo: MonteCarlo;
  readonly runtime: Runtime;
  readonly split: Split;
  readonly prefix: Session | undefined;
  readonly rest: Session;
  /** The bytes of the rest, to be instrumented. */
  readonly restBytes: Uint8Array;
  /** The names of inputs that the rest reads. */
  readonly restInputs: readonly string[];
}

/** The parts that passes of one prediction have in common. */
interface Common {
  /** Inputs, and tensors that cross the cut. */
  readonly values: ReadonlyMap<string, Values>;
  readonly layout: Layout;
  readonly frame: Frame;
  readonly perExample: boolean;
  readonly firstSample: number;
  readonly batchPasses: number;
  readonly arrays: Arrays;
}

type RunRest = (feeds: ReadonlyMap<string, Values>, fetches: readonly string[]) => Promise<Map<string, Values>>;

/** The passes of one prediction. */
export class Passes {
  readonly #opened: Opened;
  readonly #runRest: RunRest;
  readonly #common: Common;
  /** Most passes that run at once. */
  readonly #most: number;
  #feeds = new Map<string, Values>();
  #masks: readonly SiteMask[] = [];
  #fedFor = 0;
  #seen = false;
  #drawing: Drawing | undefined;
  // Number behind the last pass of the run.
  #end: number | undefined;
  // Passes that have run: their outputs, and the number of the first.
  #outputs: Elements[] = [];
  #first = 0;

  constructor(opened: Opened, runRest: RunRest, common: Common) {
    this.#opened = opened;
    this.#runRest = runRest;
    this.#common = common;
    this.#most = this.#passesAtOnce();
  }

  #passesAtOnce(): number {
    const { layout, frame, batchPasses, values } = this.#common;
    const { separation } = layout;
    // The output of a batch as one example has no axis to be taken apart along.
    if (separation === undefined || frame.output.axis < 0) return 1;
    // Integers that count examples, and do not count them in this batch, say something else.
    for (const [name, counts] of separation.counts) {
      const { data } = values.get(name) as Values;
      if (counts.some((count, k) => !Number.isNaN(count) && Number(data[k]) !== count * frame.samples)) return 1;
    }
    const bytes = ELEMENT_BYTES * Math.max(1, separation.elements) * Math.max(1, frame.samples);
    return Math.max(1, Math.min(batchPasses, MOST_PASSES_PER_RUN, Math.floor(RUN_BYTES / bytes)));
  }

  /** Returns the shape of outputs, of at least two dimensions. */
  outputShape(classes: number): number[] {
    const { output, samples } = this.#common.frame;
    const dims = sizesOf(output, samples);
    return dims.length < 2 && dims.at(-1) !== classes ? [...dims, 1] : dims;
  }

  /** Returns the output of a pass. */
  run({ pass, passes, stream }: PassContext): Elements | Promise<Elements> {
    const known = this.#outputs[pass - this.#first];
    if (known !== undefined && pass >= this.#first) return known;
    // Also tells the engine which layers draw, once for all passes.
    this.#drawing ??= this.#opened.split.sites.map(({ name }) => stream({ layer: name }))[0] as Drawing;
    this.#end ??= pass + passes;
    return this.#runFrom(pass, Math.min(this.#most, this.#end - pass), this.#drawing);
  }

  async #runFrom(first: number, count: number, drawing: Drawing): Promise<Elements> {
    const { split, engine } = this.#opened;
    if (this.#fedFor !== count) this.#feed(count);
    for (const mask of this.#masks) mask.draw(engine, drawing, first);
    const { result, shape } = split.target;
    const names = this.#seen ? [result] : [result, shape, ...split.sites.map((site) => site.shape)];
    const results = await this.#runRest(this.#feeds, names);
    const { data, dims } = results.get(result) as Values;
    const { output, samples, sites } = this.#common.frame;
    const expected = sizesOf(output, samples * count);
    if (dims.join() !== expected.join()) throw wrongValue("output", `shape [${expected}]`, `[${dims}]`);
    if (!this.#seen) {
      split.sites.forEach((site, k) => {
        const got = Array.from((results.get(site.shape) as Values).data as ArrayLike<unknown>, Number);
        const wanted = sizesOf(sites[k] as Growth, samples * count);
        if (got.join() !== wanted.join())
          throw wrongValue("model", `dropout ${JSON.stringify(site.name)} of shape [${wanted}]`, `[${got}]`);
      });
      // If nothing is known of the model, shapes may follow from what was dropped before.
      this.#seen = this.#common.layout.separation !== undefined;
    }
    const invalid = firstNaN(data as ArrayLike<number>);
    if (invalid >= 0)
      throw wrongValue("output", `numbers in output ${JSON.stringify(split.target.name)}`, `NaN at ${invalid} in pass ${first}`);
    this.#first = first;
    this.#outputs = count === 1 ? [data] : partsOf(data, dims, output.axis, count);
    return this.#outputs[0] as Elements;
  }

  /** Makes what is fed for so many passes at once. */
  #feed(count: number): void {
    const { split, restInputs } = this.#opened;
    const { values, layout, frame, perExample, firstSample, arrays } = this.#common;
    const { samples } = frame;
    this.#feeds = new Map();
    this.#fedFor = count;
    this.#seen = false;
    for (const name of [...restInputs, ...split.cut]) {
      const value = values.get(name) as Values;
      const axis = layout.separation?.axes.get(name) ?? -1;
      const counts = layout.separation?.counts.get(name);
      const make = (like: Elements, length: number) => arrays.take(`${name} fed`, like, length);
      if (count > 1 && axis >= 0) this.#feeds.set(name, repeat(value, axis, count, undefined, make));
      else if (count > 1 && counts !== undefined) this.#feeds.set(name, scaleCounts(value, counts, samples * count));
      else this.#feeds.set(name, value);
    }
    this.#masks = split.sites.map((site, k) => {
      const mask = new SiteMask(site, frame.sites[k] as Growth, { samples, count, perExample, firstSample }, arrays);
      this.#feeds.set(site.mask, mask.values);
      return mask;
    });
  }
}

/** The sizes of a tensor for so many examples. */
function sizesOf({ dims, axis }: Growth, examples: number): number[] {
  return dims.map((size, k) => (k === axis ? size * examples : size));
}

/** Returns the index of the first NaN, -1 if there is none. */
function firstNaN(values: ArrayLike<number>): number {
  for (let k = 0; k < values.length; ++k) if (Number.isNaN(values[k])) return k;
  return -1;
}

/** Returns an output in parts along an axis. */
function partsOf(data: Elements, dims: readonly number[], axis: number, count: number): Elements[] {
  const { outer, size, inner } = around(dims, axis);
  const block = (size / count) * inner;
  if (outer === 1 && isTypedArray(data)) {
    const values = data as unknown as Float32Array;
    return Array.from({ length: count }, (_, k) => values.subarray(k * block, (k + 1) * block));
  }
  return Array.from({ length: count }, (_, k) => {
    const part = emptyLike(data, outer * block);
    for (let o = 0; o < outer; ++o) copy(part, o * block, data, (o * count + k) * block, block);
    return part;
  });
}

/** Returns integers that follow from the number of examples for another number. */
function scaleCounts({ type, dims, data }: Values, counts: readonly number[], examples: number): Values {
  const scaled = emptyLike(data, data.length);
  counts.forEach((count, k) => {
    const value = count * examples;
    scaled[k] = Number.isNaN(count) ? data[k] : typeof data[k] === "bigint" ? BigInt(value) : value;
  });
  return { type, dims, data: scaled };
}
