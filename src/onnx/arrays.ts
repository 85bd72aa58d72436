// Arrays that the predictions of a model use one after another: memory that is new costs more than what is written into it.

import { type Elements, emptyLike } from "./runtime.js";

// More than masks and inputs of a batch take; those of a model whose single passes need more are made anew.
const MOST_BYTES = 2 ** 24;

export class Arrays {
  readonly #arrays = new Map<string, Elements>();

  /** Returns an array of the kind of `like`, of any content, which the call before of the same name may have returned. */
  take(name: string, like: Elements, length: number): Elements {
    const known = this.#arrays.get(name);
    // A runtime in another thread may have taken its memory there, which leaves it without length.
    if (known?.length === length && known.constructor === like.constructor) return known;
    const made = emptyLike(like, length);
    this.#arrays.set(name, made);
    return made;
  }

  /** As take(), bytes. */
  bytes(name: string, length: number): Uint8Array<ArrayBuffer> {
    return this.take(name, NO_BYTES, length) as unknown as Uint8Array<ArrayBuffer>;
  }

  /** True if they are few enough to be kept. */
  get small(): boolean {
    let bytes = 0;
    for (const array of this.#arrays.values()) bytes += (array as Partial<Uint8Array>).byteLength ?? Number.POSITIVE_INFINITY;
    return bytes <= MOST_BYTES;
  }
}

const NO_BYTES: Elements = /* @__PURE__ */ new Uint8Array();
