// The passes of one prediction: masks drawn and fed, several passes run as one batch and their outputs taken apart again.

import { wrongValue } from "../ground/check.js";
import type { Plan } from "../monte-carlo/options.js";
import { Several } from "../monte-carlo/output.js";
import { useLayers } from "../monte-carlo/pass.js";
import { checkDropped, Feeds } from "./feeds.js";
import type { Opened } from "./opened.js";
import type { Rest } from "./rest.js";
import type { Drawing } from "./rows.js";
import { around, copy, type Elements, emptyLike, type Values } from "./runtime.js";
import { type Frame, type Growth, type Layout, sizesOf } from "./separable.js";

// The most bytes that one run may make: several passes at once gain by using weights while they are in the caches, and lose what no longer fits there.
const RUN_BYTES = 6 * 2 ** 20;
export const MOST_PASSES_PER_RUN = 64;
const ELEMENT_BYTES = 4;

/** The parts that passes of one prediction have in common. */
interface Common {
  /** Inputs, and tensors that cross the cut or that dropout reads. */
  readonly values: ReadonlyMap<string, Values>;
  readonly layout: Layout;
  readonly frame: Frame;
  readonly perExample: boolean;
  readonly firstSample: number;
  readonly batchPasses: number;
  readonly idle: IdleFeeds;
}

// More than a batch takes; what a model whose single passes need more is fed is made anew.
const MOST_IDLE_BYTES = 2 ** 24;

/** The feeds of predictions that have ended, for later ones of the same sizes. */
export class IdleFeeds {
  readonly #feeds = new Map<string, Feeds>();
  #bytes = 0;

  take(key: string): Feeds | undefined {
    const feeds = this.#feeds.get(key);
    if (feeds === undefined) return undefined;
    this.#feeds.delete(key);
    this.#bytes -= feeds.bytes;
    return feeds.whole ? feeds : undefined;
  }

  keep(key: string, feeds: Feeds): void {
    this.take(key);
    if (feeds.bytes > MOST_IDLE_BYTES) return;
    this.#feeds.set(key, feeds);
    this.#bytes += feeds.bytes;
    for (const [oldest, { bytes }] of this.#feeds) {
      if (this.#bytes <= MOST_IDLE_BYTES) break;
      this.#feeds.delete(oldest);
      this.#bytes -= bytes;
    }
  }

  clear(): void {
    this.#feeds.clear();
    this.#bytes = 0;
  }
}

/** The passes of one prediction. */
export class Passes {
  readonly #opened: Opened;
  readonly #rest: Rest;
  readonly #common: Common;
  /** Most passes that run at once. */
  readonly #most: number;
  /** The sizes of all tensors of the prediction. */
  readonly #key: string;
  // By the number of passes that run at once.
  readonly #feeds = new Map<number, Feeds>();
  #drawing: Drawing | undefined;
  // Number behind the last pass of the run.
  #end = 0;
  // Outputs of passes that have run, one behind another: of how many, of which pass first, and the length of one.
  #outputs: Elements = [];
  #count = 0;
  #first = 0;
  #length = 0;

  constructor(opened: Opened, rest: Rest, common: Common) {
    this.#opened = opened;
    this.#rest = rest;
    this.#common = common;
    this.#most = this.#passesAtOnce();
    const { values, frame, perExample, firstSample } = common;
    let key = `${frame.samples};${perExample};${firstSample}`;
    for (const { dims } of values.values()) key += `;${dims.join()}`;
    this.#key = key;
    checkDropped(opened.split.sites, values, frame);
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

  /** Takes the plan of the run. */
  begin({ usage, run, seed, firstPass, passes }: Plan): void {
    useLayers(
      usage,
      this.#opened.split.sites.map(({ name }) => name),
    );
    this.#drawing = { kind: run.kind, seed: seed.toBigInt() };
    this.#end = firstPass + passes;
  }

  /** Returns the outputs of passes from number `pass` on, at most `most`. */
  outputs(pass: number, most: number): Several | Promise<Several> {
    return pass < this.#first + this.#count ? this.#known(pass, most) : this.#runFrom(pass, most);
  }

  #known(pass: number, most: number): Several {
    const at = pass - this.#first;
    const count = Math.min(most, this.#count - at);
    const outputs = this.#outputs as unknown as Float32Array;
    if (count === this.#count) return new Several(outputs, count);
    return new Several(outputs.subarray(at * this.#length, (at + count) * this.#length), count);
  }

  async #runFrom(first: number, most: number): Promise<Several> {
    const { split, engine } = this.#opened;
    const { layout, frame } = this.#common;
    // As many in each run.
    const left = this.#end - first;
    const count = Math.ceil(left / Math.ceil(left / this.#most));
    const feeds = this.#feedsOf(count);
    feeds.draw(engine, this.#drawing as Drawing, first);
    const { result } = split.target;
    const shaped = feeds.seen ? [] : split.sites.filter((site) => site.shape !== undefined);
    const names = feeds.seen ? [result] : [result, ...shaped.map((site) => site.shape as string)];
    const { results, invalid } = await this.#rest.run(feeds.values, names);
    const { data, dims } = results.get(result) as Values;
    const { output, samples, sites } = frame;
    const expected = sizesOf(output, samples * count);
    if (dims.join() !== expected.join()) throw wrongValue("output", `shape [${expected}]`, `[${dims}]`);
    for (const site of shaped) {
      const got = Array.from((results.get(site.shape as string) as Values).data as ArrayLike<unknown>, Number);
      const wanted = sizesOf(sites[split.sites.indexOf(site)] as Growth, samples * count);
      if (got.join() !== wanted.join()) throw wrongValue("model", `dropout ${JSON.stringify(site.name)} of shape [${wanted}]`, `[${got}]`);
    }
    // If nothing is known of the model, shapes may follow from what was dropped before.
    feeds.seen = layout.separation !== undefined;
    if (invalid >= 0)
      throw wrongValue("output", `numbers in output ${JSON.stringify(split.target.name)}`, `NaN at ${invalid} in pass ${first}`);
    this.#first = first;
    this.#count = count;
    this.#outputs = count === 1 ? data : oneByOne(data, dims, output.axis, count);
    this.#length = data.length / count;
    return this.#known(first, most);
  }

  /** Returns what so many passes at once are fed. */
  #feedsOf(count: number): Feeds {
    let feeds = this.#feeds.get(count);
    if (feeds === undefined) {
      const { split, restInputs } = this.#opened;
      const { values, layout, frame, perExample, firstSample, idle } = this.#common;
      const drawn = { samples: frame.samples, count, perExample, firstSample };
      const names = [...restInputs, ...split.crossing];
      feeds = idle.take(`${count};${this.#key}`) ?? new Feeds(names, split.sites, values, layout, frame, drawn);
      feeds.take(values);
      this.#feeds.set(count, feeds);
    }
    return feeds;
  }

  /** Leaves what was fed to later predictions. Not after an error or an abort: a run may be under way. */
  end(): void {
    for (const [count, feeds] of this.#feeds) this.#common.idle.keep(`${count};${this.#key}`, feeds);
  }
}

/** Returns the outputs of passes one behind another, from a tensor that has them along an axis. */
function oneByOne(data: Elements, dims: readonly number[], axis: number, count: number): Elements {
  const { outer, size, inner } = around(dims, axis);
  if (outer === 1) return data;
  const block = (size / count) * inner;
  const all = emptyLike(data, data.length);
  for (let k = 0; k < count; ++k) {
    for (let o = 0; o < outer; ++o) copy(all, (k * outer + o) * block, data, (o * count + k) * block, block);
  }
  return all;
}
