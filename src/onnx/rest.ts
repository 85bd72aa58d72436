// The part of a model that passes run. Dropout is a product there where that may be, until a run has dropped what is no finite number: from then on it is
// a selection, in a session of its own.

import { selectAgain } from "./lower.js";
import type { Opened } from "./opened.js";
import { readModel, writeModel } from "./proto.js";
import type { Session, Values } from "./runtime.js";

type Tensors = ReadonlyMap<string, Values>;

/** The outputs of a run, and the index of the first NaN in that of the model, -1 if there is none. */
export interface Ran {
  readonly results: Tensors;
  readonly invalid: number;
}

export class Rest {
  readonly #opened: Opened;
  readonly #run: (session: Session, feeds: Tensors, fetches: readonly string[]) => Promise<Map<string, Values>>;
  #selecting: Promise<Session> | undefined;
  #selection: Session | undefined;
  #released = false;

  /** @param run runs a session, after all runs before */
  constructor(opened: Opened, run: (session: Session, feeds: Tensors, fetches: readonly string[]) => Promise<Map<string, Values>>) {
    this.#opened = opened;
    this.#run = run;
  }

  /** Returns the outputs `fetches`, among them the result, and others. */
  async run(feeds: Tensors, fetches: readonly string[]): Promise<Ran> {
    const { split, rest } = this.#opened;
    const { products, witnesses, target } = split;
    const nanIn = (results: Tensors, name: string) => firstNaN((results.get(name) as Values).data as ArrayLike<number>);
    const ended = (results: Tensors): Ran => ({ results, invalid: nanIn(results, target.result) });
    if (products.length === 0) return ended(await this.#run(rest, feeds, fetches));
    if (this.#selecting === undefined) {
      const ran = ended(await this.#run(rest, feeds, [...fetches, ...witnesses]));
      if (ran.invalid < 0 && witnesses.every((name) => nanIn(ran.results, name) < 0)) return ran;
    }
    return ended(await this.#run(await this.#select(), feeds, fetches));
  }

  #select(): Promise<Session> {
    if (this.#selecting === undefined) {
      const opening = this.#open();
      this.#selecting = opening;
      opening.catch(() => {
        this.#selecting = undefined;
      });
    }
    return this.#selecting;
  }

  async #open(): Promise<Session> {
    const { runtime, restBytes, split } = this.#opened;
    const session = await runtime.open(writeModel(selectAgain(readModel(restBytes), split.products)));
    // release() may have come meanwhile; the run that follows is refused.
    if (this.#released) await session.release?.();
    else this.#selection = session;
    return session;
  }

  async release(): Promise<void> {
    this.#released = true;
    await this.#opened.rest.release?.();
    await this.#selection?.release?.();
  }
}

function firstNaN(values: ArrayLike<number>): number {
  for (let k = 0; k < values.length; ++k) if (Number.isNaN(values[k])) return k;
  return -1;
}
