// The proofs of docs/statistics.md about a lane of kind "tile", given first states that are uniform, checked by ranks over GF(2), and by counting
// all states of the same generator with smaller words.

import { describe, expect, it } from "vitest";
import { xoshiro } from "../../docs/reference.js";
import { rank } from "../support/stats.js";

/** Word `word` of the state after `step` steps as linear forms: for each of its 32 bits, the bits of the first state that it is the sum of. */
function forms(word: 0 | 1 | 2 | 3, step: number): Uint32Array[] {
  const rows = Array.from({ length: 32 }, () => new Uint32Array(4));
  for (let bit = 0; bit < 128; ++bit) {
    let state = [0, 1, 2, 3].map((w) => (w === bit >> 5 ? 1n << BigInt(bit & 31) : 0n));
    for (let k = 0; k < step; ++k) state = xoshiro(state).next;
    rows.forEach((row, b) => {
      if (((state[word] as bigint) >> BigInt(b)) & 1n) row[bit >> 5] = (row[bit >> 5] as number) | (1 << (bit & 31));
    });
  }
  return rows;
}

describe("ranks", () => {
  // With s0 of the last step known, each ++ word is a bijection of its s3, and gives s0 of the step before.
  it.each([1, 2, 3])("the words s3 of %d steps and s0 of the last are independent", (steps) => {
    for (const first of [0, 1, 100, 253]) {
      const s3 = Array.from({ length: steps }, (_, k) => forms(3, first + k)).flat();
      expect(rank([...s3, ...forms(0, first + steps - 1)])).toBe(32 * (steps + 1));
    }
  });

  // Words ** are bijections of s1.
  it("the words s1 of four steps are independent, and no fifth", () => {
    const s1 = (steps: number) => Array.from({ length: steps }, (_, k) => forms(1, 7 + k)).flat();
    expect([3, 4, 5].map((steps) => rank(s1(steps)))).toEqual([96, 128, 128]);
  });

  it("A and B of one step, and A, A, B of two, are independent", () => {
    expect(rank([...forms(3, 0), ...forms(0, 0), ...forms(1, 0)])).toBe(96);
    expect(rank([...forms(3, 0), ...forms(3, 1), ...forms(0, 1), ...forms(1, 1)])).toBe(128);
  });

  it("s0 of the step before follows from s0 and s3", () => {
    expect(rank([...forms(0, 1), ...forms(3, 1), ...forms(0, 0)])).toBe(64);
  });

  it("a step is a bijection, so that lanes stay uniform", () => {
    expect(rank([0, 1, 2, 3].flatMap((word) => forms(word as 0 | 1 | 2 | 3, 1)))).toBe(128);
  });
});

describe("words of five bits", () => {
  const bits = 5;
  const mask = 2 ** bits - 1;
  const rotl = (x: number, k: number) => ((x << k) | (x >>> (bits - k))) & mask;

  /** For each triple of words of three steps, the number of states that give it. */
  function triples(scramble: (s0: number, s1: number, s2: number, s3: number) => number): Uint16Array {
    const counts = new Uint16Array(2 ** (3 * bits));
    for (let state = 0; state < 2 ** (4 * bits); ++state) {
      let [s0, s1, s2, s3] = [0, 1, 2, 3].map((word) => (state >> (bits * word)) & mask) as [number, number, number, number];
      let triple = 0;
      for (let step = 0; step < 3; ++step) {
        triple = (triple << bits) | (scramble(s0, s1, s2, s3) & mask);
        [s0, s1, s2, s3] = [s0 ^ s1 ^ s3, s0 ^ s1 ^ s2, s0 ^ s2 ^ ((s1 << 1) & mask), rotl(s1 ^ s3, 2)];
      }
      counts[triple] = (counts[triple] as number) + 1;
    }
    return counts;
  }

  it("every triple of ++ words comes from as many states", () => {
    expect(triples((s0, _1, _2, s3) => rotl((s0 + s3) & mask, 3) + s0).every((count) => count === 2 ** bits)).toBe(true);
  });

  it("a product in place of the sum is not even", () => {
    expect(triples((s0, _1, _2, s3) => rotl((s0 * s3) & mask, 3) + s0).every((count) => count === 2 ** bits)).toBe(false);
  });
});
