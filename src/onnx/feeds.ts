// The feeds of runs of so many passes at once. They are made once and serve one prediction after another: memory that is new costs more than what is
// written into it.

import type { Engine } from "../engine/engine.js";
import { wrongValue } from "../ground/check.js";
import { type Drawn, DroppedData, type SiteFeed, SiteMask } from "./masks.js";
import type { Drawing } from "./rows.js";
import { type Elements, emptyLike, repeat, type Values } from "./runtime.js";
import { type Frame, type Growth, type Layout, sizesOf } from "./separable.js";
import type { LiveSite } from "./split.js";

/** The tensors of a prediction that are the same in all passes. */
type Tensors = ReadonlyMap<string, Values>;

export class Feeds {
  /** True once a run has shown that shapes are as expected. */
  seen = false;
  /** The tensors that are fed, by the names of inputs. */
  readonly values = new Map<string, Values>();
  readonly #sites: readonly SiteFeed[];
  readonly #dropped: readonly (readonly [data: string, feed: DroppedData])[];
  // Copies of tensors for each pass, and those that are fed as they are.
  readonly #repeated: readonly (readonly [name: string, axis: number, values: Values])[];
  readonly #direct: readonly string[];
  readonly #count: number;
  /** Bytes of the arrays. */
  readonly bytes: number;

  /**
   * @param names of tensors that are the same in all passes
   * @param values of a prediction
   */
  constructor(names: readonly string[], sites: readonly LiveSite[], values: Tensors, { separation }: Layout, frame: Frame, drawn: Drawn) {
    const { count, samples } = drawn;
    const repeated: (readonly [string, number, Values])[] = [];
    const direct: string[] = [];
    for (const name of names) {
      const value = values.get(name) as Values;
      const axis = separation?.axes.get(name) ?? -1;
      const counts = separation?.counts.get(name);
      if (count > 1 && axis >= 0) {
        const copies = repeat(value, axis, count);
        repeated.push([name, axis, copies]);
        this.values.set(name, copies);
      } else if (count > 1 && counts !== undefined) {
        // The same whenever there are so many examples.
        this.values.set(name, scaleCounts(value, counts, samples * count));
      } else direct.push(name);
    }
    const dropped: (readonly [string, DroppedData])[] = [];
    this.#sites = sites.map((site, k) => {
      const growth = frame.sites[k] as Growth;
      if (site.form !== "data") return new SiteMask(site, growth, drawn);
      const feed = new DroppedData(site, growth, drawn);
      dropped.push([site.data, feed]);
      return feed;
    });
    sites.forEach(({ input }, k) => {
      this.values.set(input, (this.#sites[k] as SiteFeed).values);
    });
    this.#repeated = repeated;
    this.#direct = direct;
    this.#dropped = dropped;
    this.#count = count;
    const sizes = repeated.map(([, , { data }]) => (data as Partial<Uint8Array>).byteLength ?? Number.POSITIVE_INFINITY);
    this.bytes = [...sizes, ...this.#sites.map(({ bytes }) => bytes)].reduce((a, b) => a + b, 0);
  }

  /** True unless a runtime in another thread has taken memory there, which leaves arrays without length. */
  get whole(): boolean {
    for (const { dims, data } of this.values.values()) if (data.length !== dims.reduce((a, b) => a * b, 1)) return false;
    return true;
  }

  /** Takes the tensors of a prediction, of the sizes that this was made for. */
  take(values: Tensors): void {
    for (const name of this.#direct) this.values.set(name, values.get(name) as Values);
    for (const [name, axis, { data }] of this.#repeated) repeat(values.get(name) as Values, axis, this.#count, undefined, () => data);
    for (const [data, feed] of this.#dropped) feed.take(values.get(data) as Values);
  }

  /** Draws for the passes from number `first` on. */
  draw(engine: Engine, drawing: Drawing, first: number): void {
    for (const site of this.#sites) site.draw(engine, drawing, first);
  }
}

/** Returns integers that follow from the number of examples for another number. */
function scaleCounts({ type, dims, data }: Values, counts: readonly number[], examples: number): Values {
  const scaled: Elements = emptyLike(data, data.length);
  counts.forEach((count, k) => {
    const value = count * examples;
    scaled[k] = Number.isNaN(count) ? data[k] : typeof data[k] === "bigint" ? BigInt(value) : value;
  });
  return { type, dims, data: scaled };
}

/** Throws RangeError unless data that are dropped from before a run have the shape that was seen. */
export function checkDropped(sites: readonly LiveSite[], values: Tensors, frame: Frame): void {
  sites.forEach(({ name, form, data }, k) => {
    if (form !== "data") return;
    const { dims } = values.get(data) as Values;
    const wanted = sizesOf(frame.sites[k] as Growth, frame.samples);
    if (dims.join() !== wanted.join()) throw wrongValue("model", `dropout ${JSON.stringify(name)} of shape [${wanted}]`, `[${dims}]`);
  });
}
