// The fused operations over one instance: checks are in the files that this class delegates to, one a group of operations.

import type { Context } from "../dropout.js";
import { bindKernels } from "../kernels.js";
import { FUSED, type FusedKernels } from "./kernels.js";

/** Operations fused with dropout, each one pass over memory, over a {@link Dropout} instance. Made by {@link createFused}. */
export class Fused {
  readonly #context: Context;
  readonly #kernels: FusedKernels;

  /** @internal */
  constructor(context: Context, exports: WebAssembly.Exports) {
    this.#context = context;
    this.#kernels = bindKernels<FusedKernels>(exports, FUSED);
  }
}
