// One SHA-256 of all results of an extension: numbers by their bits, in wasm memory too, and tickets by their JSON.
// Invariant: NaN is refused, as engines choose its bits.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { bytesOf } from "../expect.js";

export class Digest {
  readonly #hash = sha256.create();

  /** Takes results: numbers, text, arrays and buffers, and objects of them. */
  add(...values: readonly unknown[]): void {
    for (const value of values) this.#take(value);
  }

  #take(value: unknown): void {
    if (ArrayBuffer.isView(value)) {
      if ((value instanceof Float32Array || value instanceof Float64Array) && value.some(Number.isNaN)) throw new Error("a result is NaN");
      this.#hash.update(bytesOf(value));
    } else if (typeof value !== "object" || value === null) {
      this.#hash.update(asciiOf(`${value};`));
    } else if ("pointer" in value && "array" in value) {
      this.#take(value.array);
    } else {
      for (const [key, part] of Object.entries(value)) this.add(key, part);
    }
  }

  get hex(): string {
    return bytesToHex(this.#hash.digest());
  }
}

/** The bytes of text without other characters than ASCII's; not every engine has TextEncoder. */
function asciiOf(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length }, (_, k) => text.charCodeAt(k));
}
