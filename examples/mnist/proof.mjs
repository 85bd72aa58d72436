// That backward needs no stored mask: another instance, knowing only the ticket, makes the mask that forward used.

import { createDropout } from "wasm-dropout";
import { isKept } from "./bits.mjs";
import { grouped, printHeading } from "./terminal.mjs";

/** @import { Dropout } from "wasm-dropout" */
/** @import { Images } from "./idx.mjs" */

const IMAGES = 1000;
const P = 0.3;

/**
 * @param {Dropout} dropout
 * @param {Images} images
 * @returns {Promise<boolean>} whether all held
 */
export async function showProof(dropout, { rows, columns, pixels }) {
  const n = IMAGES * rows * columns;
  const x = Float32Array.from(pixels.subarray(0, n), (grey) => grey / 255);
  const mask = new Uint8Array(Math.ceil(n / 8));
  const { y, ticket } = dropout.forward(x, P, { mask });
  const json = JSON.stringify(ticket);

  const other = await createDropout({ seed: BigInt.asUintN(64, ~dropout.seed) });
  const ones = new Float32Array(n).fill(1);
  const { dx: regenerated } = other.backward(ones, JSON.parse(json));
  const { dx: stored } = other.backward(ones, { p: P }, { mask });
  const unrelated = other.mask(n, P);

  const dropped = n - dropout.countKept(mask, n);
  const zeros = countWhere(n, (i) => regenerated[i] === 0);
  const different = countWhere(n, (i) => (regenerated[i] === 0) === isKept(mask, i));
  const sameBytes = Buffer.from(regenerated.buffer).equals(Buffer.from(stored.buffer));
  const wrongGradient = countWhere(n, (i) => y[i] !== Math.fround(Number(x[i]) * Number(regenerated[i])));
  const chance = countWhere(n, (i) => isKept(unrelated, i) !== isKept(mask, i));
  const held = zeros === dropped && different === 0 && sameBytes && wrongGradient === 0;

  printHeading("4. Backward without a stored mask");
  console.log(`  forward on ${grouped(IMAGES)} images, p = ${P}. Its ticket, all that is kept of the mask:\n`);
  // In two lines, as it is wider than the terminal.
  console.log(`  ${json.replace(',"stream"', ',\n   "stream"')}\n`);
  console.log(`  Another instance, of seed ${other.seed}, given that text:\n`);
  const lines = [
    ["dropped by forward, in its bit mask", grouped(dropped)],
    ["dropped by backward, from the ticket", grouped(zeros)],
    ["elements that differ", grouped(different)],
    ["bytes equal to backward from the bit mask", sameBytes ? "yes" : "NO"],
    ["elements where y is not x times the gradient", grouped(wrongGradient)],
    ["(elements that differ in a mask of its own seed", `${grouped(chance)})`],
  ];
  for (const [name, value] of lines) console.log(`  ${name}`.padEnd(56), value);
  console.log(held ? "\n  The mask was regenerated bit for bit." : "\n  FAILED: the mask was not regenerated.");
  return held;
}

/**
 * @param {number} n
 * @param {(index: number) => boolean} predicate
 */
function countWhere(n, predicate) {
  let count = 0;
  for (let i = 0; i < n; i++) count += Number(predicate(i));
  return count;
}
