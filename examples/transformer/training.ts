// One training: steps, validation now and then, and a state that it goes on from with the same bits.

import { dispose, io, type NamedTensorMap, tidy, type Variable, variableGrads } from "@tensorflow/tfjs-core";
import { createAttention } from "wasm-dropout/attention";
import { createFused } from "wasm-dropout/fused";
import { createTfjsDropout } from "wasm-dropout/tfjs";
import { Adam } from "./adam.js";
import { checksum, type Header, pack, type Store, unpack } from "./checkpoint.js";
import { Decoder } from "./model.js";
import { writeOn } from "./sample.js";
import type { News, Point, Settings } from "./settings.js";
import { makeText, Windows } from "./text.js";

/** A state of a training with other settings, or on another text. */
export class OtherTraining extends Error {}

/**
 * Trains on `pages`, or goes on from what `store` has; ends early, with what was written last, once `signal` is aborted. Returns the curve.
 *
 * @throws OtherTraining if the store has the state of another
 */
export async function train(
  settings: Settings,
  pages: readonly string[],
  store: Store,
  tell: (news: News) => void,
  signal?: AbortSignal,
): Promise<readonly Point[]> {
  const { seed, rate, steps, windows: count, validation: many, every, learningRate, length } = settings;
  const text = makeText(pages, settings.text);
  const windows = await Windows.create(seed, length);
  const wd = await createTfjsDropout({ seed, extensions: { createFused, createAttention } });
  const decoder = new Decoder({ ...settings, characters: text.alphabet.length }, wd, (...how) => windows.normal(...how));
  const adam = new Adam(decoder.weights);
  const state = [...decoder.weights, ...adam.moments.flat()];
  const curve: Point[] = [];
  const about = { settings, text: checksum(text) };

  try {
    const saved = await store.read();
    if (saved !== undefined) {
      const { header, data } = unpack(saved);
      if (JSON.stringify({ settings: header.settings, text: header.text }) !== JSON.stringify(about))
        throw new OtherTraining("what was saved is of a training with other settings, or on another text");
      assign(state, data, header);
      wd.restore(header.masks);
      curve.push(...header.curve);
      for (const point of curve) tell({ type: "point", point });
    }

    const samples = [text.training, text.validation].map((one) => windows.spread(one, many));
    let step = curve.at(-1)?.step ?? 0;
    tell({ type: "step", step });
    while (step < steps && !signal?.aborted) {
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
      tell({ type: "step", step: ++step });
      if (step % every === 0 || step === steps) {
        const [training, validation] = samples.map((sample) => tidy(() => decoder.loss(sample, 0).dataSync()[0] as number)) as [
          number,
          number,
        ];
        const point = { step, training, validation };
        curve.push(point);
        const { data, specs } = await io.encodeWeights(state.map((one, i) => ({ name: `${i}`, tensor: one })));
        await store.write(pack({ ...about, masks: wd.state, curve, specs }, data as ArrayBuffer));
        tell({ type: "point", point });
        // Lets signals in.
        await new Promise((resolve) => setTimeout(resolve));
      }
    }
    if (step === steps) tell({ type: "end", sample: writeOn(decoder, windows, text) });
  } finally {
    dispose(state);
  }
  return curve;
}

function assign(state: readonly Variable[], data: ArrayBuffer, { specs }: Header): void {
  const saved = io.decodeWeights(data, [...specs]) as NamedTensorMap;
  state.forEach((one, i) => {
    one.assign(saved[`${i}`] as Variable);
  });
  dispose(saved);
}
