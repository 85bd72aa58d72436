// One training: steps, validation now and then, and a file that it goes on from with the same bits.

import { existsSync, readFileSync } from "node:fs";
import { dispose, io, type NamedTensorMap, tidy, type Variable, variableGrads } from "@tensorflow/tfjs-core";
import { createAttention } from "wasm-dropout/attention";
import { createFused } from "wasm-dropout/fused";
import { createTfjsDropout, type TfjsState } from "wasm-dropout/tfjs";
import { UnusableFile } from "../../bench/command-line.js";
import { writeAtomically } from "../mnist/train/checkpoint.js";
import { Adam } from "./adam.js";
import { Decoder, type Form } from "./model.js";
import { readText, Windows } from "./text.js";

/** All that a training follows from. */
export interface Settings extends Omit<Form, "characters"> {
  readonly seed: number;
  /** Drop probability, 0 for none. */
  readonly rate: number;
  readonly steps: number;
  /** Windows of a step, and of a validation. */
  readonly windows: number;
  readonly validation: number;
  /** Steps between validations, after each of which the state is written. */
  readonly every: number;
  readonly learningRate: number;
  /** The most characters that are learnt from. */
  readonly text: number;
}

/** Losses in nats a character, nothing dropped, after so many steps. */
export interface Point {
  readonly step: number;
  readonly training: number;
  readonly validation: number;
}

interface Header {
  readonly settings: Settings;
  readonly masks: TfjsState;
  readonly curve: readonly Point[];
  readonly specs: io.WeightsManifestEntry[];
}

const NEWLINE = 0x0a;

/** Trains, or goes on from what `path` has; ends early, with what was written last, once `signal` is aborted. Returns the curve. */
export async function train(
  settings: Settings,
  path: string,
  onPoint: (point: Point) => void,
  signal?: AbortSignal,
): Promise<readonly Point[]> {
  const { seed, rate, steps, windows: count, validation: many, every, learningRate, length } = settings;
  const text = readText(settings.text);
  const windows = await Windows.create(seed, length);
  const wd = await createTfjsDropout({ seed, extensions: { createFused, createAttention } });
  const decoder = new Decoder({ ...settings, characters: text.alphabet.length }, wd, (...how) => windows.normal(...how));
  const adam = new Adam(decoder.weights);
  const state = [...decoder.weights, ...adam.moments.flat()];
  const curve: Point[] = [];

  if (existsSync(path)) {
    const { header, data } = readState(path);
    if (JSON.stringify(header.settings) !== JSON.stringify(settings))
      throw new UnusableFile(`${path} is of a training with other settings`);
    const saved = io.decodeWeights(data, header.specs) as NamedTensorMap;
    state.forEach((one, i) => {
      (one as Variable).assign(saved[`${i}`] as Variable);
    });
    dispose(saved);
    wd.restore(header.masks);
    curve.push(...header.curve);
    for (const point of curve) onPoint(point);
  }

  const samples = [text.training, text.validation].map((one) => windows.spread(one, many));
  for (let step = curve.at(-1)?.step ?? 0; step < steps; ) {
    const batch = windows.atRandom(text.training, count, step);
    const { value, grads } = variableGrads(() => decoder.loss(batch, rate), decoder.weights);
    // Rises over the first steps and falls to 0, linearly.
    const pace = learningRate * Math.min((step + 1) / 50, 1 - step / steps);
    adam.apply(
      decoder.weights.map(({ name }) => grads[name] as NonNullable<(typeof grads)[string]>),
      step,
      pace,
    );
    dispose([value, ...Object.values(grads)]);
    if (++step % every === 0 || step === steps) {
      const [training, validation] = samples.map((sample) => tidy(() => decoder.loss(sample, 0).dataSync()[0] as number)) as [
        number,
        number,
      ];
      const point = { step, training, validation };
      curve.push(point);
      await writeState(path, { settings, masks: wd.state, curve }, state);
      onPoint(point);
      // Lets signals in.
      await new Promise((resolve) => setImmediate(resolve));
      if (signal?.aborted) break;
    }
  }
  dispose(state);
  return curve;
}

async function writeState(path: string, header: Omit<Header, "specs">, state: readonly Variable[]): Promise<void> {
  const { data, specs } = await io.encodeWeights(state.map((one, i) => ({ name: `${i}`, tensor: one })));
  writeAtomically(path, Buffer.concat([Buffer.from(`${JSON.stringify({ ...header, specs })}\n`), Buffer.from(data as ArrayBuffer)]));
}

/** The contents of a file, its numbers as bytes. */
export function readState(path: string): { header: Header; data: ArrayBuffer } {
  const bytes = readFileSync(path);
  const end = bytes.indexOf(NEWLINE);
  return { header: JSON.parse(bytes.toString("utf8", 0, end)), data: new Uint8Array(bytes.subarray(end + 1)).buffer };
}
