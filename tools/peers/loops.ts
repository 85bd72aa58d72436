// Dropout as one writes it in plain JavaScript.

/** The loop that comes to mind first. */
export function randomLoop(y: Float32Array, x: Float32Array, p: number, random: () => number): void {
  const scale = 1 / (1 - p);
  for (let i = 0; i < x.length; ++i) y[i] = random() < p ? 0 : (x[i] as number) * scale;
}

const BYTES = 256;
// One in every byte of a word, and the highest bit of every byte.
const LOW = 0x01010101;
const HIGH = 0x80808080;

/**
 * The fastest loop found: two xorshift32 generators (Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8 (2003)), neither waiting for
 * the other; four decisions a word, one a byte; a table of what to multiply by instead of a branch. Slower were 16 or 32 bits a decision,
 * branches, integer views that select by bits, xoshiro128, and drawing the gaps between dropped elements.
 *
 * A byte alone would round p to 1/256. Its value at the threshold stands for the rest of p: where a word has it, that entry of the table is
 * drawn anew. As any multiplication does, this leaks a NaN that it should drop.
 */
export class XorshiftLoop {
  readonly #table = new Float32Array(BYTES);
  readonly #threshold: number;
  readonly #rest: number;
  readonly #scale: number;
  #a: number;
  #b: number;
  #c: number;

  /** @param seed any integer */
  constructor(p: number, seed: number) {
    this.#threshold = Math.floor(p * BYTES);
    this.#rest = Math.round((p * BYTES - this.#threshold) * 2 ** 32);
    this.#scale = 1 / (1 - p);
    this.#table.fill(this.#scale, this.#threshold);
    this.#c = seed | 0;
    // Neither of these may be 0, which xorshift never leaves.
    this.#a = Math.imul(seed, 0x9e3779b1) | 1;
    this.#b = Math.imul(seed, 0x85ebca6b) ^ 0x159a55e5 || 1;
  }

  /** @param x data whose length is a multiple of 8 */
  run(y: Float32Array, x: Float32Array): void {
    const table = this.#table;
    const threshold = this.#threshold;
    const pattern = Math.imul(threshold, LOW);
    let a = this.#a;
    let b = this.#b;
    let c = this.#c;
    for (let i = 0; i < x.length; i += 8) {
      a ^= a << 13;
      a ^= a >>> 17;
      a ^= a << 5;
      b ^= b << 13;
      b ^= b >>> 17;
      b ^= b << 5;
      // Non-zero where a byte equals the threshold ("Determine if a word has a zero byte", Anderson, "Bit twiddling hacks").
      const u = a ^ pattern;
      const v = b ^ pattern;
      if (((((u - LOW) & ~u) | ((v - LOW) & ~v)) & HIGH) !== 0) {
        // Numerical Recipes' "quick and dirty" generator (Press et al., 2nd edition, 7.1): only its upper bits decide, and seldom.
        c = (Math.imul(c, 1664525) + 1013904223) | 0;
        table[threshold] = c >>> 0 < this.#rest ? 0 : this.#scale;
      }
      y[i] = (x[i] as number) * (table[a & 255] as number);
      y[i + 1] = (x[i + 1] as number) * (table[(a >>> 8) & 255] as number);
      y[i + 2] = (x[i + 2] as number) * (table[(a >>> 16) & 255] as number);
      y[i + 3] = (x[i + 3] as number) * (table[a >>> 24] as number);
      y[i + 4] = (x[i + 4] as number) * (table[b & 255] as number);
      y[i + 5] = (x[i + 5] as number) * (table[(b >>> 8) & 255] as number);
      y[i + 6] = (x[i + 6] as number) * (table[(b >>> 16) & 255] as number);
      y[i + 7] = (x[i + 7] as number) * (table[b >>> 24] as number);
    }
    this.#a = a;
    this.#b = b;
    this.#c = c;
  }
}
