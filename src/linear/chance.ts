// What the recipe of a call means to the kernels of a linear layer, which scale sums and not weights, and how its masks are drawn.

import type { Context } from "../core/dropout.js";
import type { Call } from "../engine/call.js";
import type { Dtype } from "../ground/dtypes.js";
import type { LayerShape } from "./layer.js";

export interface Chance {
  /** What a sum over kept weights is multiplied by, rounded to the dtype; 0 where all are dropped. */
  readonly factor: number;
  /** Whether there are decisions to draw. */
  readonly drawn: boolean;
  /** Whether all are dropped: then nothing is summed, so that not even an infinity can pass. */
  readonly none: boolean;
}

/** Reads the recipe, and has what is drawn from here on leave kept weights as they are. */
export function chanceOf(call: Call, dtype: Dtype): Chance {
  const { recipe } = call;
  call.setChance(dtype);
  const { scale } = call;
  const none = scale === Infinity;
  const drawn = !none && recipe.p > 0 && recipe.rescale !== "test";
  if (drawn) {
    recipe.rescale = "none";
    call.setChance(dtype);
  }
  return { factor: none ? 0 : scale, drawn, none };
}

/** Draws the decisions of `examples` examples, from number `n` on, for `rows` rows of w, from number `o` on, as bytes. */
export function drawExamples(
  { call, kernels }: Context,
  keep: number,
  layer: LayerShape,
  n: number,
  examples: number,
  o: number,
  rows: number,
): void {
  const { bytes } = kernels.mask[call.recipe.kind];
  const count = rows * layer.in;
  if (rows === layer.out) call.draw(bytes, keep, n * count, examples * count);
  else for (let k = 0; k < examples; ++k) call.draw(bytes, keep + k * count, ((n + k) * layer.out + o) * layer.in, count);
}

/** Writes `rows` rows of w, from number `o` on, from `src` to `dst`, which may be the same, +0 in place of those that the batch's one mask drops. */
export function maskRows(
  { call, kernels }: Context,
  dtype: Dtype,
  dst: number,
  src: number,
  layer: LayerShape,
  o: number,
  rows: number,
): void {
  const kernel = kernels.dropout[call.recipe.kind][dtype];
  call.drop(kernel, dst, src, o * layer.in, rows * layer.in);
}
