// One digit before and after dropout.

import { isKept } from "./bits.mjs";
import { DROPPED_SAMPLE, printPictures } from "./picture.mjs";
import { printHeading } from "./terminal.mjs";

/** @import { Dropout } from "wasm-dropout" */
/** @import { Images } from "./idx.mjs" */

/**
 * @param {Dropout} dropout
 * @param {Images} images
 * @param {Uint8Array} labels
 * @param {number} index
 * @param {number} p
 */
export function showDigit(dropout, { rows, columns, pixels }, labels, index, p) {
  const size = rows * columns;
  const x = Float32Array.from(pixels.subarray(index * size, (index + 1) * size), (grey) => grey / 255);
  const mask = new Uint8Array(Math.ceil(size / 8));
  const stream = dropout.reserveStream();
  const y = dropout.dropout(x, p, { stream, mask });
  const dropped = size - dropout.countKept(mask, size);

  printHeading("1. A digit before and after dropout");
  console.log(`  Training image ${index}, label ${labels[index]}; seed ${dropout.seed}, stream ${stream}.\n`);
  printPictures([
    { caption: "x", columns, pixels: [...x] },
    { caption: `dropout(x, ${p})`, columns, pixels: Array.from(y, (value, i) => (isKept(mask, i) ? value : Number.NaN)) },
  ]);
  console.log(`\n  ${DROPPED_SAMPLE} dropped, ${dropped} of ${size} pixels. The kept are scaled by 1 / (1 - p), and drawn`);
  console.log("  clipped to the range of x.");
}
