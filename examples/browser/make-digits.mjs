// Writes src/digits.json: of each digit the first image in the MNIST training set. Run with npm run digits.

import { writeFileSync } from "node:fs";
import { mnistDirectory, readTrainingSet } from "../mnist/idx.mjs";

const { images, labels } = readTrainingSet(mnistDirectory());
const size = images.rows * images.columns;
const digits = Array.from({ length: 10 }, (_, label) => {
  const index = labels.indexOf(label);
  const pixels = Buffer.from(images.pixels.subarray(index * size, (index + 1) * size)).toString("base64");
  return { label, index, pixels };
});
writeFileSync(new URL("src/digits.json", import.meta.url), `${JSON.stringify(digits, null, 2)}\n`);
