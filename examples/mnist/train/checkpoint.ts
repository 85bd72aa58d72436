// Everything that a training goes on from: a line of JSON, and the numbers behind it. A file is written beside and renamed, so that it is
// whole whenever the program is ended.

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { io, type NamedTensorMap, type Variable } from "@tensorflow/tfjs-core";
import type { Sequential } from "@tensorflow/tfjs-layers";
import { type DropoutState, maskStates, restoreMasks } from "wasm-dropout/tfjs";
import type { Optimizer } from "./optimizer.js";

/** The figures after each epoch, of the training images and of the test images of the curve. */
export interface Point {
  readonly trainingWrong: number;
  readonly testWrong: number;
}

/** The state of a training. */
export interface Progress {
  /** One point an epoch. */
  readonly curve: readonly Point[];
  /** Time spent. */
  readonly seconds: number;
}

interface Header {
  readonly progress: Progress;
  readonly masks: readonly DropoutState[];
  readonly specs: io.WeightsManifestEntry[];
}

const NEWLINE = 0x0a;

/** Writes weights, the optimizer's state, places in the sequences of masks, and `progress`. */
export async function saveCheckpoint(path: string, model: Sequential, optimizer: Optimizer, progress: Progress): Promise<void> {
  const tensors = [...model.getWeights(), ...optimizer.state];
  // Numbered: the names that tfjs gives depend on what else the process has made.
  const { data, specs } = await io.encodeWeights(tensors.map((tensor, i) => ({ name: `${i}`, tensor })));
  const header: Header = { progress, masks: maskStates(model), specs };
  writeAtomically(path, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), Buffer.from(data)]));
}

/** Brings `model` and `optimizer` to where saveCheckpoint() found them, or to nowhere if there is no file. */
export async function loadCheckpoint(path: string, model: Sequential, optimizer: Optimizer): Promise<Progress | undefined> {
  if (!existsSync(path)) return undefined;
  const { header, data } = readCheckpoint(path);
  const decoded = io.decodeWeights(data, header.specs);
  [...model.weights.map((weight) => weight.read() as Variable), ...optimizer.state].forEach((variable, i) => {
    const tensor = decoded[`${i}`] as NamedTensorMap[string];
    variable.assign(tensor);
    tensor.dispose();
  });
  restoreMasks(model, header.masks);
  return header.progress;
}

/** The contents of a file, its numbers as bytes. */
export function readCheckpoint(path: string): { header: Header; data: ArrayBuffer } {
  const bytes = readFileSync(path);
  const end = bytes.indexOf(NEWLINE);
  return { header: JSON.parse(bytes.toString("utf8", 0, end)), data: new Uint8Array(bytes.subarray(end + 1)).buffer };
}

/** Writes a file in one step: a reader finds either the old one or all of the new one. */
export function writeAtomically(path: string, content: Uint8Array | string): void {
  writeFileSync(`${path}.part`, content);
  renameSync(`${path}.part`, path);
}
