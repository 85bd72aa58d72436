// The parts that an instance and its extensions share: memory, sequence, scratch, kernels, and the pool of passes.

import { type BufferDtype, type DataDtype, DTYPES, HALF_DTYPES } from "../ground/dtypes.js";
import type { Sequence } from "../stream/sequence.js";
import type { Context } from "./context.js";
import { type HalfKernels, type Kernels, withHalf } from "./kernels.js";
import type { Memory } from "./memory.js";
import type { Conversion } from "./operand.js";
import { Pass } from "./pass.js";
import { Scratch } from "./scratch.js";

export class Engine implements Context {
  readonly memory: Memory;
  readonly sequence: Sequence;
  readonly scratch: Scratch;
  readonly kernels: Kernels;
  readonly dtypes: readonly DataDtype[];
  readonly #conversions: readonly Conversion[];
  // Passes by the depth of nested calls in the memory, all made once.
  readonly #pool: Pass[] = [];

  constructor(
    memory: Memory,
    sequence: Sequence,
    kernels: Kernels,
    scratch = new Scratch(memory),
    dtypes: readonly DataDtype[] = DTYPES,
    conversions: readonly Conversion[] = [],
  ) {
    this.memory = memory;
    this.sequence = sequence;
    this.kernels = kernels;
    this.scratch = scratch;
    this.dtypes = dtypes;
    this.#conversions = conversions;
  }

  /** Returns an engine over the same memory, sequence and scratch that also knows 16-bit data. */
  withHalf(half: HalfKernels, conversions: readonly Conversion[]): Engine {
    const { memory, sequence, kernels, scratch } = this;
    return new Engine(memory, sequence, withHalf(kernels, half), scratch, [...DTYPES, ...HALF_DTYPES], conversions);
  }

  conversionOf(dtype: BufferDtype): Conversion | undefined {
    return this.#conversions.find((conversion) => conversion.dtype === dtype);
  }

  /** Starts a call; close() must end it before the call that it interrupts goes on. Throws TypeError after dispose(). */
  open(): Pass {
    const { memory } = this;
    // A depth below 0 has no pass either.
    const pass = this.#pool[memory.depth] ?? this.#made();
    ++memory.depth;
    return pass.begin();
  }

  #made(): Pass {
    const { memory } = this;
    memory.checkLive();
    const pass = new Pass(this);
    this.#pool[memory.depth] = pass;
    return pass;
  }

  /** Ends a call. */
  close(pass: Pass): void {
    // A host's free(), which ends in foreign code, runs within the call.
    try {
      pass.end();
    } finally {
      --this.memory.depth;
    }
  }

  /** Returns a pass of its own, for work that goes on between calls; dismiss() must end it. */
  detached(): Pass {
    const { memory } = this;
    memory.checkLive();
    ++memory.detached;
    return new Pass(this).begin();
  }

  /** Ends a pass of detached(). */
  dismiss(pass: Pass): void {
    try {
      pass.end();
    } finally {
      --this.memory.detached;
    }
  }
}
