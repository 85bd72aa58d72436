// The statistics of the passes so far, in wasm memory: each pass is added and forgotten.
// Invariant: memory depends on the size of an output, never on how many there were.

import type { Engine } from "../engine/engine.js";
import type { Pass } from "../engine/pass.js";
import { PIECE, type Piece, pieces } from "../engine/pieces.js";
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
  readonly #engine: Engine;
  readonly #kernels: MonteCarloKernels;
  readonly #run: Run;
  // Holds the totals between passes.
  readonly #pass: Pass;
  readonly #half: HalfDtype | undefined;
  #passes = 0;
  // Made with the first output, which says how long they are.
  #blocks: Blocks | undefined;
  // The address at which a piece of logits becomes probabilities.
  #probabilities = 0;

  constructor(engine: Engine, kernels: MonteCarloKernels, run: Run, half: HalfDtype | undefined) {
    this.#engine = engine;
    this.#kernels = kernels;
    this.#run = run;
    this.#half = half;
    this.#pass = engine.detached();
  }

  /** Adds the output of a pass; throws TypeError if it is none, RangeError if it is not as long as it must be or there is no memory. */
  add(value: unknown): void {
    const { samples, classes } = this.#run;
    const pass = this.#engine.open();
    try {
      const taken = pass.data(value, "output", this.#half);
      const { length } = taken;
      const expected = this.#blocks?.mean.length ?? (classes === undefined ? length : samples * classes);
      if (length !== expected) throw wrongValue("output", `length ${expected}`, length);
      this.#blocks ??= this.#allocate(length);
      // Rows of classes stay whole, however many there are.
      const most = Math.min(length, Math.max(PIECE, classes ?? 0));
      const src = most > PIECE ? pass.stage(taken, most) : pass.stageFixed(taken);
      pass.ready();
      const [rows, columns] = classes === undefined ? [1, length] : [samples, classes];
      for (const piece of pieces(rows, columns, classes !== undefined)) this.#addPiece(piece, src.enter(piece.at, piece.count), src.dtype);
      ++this.#passes;
    } finally {
      this.#engine.close(pass);
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
      this.#engine.memory.view("f64", pointer, length).set(totals[name]);
    }
    this.#passes = totals.passes;
  }

  /** Returns blocks of zeros for outputs of `length` elements. */
  #allocate(length: number): Blocks {
    const { samples, classes } = this.#run;
    const block = (length: number): Block => ({ pointer: this.#pass.scratch(byteLength("f64", length)), length });
    const blocks = {
      mean: block(length),
      deviations: block(length),
      expectedEntropy: block(classes === undefined ? 0 : samples),
      votes: block(classes === undefined ? 0 : length),
    };
    const piece = byteLength("f64", Math.min(length, Math.max(PIECE, classes ?? 0)));
    if (this.#run.output === "logits") this.#probabilities = this.#pass.scratch(piece);
    for (const { pointer, length } of Object.values(blocks)) this.#engine.memory.view("f64", pointer, length).fill(0);
    return blocks;
  }

  /** The totals of all passes; there must have been one. */
  get totals(): Totals {
    const { mean, deviations, expectedEntropy, votes } = this.#blocks as Blocks;
    const copy = ({ pointer, length }: Block) => this.#engine.memory.view("f64", pointer, length).slice();
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
    this.#pass.end();
  }
}
