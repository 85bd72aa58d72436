// The progress of both trainings together.

import type { Variant } from "./settings.js";

export class Progress {
  readonly #total: number;
  readonly #start = performance.now();
  readonly #done = new Map<Variant, { readonly before: number; readonly now: number }>();

  /** @param total steps of all trainings */
  constructor(total: number) {
    this.#total = total;
  }

  /** Notes that a training has done `step` steps. What is noted first was done before. */
  note(variant: Variant, step: number): void {
    this.#done.set(variant, { before: this.#done.get(variant)?.before ?? step, now: step });
  }

  /** The share of all steps that is done. */
  get share(): number {
    return this.#sum(({ now }) => now) / this.#total;
  }

  /** Seconds that are left at the pace so far; undefined as long as there is none. */
  get left(): number | undefined {
    const here = this.#sum(({ before, now }) => now - before);
    if (here === 0) return undefined;
    return ((performance.now() - this.#start) / 1000 / here) * (this.#total - this.#sum(({ now }) => now));
  }

  #sum(of: (done: { readonly before: number; readonly now: number }) => number): number {
    return [...this.#done.values()].reduce((sum, done) => sum + of(done), 0);
  }
}
