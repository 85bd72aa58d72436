// The statistics of the passes so far, in wasm memory: each pass is added and forgotten.
// Invariant: memory depends on the size of an output, never on how many there were.

import type { Context } from "../core/dropout.js";
import { Frame, PIECE, type Piece, pieces } from "../engine/frame.js";
import { Operand } from "../engine/operand.js";
import { wrongValue } from "../ground/check.js";
import { byteLength, type Dtype, type HalfDtype } from "../ground/dtypes.js";
import type { MonteCarloKernels } from "./kernels.js";
import type { Run, Totals } from "./prediction.js";

type Totalled = (typeof TOTALLED)[number];
const TOTALLED = ["mean", "deviations", "expectedEntropy", "votes"] as const satisfies readonly (keyof Totals)[];

/** A vector of totals in wasm memory. */
interface Block {
  readonly pointer: number;
  readonly length: number;
}

type Blocks = Readonly<Record<Totalled, Block>>;

export class Statistics {
  readonly #context: Context;
  readonly #kernels: MonteCarloKernels;
  readonly #run: Run;
  readonly #frame: Frame;
  readonly #half: HalfDtype | undefined;
  readonly #output: Operand;
  #passes = 0;
  // Made with the first output, which says how long they are.
  #blocks: Blocks | undefined;
  // Where a piece of logits becomes probabilities.
  #probabilities = 0;

  constructor(context: Context, kernels: MonteCarloKernels, run: Run, half: HalfDtype | undefined) {
    this.#context = context;
    this.#kernels = kernels;
    this.#run = run;
    this.#half = half;
    this.#frame = new Frame(context);
    this.#output = new Operand(context.memory, -1);
  }

  /** Adds the output of a pass; throws TypeError if it is none, RangeError if it is not as long as it must be or there is no memory. */
  add(value: unknown): void {
    const { samples, classes } = this.#run;
    const output = this.#output;
    try {
      const { call } = this.#context;
      const stored = output.takeData(value, "output", call.dtypes, this.#half);
      output.convert(call.conversionOf(stored));
      const { dtype, length } = output;
      const expected = this.#blocks?.mean.length ?? (classes === undefined ? length : samples * classes);
      if (length !== expected) throw wrongValue("output", `length ${expected}`, length);
      this.#blocks ??= this.#allocate(length);
      // Rows of classes stay whole, however many there are.
      const [rows, columns] = classes === undefined ? [1, length] : [samples, classes];
      for (const piece of pieces(rows, columns, classes !== undefined))
        this.#addPiece(piece, output.enter(piece.at, piece.count), dtype as Dtype);
      ++this.#passes;
    } finally {
      output.clear();
    }
  }

  #addPiece({ at, count, row, rows, columns }: Piece, src: number, dtype: Dtype): void {
    const { mean, deviations, expectedEntropy, votes } = this.#blocks as Blocks;
    const { welford, softmax, entropy, vote } = this.#kernels;
    const { classes, output } = this.#run;
    const passes = this.#passes + 1;
    if (output === "logits") {
      softmax.logits[dtype](this.#probabilities, src, rows, columns);
      src = this.#probabilities;
      dtype = "f64";
    }
    const offset = byteLength("f64", at);
    welford.output[dtype](mean.pointer + offset, deviations.pointer + offset, src, count, passes);
    if (classes === undefined) return;
    entropy.probabilities[dtype](expectedEntropy.pointer + byteLength("f64", row), src, rows, columns, passes);
    vote.probabilities[dtype](votes.pointer + offset, src, rows, columns);
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

  /** Blocks of zeros for outputs of `length` elements, and what else a pass takes. */
  #allocate(length: number): Blocks {
    const { samples, classes } = this.#run;
    const block = (length: number): Block => ({ pointer: this.#frame.scratch(byteLength("f64", length)), length });
    const blocks = {
      mean: block(length),
      deviations: block(length),
      expectedEntropy: block(classes === undefined ? 0 : samples),
      votes: block(classes === undefined ? 0 : length),
    };
    const piece = byteLength("f64", Math.min(length, Math.max(PIECE, classes ?? 0)));
    this.#output.slot = this.#frame.scratch(piece);
    if (this.#run.output === "logits") this.#probabilities = this.#frame.scratch(piece);
    for (const { pointer, length } of Object.values(blocks)) this.#context.memory.view("f64", pointer, length).fill(0);
    return blocks;
  }

  /** The totals of all passes; there must have been one. */
  get totals(): Totals {
    const { mean, deviations, expectedEntropy, votes } = this.#blocks as Blocks;
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
