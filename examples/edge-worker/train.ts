// Trains the Worker's network on MNIST: npm run train -- [--images N] [--epochs N] [--seed S] [--out DIRECTORY]

import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createDropout } from "wasm-dropout";
import { mnistDirectory, readImages, readLabels, TRAINING_IMAGES } from "../mnist/idx.mjs";
import { showProgress } from "../mnist/terminal.mjs";
import { restore, store } from "./model.js";
import { P, SIZES } from "./network.js";
import { encodeOnnx } from "./onnx.js";
import { uniform } from "./random.js";
import { accuracy, type Examples, initialLayers, Trainer } from "./training.js";

const RATE = 0.05;

const { values } = parseArgs({
  options: {
    images: { type: "string", default: `${TRAINING_IMAGES}` },
    epochs: { type: "string", default: "12" },
    seed: { type: "string", default: "1" },
    out: { type: "string", default: fileURLToPath(new URL(".", import.meta.url)) },
  },
});
const images = readInteger("images", 100, TRAINING_IMAGES);
const epochs = readInteger("epochs", 1, 1000);
const seed = readInteger("seed", 0, 2 ** 32 - 1);

function readInteger(name: "images" | "epochs" | "seed", least: number, most: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  console.error(`"--${name}" expected integer in [${least}, ${most}], got "${values[name]}"`);
  process.exit(2);
}

function readExamples(prefix: string, count: number): Examples {
  const file = (kind: string) => join(mnistDirectory(), `${prefix}-${kind}-ubyte`);
  const { pixels } = readImages(file("images-idx3"));
  const labels = readLabels(file("labels-idx1"));
  const used = pixels.subarray(0, count * SIZES[0]);
  return { pixels: Float32Array.from(used, (grey) => grey / 255), labels: labels.slice(0, count) };
}

const training = readExamples("train", images);
const test = readExamples("t10k", 10_000);
const random = uniform(seed);
const layers = initialLayers(random);
const trainer = new Trainer(await createDropout({ seed }), layers);
const batches = epochs * Math.floor(images / 100);
const start = performance.now();
let done = 0;
for (let epoch = 0; epoch < epochs; ++epoch) {
  // Falls to nothing along half a cosine (Loshchilov and Hutter 2017).
  const rate = (RATE * (1 + Math.cos((Math.PI * epoch) / epochs))) / 2;
  trainer.epoch(training, random, rate, () => {
    ++done;
    const left = Math.ceil(((performance.now() - start) / done) * (batches - done) * 1e-3);
    if (done % 10 === 0) showProgress(`epoch ${epoch + 1} of ${epochs}: ${Math.floor((100 * done) / batches)}%, ${left} s left`);
  });
  showProgress();
  console.log(`epoch ${epoch + 1} of ${epochs}: ${percent(accuracy(layers, test))} of the test images right`);
}

const stored = layers.map(store);
const bytes = encodeOnnx(stored, P);
const card = {
  network: `${SIZES.join("-")}, ReLU, dropout p = ${P} on both hidden layers, softmax`,
  data: `the first ${images} training images of MNIST; accuracy on its 10,000 test images, without dropout`,
  images,
  epochs,
  seed,
  accuracy: { trained: accuracy(layers, test), stored: accuracy(stored.map(restore), test) },
  bytes: bytes.length,
  sha256: createHash("sha256").update(bytes).digest("hex"),
};
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, "model.onnx"), bytes);
writeFileSync(join(values.out, "model.json"), `${JSON.stringify(card, undefined, 2)}\n`);
console.log(`${bytes.length} bytes in ${join(values.out, "model.onnx")}: ${percent(card.accuracy.stored)} right with eight bits a weight`);

function percent(share: number): string {
  return `${(100 * share).toFixed(2)}%`;
}
