// The masks of passes, drawn as bytes straight into the arrays that are fed: a row for each example, or one for all.

import type { Engine } from "../engine/engine.js";
import { pieces } from "../engine/pieces.js";
import type { Words } from "../ground/words.js";
import type { StreamKind } from "../stream/kinds.js";
import { copy } from "./runtime.js";

/** The decisions of a run. */
export interface Drawing {
  readonly kind: StreamKind;
  readonly seed: bigint;
}

/**
 * Draws rows of a mask, 1 = keep, each from the start of a stream of its own.
 *
 * @param out [rows, features]
 * @param setStream sets the number of a row's stream
 */
export function drawRows(
  engine: Engine,
  { kind, seed }: Drawing,
  p: number,
  out: Uint8Array<ArrayBuffer>,
  rows: number,
  setStream: (stream: Words, row: number) => void,
): void {
  const pass = engine.open();
  try {
    const features = rows === 0 ? 0 : out.length / rows;
    const output = pass.output(out, "mask", "bytes", out.length, undefined);
    const { draw } = pass;
    draw.choose(kind, seed, 0);
    draw.range(features, 0);
    draw.chance(p, "train", true);
    const dst = pass.stageFixed(output);
    const run = pass.ready();
    const kernel = engine.kernels.mask[kind].bytes;
    for (const { at, count, row, rows: some, column, columns } of pieces(rows, features)) {
      const to = dst.enter(at, count);
      for (let r = 0; r < some; ++r) {
        setStream(draw.stream, row + r);
        kernel(to + r * columns, columns, run.params(column));
      }
      dst.leave(at, count);
    }
  } finally {
    engine.close(pass);
  }
}

/** Copies rows, each an example's [outer, inner], into a tensor [outer, examples, inner]. */
export function placeRows(to: Uint8Array, rows: Uint8Array, count: number, outer: number): void {
  const features = rows.length / count;
  const inner = features / outer;
  for (let row = 0; row < count; ++row) {
    for (let o = 0; o < outer; ++o) copy(to, (o * count + row) * inner, rows, row * features + o * inner, inner);
  }
}
