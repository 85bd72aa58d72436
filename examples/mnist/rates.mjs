// The share of elements that are really dropped, against p, over all training images.

import { grouped, printHeading, printTable, showProgress } from "./terminal.mjs";

/** @import { Dropout } from "wasm-dropout" */
/** @import { Images } from "./idx.mjs" */

const PROBABILITIES = [0.05, 0.1, 0.2, 0.5, 0.8, 0.95];
const BATCH = 5000;
const WIDTHS = [6, 18, 14, 11, 9, 16];

/**
 * @param {Dropout} dropout
 * @param {Images} images
 */
export function showRates(dropout, { count, rows, columns, pixels }) {
  printHeading("3. Realised drop rates over all training images");
  const size = BATCH * rows * columns;
  const x = dropout.alloc("f32", size);
  const y = dropout.alloc("f32", size);
  const mask = dropout.alloc("bits", size);
  const results = PROBABILITIES.map((p) => ({ p, stream: dropout.reserveStream(), dropped: 0, sum: 0 }));
  let sum = 0;
  for (let start = 0; start < pixels.length; start += size) {
    showProgress(`  image ${grouped(start / rows / columns)} of ${grouped(count)}`);
    x.array.set(pixels.subarray(start, start + size));
    sum += sumOf(x.array);
    for (const result of results) {
      dropout.dropout(x, result.p, { stream: result.stream, start, mask, out: y });
      result.dropped += size - dropout.countKept(mask);
      result.sum += sumOf(y.array);
    }
  }
  showProgress();
  for (const buffer of [x, y, mask]) buffer.free();

  const n = pixels.length;
  console.log(`  ${grouped(count)} images, ${grouped(n)} pixels, mean grey level ${(sum / n).toFixed(3)} of 255.\n`);
  printTable([["p", "dropped", "realised", "minus p", "sigmas", "mean of y"]], WIDTHS);
  printTable(
    results.map(({ p, dropped, sum }) => {
      const error = dropped / n - p;
      const sigmas = error / Math.sqrt((p * (1 - p)) / n);
      return [`${p}`, grouped(dropped), (dropped / n).toFixed(7), signed(error, 7), signed(sigmas, 2), (sum / n).toFixed(3)];
    }),
    WIDTHS,
  );
  console.log("\n  A sigma is the standard error of n independent draws, sqrt(p (1 - p) / n).");
}

/**
 * Indexed, as an iterator costs several times the addition.
 *
 * @param {Float32Array} array
 */
function sumOf(array) {
  let sum = 0;
  for (let i = 0; i < array.length; i++) sum += /** @type {number} */ (array[i]);
  return sum;
}

/** @param {number} value @param {number} digits */
function signed(value, digits) {
  return `${value < 0 ? "" : "+"}${value.toFixed(digits)}`;
}
