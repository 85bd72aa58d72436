// The dropout that Keras had on its Theano backend: dropout(x, level), which kept with probability 1 - level and divided by it.

import { isKept } from "./bits.mjs";
import { printHeading, printTable } from "./terminal.mjs";

/** @import { Dropout } from "wasm-dropout" */

const LEVEL = 0.4;
const WIDTHS = [-5, ...Array(10).fill(7)];

/** @param {Dropout} dropout */
export function showKeras(dropout) {
  const x = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
  const mask = new Uint8Array(2);
  const stream = dropout.reserveStream();
  const y = dropout.dropout(x, LEVEL, { stream, mask });

  printHeading("2. The historical example: dropout(x, level) of Keras on Theano");
  console.log(`  level = ${LEVEL}; seed ${dropout.seed}, stream ${stream}.\n`);
  printTable(
    [
      ["x", ...Array.from(x, String)],
      ["mask", ...Array.from(x, (_, i) => (isKept(mask, i) ? "1" : "0"))],
      ["y", ...Array.from(y, (value) => (value === 0 ? "0" : value.toFixed(3)))],
    ],
    WIDTHS,
  );
  console.log(`\n  y is x / ${1 - LEVEL} where kept, 0 where dropped. In Keras, level lies in [0, 1);`);
  console.log("  here, p = 1 is allowed too and drops everything.");
}
