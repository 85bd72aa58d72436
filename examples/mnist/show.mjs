// Dropout on MNIST, in the terminal: npm start -- [--digit N] [--p P] [--seed S]

import { readFileSync } from "node:fs";
import { createDropout, simdSupported } from "wasm-dropout";
import { showDigit } from "./digit.mjs";
import { DataError, mnistDirectory, readTrainingSet } from "./idx.mjs";
import { showKeras } from "./keras.mjs";
import { readOptions, USAGE, UsageError } from "./options.mjs";
import { showProof } from "./proof.mjs";
import { showRates } from "./rates.mjs";
import { showTiming } from "./timing.mjs";

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  } else if (error instanceof DataError) {
    console.error(error.message);
    process.exitCode = 1;
  } else {
    throw error;
  }
}

/**
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
async function main(args) {
  const { digit, p, seed, help } = readOptions(args);
  if (help) {
    console.log(USAGE);
    return 0;
  }
  const { images, labels } = readTrainingSet(mnistDirectory());
  const dropout = await createDropout({ seed });

  const { name, version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  console.log(`${name} ${version} on Node ${process.version}, ${simdSupported() ? "SIMD" : "scalar"} kernels`);
  showDigit(dropout, images, labels, digit, p);
  showKeras(dropout);
  showRates(dropout, images);
  const held = await showProof(dropout, images);
  showTiming(dropout, images);
  return held ? 0 : 1;
}
