// The statistics of the passes so far, in wasm memory: each pass is added and forgotten.
// Invariant: memory depends on the size of an output, never on how many there were.

import type { Engine } from "../engine/engine.js";
import { makeArray } from "../engine/operand.js";
import type { Pass } from "../engine/pass.js";
import { PIECE, parts, pieces } from "../engine/pieces.js";
import { wrongValue } from "../ground/check.js";
import { type BufferDtype, byteLength, type Dtype, type HalfDtype } from "../ground/dtypes.js";
import { concatenate } from "./kept.js";
import type { MonteCarloKernels } from "./kernels.js";
import type { Layout } from "./layout.js";
import type { Run, Totals, Until } from "./prediction.js";
import { checkRows } from "./probabilities.js";

type Totalled = (typeof TOTALLED)[number];
const TOTALLED = ["mean", "deviations", "expectedEntropy", "votes"] as const satisfies readonly (keyof Totals)[];

/** A vector of totals in wasm memory. */
interface Block {
  readonly pointer: number;
  readonly length: number;
}

type Blocks = Readonly<Record<Totalled, Block>>;

/** Data that kernels can reach piece by piece. */
interface Source {
  readonly dtype: Dtype;
  enter(at: number, count: number): number;
}

export class Statistics {
  readonly #engine: Engine;
  readonly #kernels: MonteCarloKernels;
  readonly #run: Run;
  readonly #layout: Layout | undefined;
  // Holds the totals between passes.
  readonly #pass: Pass;
  readonly #half: HalfDtype | undefined;
  #passes = 0;
  // Made with the first output, which says how long they are.
  #blocks: Blocks | undefined;
  // Addresses of f64: probabilities made of a piece of logits or sigmoids, and outputs whose classes are brought together.
  #probabilities = 0;
  #rows = 0;
  // The output of each pass, where they are kept, and that of the pass that is being added.
  readonly #outputs: Float64Array<ArrayBuffer>[] | undefined;
  #output: Float64Array<ArrayBuffer> | undefined;

  /**
   * @param layout of a classifier's outputs
   * @param keep true: the totals have the outputs of passes
   */
  constructor(
    engine: Engine,
    kernels: MonteCarloKernels,
    run: Run,
    layout: Layout | undefined,
    half: HalfDtype | undefined,
    keep: boolean,
  ) {
    this.#engine = engine;
    this.#kernels = kernels;
    this.#run = run;
    this.#layout = layout;
    this.#half = half;
    this.#outputs = keep ? [] : undefined;
    this.#pass = engine.detached();
  }

  /**
   * Adds the output of a pass, or those of several, one behind another; throws TypeError or RangeError if it is none, is not as long as it must be, or there
   * is no memory.
   */
  add(value: unknown, passes = 1): void {
    const pass = this.#engine.open();
    try {
      const taken = pass.data(value, "output", this.#half);
      const length = taken.length / passes;
      this.#checkLength(length);
      this.#blocks ??= this.#allocate(length);
      const most = this.#most(length);
      const src = most > PIECE ? pass.stage(taken, most) : pass.stageFixed(taken);
      pass.ready();
      if (passes === 1) {
        this.#addOutput(src, length, taken.stored);
        return;
      }
      // Small ones are staged together.
      const start = taken.length <= PIECE ? src.enter(0, taken.length) : -1;
      const { dtype } = src;
      if (start >= 0 && this.#layout === undefined && this.#outputs === undefined) {
        this.#addAll(start, dtype, length, passes);
        return;
      }
      for (let k = 0; k < passes; ++k) {
        const first = k * length;
        const enter =
          start < 0 ? (at: number, count: number) => src.enter(first + at, count) : (at: number) => start + byteLength(dtype, first + at);
        this.#addOutput({ dtype, enter }, length, taken.stored);
      }
    } finally {
      this.#engine.close(pass);
    }
  }

  /** Adds outputs that are staged, of what is no classifier. */
  #addAll(start: number, dtype: Dtype, length: number, passes: number): void {
    const { mean, deviations } = this.#blocks as Blocks;
    const kernel = this.#kernels.welford.output[dtype];
    const bytes = byteLength(dtype, length);
    for (let k = 0; k < passes; ++k) kernel(mean.pointer, deviations.pointer, start + k * bytes, length, ++this.#passes);
  }

  #addOutput(src: Source, length: number, stored: BufferDtype): void {
    const layout = this.#layout;
    if (this.#outputs !== undefined) this.#output = makeArray("f64", length, "passOutputs");
    if (layout === undefined) this.#addValues(src, length);
    else this.#addRows(layout.inner === 1 ? src : this.#gather(src, layout), layout, stored);
    ++this.#passes;
    if (this.#output !== undefined) this.#outputs?.push(this.#output);
  }

  /** Returns the most elements that are staged at once: rows of classes stay whole, however many there are. */
  #most(length: number): number {
    const { classes = 0, inner = 1 } = this.#layout ?? {};
    return Math.min(length, inner === 1 ? Math.max(PIECE, classes) : PIECE);
  }

  #checkLength(length: number): void {
    const layout = this.#layout;
    if (layout === undefined) {
      const expected = this.#blocks?.mean.length ?? length;
      if (length !== expected) throw wrongValue("output", `length ${expected}`, length);
      return;
    }
    const { classes, rows } = layout;
    const expected = rows * classes;
    if (length === expected) return;
    const { samples, outputShape } = this.#run;
    const product = outputShape === undefined ? `samples * classes = ${samples} * ${classes}` : "the product of outputShape";
    const fits = outputShape === undefined && length > 0 && length % classes === 0;
    throw wrongValue("output", `length ${expected}, ${product}`, `${length}${fits ? ` (samples: ${length / classes} would fit)` : ""}`);
  }

  #addValues(src: Source, length: number): void {
    for (const { at, count } of parts(length, PIECE)) this.#addMoments(src.enter(at, count), src.dtype, at, count);
  }

  #addMoments(src: number, dtype: Dtype, at: number, count: number): void {
    const { mean, deviations } = this.#blocks as Blocks;
    this.#output?.set(this.#engine.memory.view(dtype, src, count), at);
    const offset = byteLength("f64", at);
    this.#kernels.welford.output[dtype](mean.pointer + offset, deviations.pointer + offset, src, count, this.#passes + 1);
  }

  /** Brings the classes of each row together; returns the rows. */
  #gather(src: Source, { classes, rows, inner }: Layout): Source {
    const { memory } = this.#engine;
    const length = rows * classes;
    for (const { at, count } of parts(length, PIECE)) {
      const from = memory.view(src.dtype, src.enter(at, count), count);
      const to = memory.view("f64", this.#rows, length);
      for (let k = 0; k < count; ++k) {
        const place = at + k;
        const outer = Math.floor(place / (classes * inner));
        const c = Math.floor(place / inner) % classes;
        to[(outer * inner + (place % inner)) * classes + c] = from[k] as number;
      }
    }
    return { dtype: "f64", enter: (at) => this.#rows + byteLength("f64", at) };
  }

  #addRows(src: Source, { classes, rows }: Layout, stored: BufferDtype): void {
    const { expectedEntropy, votes } = this.#blocks as Blocks;
    const { softmax, entropy, vote } = this.#kernels;
    const { output } = this.#run;
    if (output === "sigmoids") {
      this.#addSigmoids(src, rows * classes, stored);
      return;
    }
    for (const { at, count, row, rows: some } of pieces(rows, classes, true)) {
      let from = src.enter(at, count);
      let { dtype } = src;
      checkRows(this.#engine.memory.view(dtype, from, count), classes, output ?? "probabilities", stored, row);
      if (output === "logits") {
        softmax.logits[dtype](this.#probabilities, from, some, classes);
        from = this.#probabilities;
        dtype = "f64";
      }
      this.#addMoments(from, dtype, at, count);
      entropy.probabilities[dtype](expectedEntropy.pointer + byteLength("f64", row), from, some, classes, this.#passes + 1);
      vote.probabilities[dtype](votes.pointer + byteLength("f64", at), from, some, classes);
    }
  }

  /** A label is a row of two classes: it is right, or not. */
  #addSigmoids(src: Source, length: number, stored: BufferDtype): void {
    const { expectedEntropy, votes } = this.#blocks as Blocks;
    const { memory } = this.#engine;
    for (const { at, count } of parts(length, PIECE / 2)) {
      const from = src.enter(at, count);
      const labels = memory.view(src.dtype, from, count);
      checkRows(labels, 1, "sigmoids", stored, at);
      const pairs = memory.view("f64", this.#probabilities, 2 * count);
      const counts = memory.view("f64", votes.pointer + byteLength("f64", at), count);
      labels.forEach((label, k) => {
        pairs[2 * k] = label;
        pairs[2 * k + 1] = Math.max(0, 1 - label);
        if (label >= 0.5) counts[k] = (counts[k] as number) + 1;
      });
      this.#addMoments(from, src.dtype, at, count);
      const entropies = expectedEntropy.pointer + byteLength("f64", at);
      this.#kernels.entropy.probabilities.f64(entropies, this.#probabilities, count, 2, this.#passes + 1);
    }
  }

  /** Returns whether every mean is known as exactly as `until` asks. */
  settled({ standardError, leastPasses }: Until): boolean {
    const passes = this.#passes;
    if (passes < leastPasses || passes < 2) return false;
    const { pointer, length } = (this.#blocks as Blocks).deviations;
    const most = standardError ** 2 * passes * (passes - 1);
    return this.#engine.memory.view("f64", pointer, length).every((sum) => sum <= most);
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
    const layout = this.#layout;
    const { output } = this.#run;
    const block = (length: number): Block => ({ pointer: length === 0 ? 0 : this.#pass.scratch(byteLength("f64", length)), length });
    const blocks = {
      mean: block(length),
      deviations: block(length),
      expectedEntropy: block(layout === undefined ? 0 : output === "sigmoids" ? length : layout.rows),
      votes: block(layout === undefined ? 0 : length),
    };
    const wide = Math.min(length, Math.max(PIECE, layout?.classes ?? 0));
    if (output === "logits") this.#probabilities = this.#pass.scratch(byteLength("f64", wide));
    if (output === "sigmoids") this.#probabilities = this.#pass.scratch(byteLength("f64", Math.min(2 * length, PIECE)));
    if (layout !== undefined && layout.inner > 1) this.#rows = this.#pass.scratch(byteLength("f64", length));
    for (const { pointer, length } of Object.values(blocks)) if (length > 0) this.#engine.memory.view("f64", pointer, length).fill(0);
    return blocks;
  }

  /** The totals of all passes, of which there must have been one; the outputs of those that were added, if they are kept. */
  get totals(): Totals {
    const { mean, deviations, expectedEntropy, votes } = this.#blocks as Blocks;
    const copy = ({ pointer, length }: Block) =>
      length === 0 ? new Float64Array() : this.#engine.memory.view("f64", pointer, length).slice();
    return {
      passes: this.#passes,
      mean: copy(mean),
      deviations: copy(deviations),
      expectedEntropy: copy(expectedEntropy),
      votes: copy(votes),
      passOutputs: this.#outputs && concatenate(this.#outputs, mean.length),
    };
  }

  /** Gives the memory back. */
  free(): void {
    this.#engine.dismiss(this.#pass);
  }
}
