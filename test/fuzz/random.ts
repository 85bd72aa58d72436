// The random choices of a case: a function of the run's seed and the case's number alone, so that one case can be run again without the others.

import { philox } from "../../docs/reference.js";

export class Random {
  readonly #key: readonly bigint[];
  #counter = 0n;
  #words: bigint[] = [];

  constructor(seed: number, index: number) {
    this.#key = [BigInt(seed >>> 0), BigInt(index >>> 0)];
  }

  /** An integer in [0, below). */
  integer(below: number): number {
    if (this.#words.length === 0) this.#words = philox([this.#counter++, 0n, 0n, 0n], this.#key);
    return Math.floor((Number(this.#words.pop()) / 2 ** 32) * below);
  }

  chance(p: number): boolean {
    return this.integer(1_000_000) < p * 1_000_000;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.integer(items.length)] as T;
  }
}
