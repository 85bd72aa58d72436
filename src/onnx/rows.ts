// Rows of masks, and of data that are dropped from, each from the start of the stream of its pass, layer and sample, by the kernels of the core.

import type { Engine } from "../engine/engine.js";
import { PIECE, rowsOfPiece } from "../engine/pieces.js";
import { Words } from "../ground/words.js";
import { setStream } from "../monte-carlo/streams.js";
import { addSample } from "../stream/domains.js";
import type { Draw } from "../stream/draw.js";
import type { StreamKind } from "../stream/kinds.js";

/** The decisions of a run. */
export interface Drawing {
  readonly kind: StreamKind;
  readonly seed: bigint;
}

/** The streams of a layer in passes that follow each other: of all rows of a pass one, or each row that of its sample. */
export class Streams {
  readonly #layer: number;
  readonly #firstSample: number | undefined;
  /** Those of sample 0. */
  readonly #passes: readonly Words[];

  /** @param firstSample number of the first row's sample; undefined: all rows of a pass have the stream of sample 0 */
  constructor(layer: number, count: number, firstSample: number | undefined) {
    this.#layer = layer;
    this.#firstSample = firstSample;
    this.#passes = Array.from({ length: count }, () => new Words());
  }

  /** Takes the number of the first pass. */
  begin(first: number): void {
    const passes = this.#passes;
    for (let k = 0; k < passes.length; ++k) setStream(passes[k] as Words, first + k, this.#layer, 0);
  }

  /** Sets `stream` to that of a row in the pass at place k. */
  set(stream: Words, k: number, row: number): void {
    stream.copy(this.#passes[k] as Words);
    if (this.#firstSample !== undefined) addSample(stream, this.#firstSample + row);
  }
}

function choose(draw: Draw, { kind, seed }: Drawing, p: number, features: number): void {
  draw.choose(kind, seed, 0);
  draw.range(features, 0);
  draw.chance(p, "train", true);
}

/** Calls `piece` for each piece of a matrix as pieces() yields them: of so small ones, a generator takes as long as what is drawn. */
function forPieces(
  rows: number,
  features: number,
  piece: (at: number, row: number, rows: number, column: number, columns: number) => void,
): void {
  const most = rowsOfPiece(features);
  for (let row = 0; row < rows; row += most) {
    const some = Math.min(most, rows - row);
    for (let column = 0; column < features; column += PIECE) {
      piece(row * features + column, row, some, column, Math.min(PIECE, features - column));
    }
  }
}

/**
 * Draws rows of a mask, 1 = keep.
 *
 * @param out [passes, rows, features]
 * @param rows of a pass
 */
export function drawRows(
  engine: Engine,
  drawing: Drawing,
  p: number,
  out: Uint8Array<ArrayBuffer>,
  passes: number,
  rows: number,
  streams: Streams,
): void {
  const pass = engine.open();
  try {
    const features = rows === 0 ? 0 : out.length / (passes * rows);
    const output = pass.output(out, "mask", "bytes", out.length, undefined);
    const { draw } = pass;
    choose(draw, drawing, p, features);
    const dst = pass.stageFixed(output);
    const run = pass.ready();
    const kernel = engine.kernels.mask[drawing.kind].bytes;
    forPieces(passes * rows, features, (at, first, some, column, columns) => {
      const to = dst.enter(at, some * columns);
      for (let r = 0; r < some; ++r) {
        const row = first + r;
        streams.set(draw.stream, Math.floor(row / rows), row % rows);
        kernel(to + r * columns, columns, run.params(column));
      }
      dst.leave(at, some * columns);
    });
  } finally {
    engine.close(pass);
  }
}

/**
 * Drops from the same rows in several passes: kept elements are scaled, dropped ones are 0.
 *
 * @param data [rows, features]
 * @param out [passes, rows, features]
 */
export function dropRows(
  engine: Engine,
  drawing: Drawing,
  p: number,
  data: Float32Array<ArrayBuffer>,
  out: Float32Array<ArrayBuffer>,
  passes: number,
  rows: number,
  streams: Streams,
): void {
  const pass = engine.open();
  try {
    const features = rows === 0 ? 0 : data.length / rows;
    const input = pass.data(data, "data");
    const output = pass.output(out, "dropped", "f32", out.length, undefined);
    const { draw } = pass;
    choose(draw, drawing, p, features);
    const src = pass.stage(input);
    const dst = pass.stageFixed(output);
    const run = pass.ready();
    const kernel = engine.kernels.dropout[drawing.kind].f32;
    const bytes = Float32Array.BYTES_PER_ELEMENT;
    // Of data that are one piece, those of several passes lie one behind another.
    const { length } = data;
    const together = length === 0 ? 1 : Math.max(1, Math.floor(PIECE / length));
    forPieces(rows, features, (at, row, some, column, columns) => {
      const count = some * columns;
      const from = src.enter(at, count);
      for (let first = 0; first < passes; first += together) {
        const end = Math.min(passes, first + together);
        const place = first * length + at;
        let to = dst.enter(place, (end - first) * count);
        for (let k = first; k < end; ++k) {
          for (let r = 0; r < some; ++r) {
            streams.set(draw.stream, k, row + r);
            kernel(to, from + r * columns * bytes, columns, run.params(column));
            to += columns * bytes;
          }
        }
        dst.leave(place, (end - first) * count);
      }
    });
  } finally {
    engine.close(pass);
  }
}
