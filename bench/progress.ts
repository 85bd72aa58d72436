// Shows the progress of a part of a run on stderr: a line that is rewritten on a terminal, a line a part elsewhere.

const CLEAR = "\r\x1b[K";

export class Progress {
  readonly #live = process.stderr.isTTY;
  #start = 0;
  #total = 0;
  #done = 0;
  #label = "";

  /** Begins the part called `label`, of `total` steps, each about as long as another. */
  begin(label: string, total: number): void {
    this.#label = label;
    this.#total = total;
    this.#done = 0;
    this.#start = performance.now();
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
