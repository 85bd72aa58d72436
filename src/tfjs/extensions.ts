// Extensions that a program hands over, as their modules would make the adapter larger for those who do not use them. They are made once over each set of
// kernels: that of a memory of their own, and that of each wasm backend.

import type { Attention } from "../attention/index.js";
import type { Dropout } from "../core/dropout.js";
import type { Fused } from "../fused/index.js";
import { checkFunction, wrongKind } from "../ground/check.js";
import { checkOptions, type Known, known } from "../ground/options.js";

/** Functions of the entries of this package that {@link TfjsDropout.fused} runs on. */
export interface TfjsExtensions {
  /** That of "wasm-dropout/fused". */
  createFused?: ((dropout: Dropout) => Promise<Fused>) | undefined;
  /** That of "wasm-dropout/attention". */
  createAttention?: ((dropout: Dropout) => Promise<Attention>) | undefined;
}
const EXTENSION_KEYS: Known = /* @__PURE__ */ known("createFused", "createAttention");

/** The objects that the functions have made. */
export interface Extended {
  readonly fused?: Fused | undefined;
  readonly attention?: Attention | undefined;
}

/** Checks and copies the functions. */
export function readExtensions(given: unknown): TfjsExtensions {
  if (given === undefined) return {};
  checkOptions(given, EXTENSION_KEYS, "extensions");
  const { createFused, createAttention } = given as TfjsExtensions;
  if (createFused !== undefined) checkFunction(createFused, "extensions.createFused");
  if (createAttention !== undefined) checkFunction(createAttention, "extensions.createAttention");
  return { createFused, createAttention };
}

/** Extensions over sets of kernels. */
export class Extensions {
  readonly #create: TfjsExtensions;
  readonly #made = new WeakMap<Dropout, Extended>();

  constructor(create: TfjsExtensions) {
    this.#create = create;
  }

  /** Makes them over `core`, unless that was done before. */
  async make(core: Dropout): Promise<void> {
    const { createFused, createAttention } = this.#create;
    if (this.#made.has(core)) return;
    const [fused, attention] = await Promise.all([createFused?.(core), createAttention?.(core)]);
    this.#made.set(core, { fused, attention });
  }

  /** Returns those over `core`, if they have been made. */
  over(core: Dropout): Extended | undefined {
    return this.#made.get(core);
  }

  /** Throws TypeError unless the function that makes `name` was handed over. */
  check(name: keyof Extended): void {
    const option = name === "fused" ? "createFused" : "createAttention";
    if (this.#create[option] === undefined)
      throw wrongKind(`extensions.${option}`, `${option} of "wasm-dropout/${name}", handed to createTfjsDropout`, undefined);
  }
}
