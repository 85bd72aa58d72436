// The genuine MNIST digits (LeCun, Cortes, Burges 1998) that the page offers.

import digits from "./digits.json" with { type: "json" };

export interface Digit {
  readonly label: number;
  /** The number of the image in the training set. */
  readonly index: number;
  /** Grey levels in [0, 1]; 1 = ink. */
  readonly pixels: Float32Array<ArrayBuffer>;
}

export const DIGITS: readonly Digit[] = digits.map(({ label, index, pixels }) => ({
  label,
  index,
  pixels: Float32Array.from(atob(pixels), (character) => character.charCodeAt(0) / 255),
}));
