// The contenders: dropout in several ways, and a copy of the same data to compare with.

import { Dropout } from "wasm-dropout";
import type { Order } from "./protocol.js";

export interface Contender {
  readonly name: string;
  readonly run: () => void;
}

/** The drop probability of all of them. */
const P = 0.1;

/** The contenders over `n` elements, the copy first, with memory of their own. */
export function makeContenders({ simd, scalar }: Order["modules"], n: number): Contender[] {
  const x = new Float32Array(n).fill(1);
  const y = new Float32Array(n);
  const best = new Dropout(simd ?? scalar, { seed: 1 });
  const [from, out] = [best.from(x), best.alloc("f32", n)];
  const [source, target] = [from.array, out.array];
  const plain = new Dropout(scalar, { seed: 1 });
  const [plainFrom, plainOut] = [plain.from(x), plain.alloc("f32", n)];
  return [
    // Within one wasm memory, where engines do what they do for memory.copy.
    { name: "Copy", run: () => target.set(source) },
    ...(simd === undefined ? [] : [{ name: "Dropout, SIMD", run: () => best.dropout(from, P, { out }) }]),
    { name: "Dropout, scalar", run: () => plain.dropout(plainFrom, P, { out: plainOut }) },
    { name: "Dropout, ordinary array", run: () => best.dropout(x, P, { out: y }) },
    { name: "Math.random loop", run: () => loop(x, y) },
  ];
}

/** Dropout without a library. */
function loop(x: Float32Array, y: Float32Array): void {
  const scale = 1 / (1 - P);
  for (let i = 0; i < x.length; i++) y[i] = Math.random() < P ? 0 : (x[i] as number) * scale;
}
