// Panels: queries side by side, a lane each, so that a product with a row of k needs no sum across lanes.

import { LANES, LINE } from "./record";

/** Writes `rows` rows of `columns` elements as panels of [columns, PANEL], +0 where the last has no row. */
export function pack(dst: usize, src: usize, rows: usize, columns: usize): void {
  const bytes = columns << 2;
  for (let row: usize = 0; row < rows; row += LANES) {
    const some = rows - row < LANES ? rows - row : LANES;
    if (some < LANES) memory.fill(dst, 0, columns * LINE);
    for (let lane: usize = 0; lane < some; ++lane) {
      let to = dst + (lane << 2);
      for (const end = src + bytes; src < end; src += 4) {
        store<f32>(to, load<f32>(src));
        to += LINE;
      }
    }
    dst += columns * LINE;
  }
}
