// The order stream, element by element, as docs/order-stream.md defines it: slow, without state, to port from and to test against.

import { philox } from "./reference.js";

const split = (x: bigint): [bigint, bigint] => [x & 0xffffffffn, x >> 32n];

/** The word of element i. */
export function word(seed: bigint, stream: bigint, i: bigint): number {
  const [low, high] = split(i & ~3n);
  return Number(philox([...split(stream), low, high | 0x40000000n], split(seed))[Number(i & 3n)]);
}

/** The elements kept of `row`, whose words are given: the `kept` largest, of equal ones the first. */
export function largest(words: readonly number[], kept: number): boolean[] {
  const order = words.map((_, i) => i).sort((a, b) => (words[b] as number) - (words[a] as number) || a - b);
  const chosen = new Set(order.slice(0, kept));
  return words.map((_, i) => chosen.has(i));
}
