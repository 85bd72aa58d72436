// The masks of a linear layer, drawn a block of rows of w at a time. Its kernels scale sums, never weights.

import type { Running } from "../engine/pass.js";
import type { Dtype } from "../ground/dtypes.js";
import type { Draw } from "../stream/draw.js";
import type { LayerShape } from "./layer.js";

/** Writes the decisions of `examples` examples, from number `n` on, for `rows` rows of w, from number `o` on, as bytes. */
export function drawExamples(
  run: Running,
  { kind }: Draw,
  keep: number,
  layer: LayerShape,
  n: number,
  examples: number,
  o: number,
  rows: number,
): void {
  const { bytes } = run.engine.kernels.mask[kind];
  const count = rows * layer.in;
  if (rows === layer.out) bytes(keep, examples * count, run.params(n * count));
  else for (let k = 0; k < examples; ++k) bytes(keep + k * count, count, run.params(((n + k) * layer.out + o) * layer.in));
}

/** Writes `rows` rows of w, from number `o` on, from `src` to `dst`, which may be the same, with +0 in place of those that the batch's one mask drops. */
export function maskRows(
  run: Running,
  { kind }: Draw,
  dtype: Dtype,
  dst: number,
  src: number,
  layer: LayerShape,
  o: number,
  rows: number,
): void {
  run.engine.kernels.dropout[kind][dtype](dst, src, rows * layer.in, run.paramsUnscaled(o * layer.in));
}
