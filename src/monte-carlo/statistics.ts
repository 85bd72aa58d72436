// The statistics of the passes so far, in wasm memory: each pass is added and forgotten.
// Invariant: memory depends on the size of an output, never on how many there were.

import { wrongValue } from "../check.js";
import type { Context } from "../dropout.js";
import { byteLength } from "../dtypes.js";
import { Frame, framed, PIECE, pieces } from "../frame.js";
import type { MonteCarloKernels } from "./kernels.js";
import type { Run, Totals } from "./prediction.js";

type Totalled = (typeof TOTALLED)[number];
const TOTALLED = ["mean", "deviations", "expectedEntropy", "votes"] as const satisfies readonly (keyof Totals)[];

/** A vector of totals in wasm memory. */
interface Block {
  readonly pointer: number;
  readonly length: number;
}

export class Statistics {
  readonly #context: Context;
  readonly #kernels: MonteCarloKernels;
  readonly #run: Run;
  readonly #frame: Frame;
  #passes = 0;
  // Made with the first output, which says how long they are.
  #blocks: Record<Totalled, Block> | undefined;

  constructor(context: Context, kernels: MonteCarloKernels, run: Run) {
    this.#context = context;
    this.#kernels = kernels;
    this.#run = run;
    this.#frame = new Frame(context.memory);
  }

  /** Adds the output of a pass; throws TypeError if it is none, RangeError if it is not as long as it must be or there is no memory. */
  add(value: unknown): void {
    const { samples, classes } = this.#run;
    framed(this.#context, (frame) => {
      const output = frame.data(value, "output");
      const { length } = output;
      const expected = this.#blocks?.mean.length ?? (classes === undefined ? length : samples * classes);
      if (length !== expected) throw wrongValue("output", `length ${expected}`, length);
      this.#blocks ??= this.#allocate(length);
      const { mean, deviations, expectedEntropy, votes } = this.#blocks;
      // Rows of classes stay whole, however many there are.
      const [rows, columns] = classes === undefined ? [1, length] : [samples, classes];
      const most = classes === undefined ? PIECE : Math.max(PIECE, classes);
      frame.stage(output, most);
      const logits = this.#run.output === "logits";
      const probabilities = logits ? frame.scratch(byteLength("f64", Math.min(most, length))) : 0;
      const count = this.#passes + 1;
      const kernels = this.#kernels;
      for (const piece of pieces(rows, columns, classes !== undefined)) {
        let src = output.enter(piece.at, piece.count);
        let { dtype } = output;
        if (logits) {
          kernels.softmax.logits[dtype](probabilities, src, piece.rows, piece.columns);
          [src, dtype] = [probabilities, "f64"];
        }
        const at = byteLength("f64", piece.at);
        kernels.welford.output[dtype](mean.pointer + at, deviations.pointer + at, src, piece.count, count);
        if (classes === undefined) continue;
        const row = byteLength("f64", piece.row);
        kernels.entropy.probabilities[dtype](expectedEntropy.pointer + row, src, piece.rows, piece.columns, count);
        kernels.vote.probabilities[dtype](votes.pointer + at, src, piece.rows, piece.columns);
      }
      this.#passes = count;
    });
  }

  /** Takes the totals of earlier passes, before any are added. */
  resume(totals: Totals): void {
    this.#blocks = this.#allocate(totals.mean.length);
    for (const name of TOTALLED) {
      const { pointer, length } = this.#blocks[name];
      this.#context.memory.view("f64", pointer, length).set(totals[name]);
    }
    this.#passes = totals.passes;
  }

  /** Blocks of zeros for outputs of `length` elements. */
  #allocate(length: number): Record<Totalled, Block> {
    const { samples, classes } = this.#run;
    const block = (length: number): Block => ({ pointer: this.#frame.scratch(byteLength("f64", length)), length });
    const blocks = {
      mean: block(length),
      deviations: block(length),
      expectedEntropy: block(classes === undefined ? 0 : samples),
      votes: block(classes === undefined ? 0 : length),
    };
    for (const { pointer, length } of Object.values(blocks)) this.#context.memory.view("f64", pointer, length).fill(0);
    return blocks;
  }

  /** The totals of all passes; there must have been one. */
  get totals(): Totals {
    const { mean, deviations, expectedEntropy, votes } = this.#blocks as Record<Totalled, Block>;
    const copy = ({ pointer, length }: Block) => this.#context.memory.view("f64", pointer, length).slice();
    return {
      passes: this.#passes,
      mean: copy(mean),
      deviations: copy(deviations),
      expectedEntropy: copy(expectedEntropy),
      votes: copy(votes),
    };
  }

  /** Gives the memory back. */
  free(): void {
    this.#frame.end(false);
  }
}
