// How far a run has come, on stderr: a line that is rewritten on a terminal, a line a size elsewhere.

const CLEAR = "\r\x1b[K";

export class Progress {
  readonly #total: number;
  readonly #live = process.stderr.isTTY;
  readonly #start = performance.now();
  #done = 0;
  #label = "";

  /** @param total steps of the whole run, each about as long as another */
  constructor(total: number) {
    this.#total = total;
  }

  /** Begins the part of the run called `label`. */
  begin(label: string): void {
    this.#label = label;
    if (this.#live) this.#rewrite();
    else process.stderr.write(`measuring ${label}\n`);
  }

  /** Counts a step. */
  step(): void {
    ++this.#done;
    if (this.#live) this.#rewrite();
  }

  /** Takes the line away, so that other output can be written. */
  clear(): void {
    if (this.#live) process.stderr.write(CLEAR);
  }

  #rewrite(): void {
    const percent = Math.floor((100 * this.#done) / this.#total);
    const left = ((performance.now() - this.#start) / this.#done) * (this.#total - this.#done);
    const eta = this.#done === 0 ? "" : `, ${Math.ceil(left / 1000)} s left`;
    process.stderr.write(`${CLEAR}measuring ${this.#label}: ${percent}%${eta}`);
  }
}
