// The pace of runs that go on side by side: the share of their work that is done, and the time that is left.

export class Pace {
  readonly #total: number;
  readonly #start = performance.now();
  readonly #done = new Map<string, { readonly before: number; readonly now: number }>();

  /** @param total the work of all runs, in any unit */
  constructor(total: number) {
    this.#total = total;
  }

  /** Notes how much of a run is done. The first note of a run says what was done before. */
  note(run: string, now: number): void {
    this.#done.set(run, { before: this.#done.get(run)?.before ?? now, now });
  }

  /** The share of all work that is done. */
  get share(): number {
    return this.#sum(({ now }) => now) / this.#total;
  }

  /** Seconds that are left at the pace so far; undefined as long as there is none. */
  get left(): number | undefined {
    const here = this.#sum(({ before, now }) => now - before);
    if (here <= 0) return undefined;
    return ((performance.now() - this.#start) / 1000 / here) * (this.#total - this.#sum(({ now }) => now));
  }

  #sum(of: (done: { readonly before: number; readonly now: number }) => number): number {
    return [...this.#done.values()].reduce((sum, done) => sum + of(done), 0);
  }
}
