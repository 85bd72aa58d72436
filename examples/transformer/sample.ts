// Text that a network writes, a character at a time, each drawn from its distribution.

import { tidy } from "@tensorflow/tfjs-core";
import type { Decoder } from "./model.js";
import type { Text, Windows } from "./text.js";

const CHARACTERS = 240;
// Below 1, the likelier characters are drawn more often than the network says.
const TEMPERATURE = 0.7;

/** Returns what the network writes after the first characters of the validation text. */
export function writeOn(decoder: Decoder, windows: Windows, { alphabet, validation }: Text): string {
  const { length, characters } = decoder.form;
  const seen = [...validation.subarray(0, length)];
  for (const u of windows.uniform(CHARACTERS)) {
    const scores = tidy(() => decoder.scores(Int32Array.from(seen.slice(-length)), 0).dataSync<"float32">());
    seen.push(draw(scores.subarray(-characters), u));
  }
  return seen
    .slice(length)
    .map((number) => alphabet[number])
    .join("");
}

/** Draws the number of a score by `u` in [0, 1). */
function draw(scores: Float32Array, u: number): number {
  const most = Math.max(...scores);
  const weights = Array.from(scores, (score) => Math.exp((score - most) / TEMPERATURE));
  let left = u * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [number, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return number;
  }
  return weights.length - 1;
}
