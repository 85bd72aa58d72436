// The subjects of variants: every kernel of the table.

import { bindKernels } from "../../src/engine/kernels.js";
import { DTYPES } from "../../src/ground/dtypes.js";
import { VARIANTS, type VariantsKernels } from "../../src/variants/kernels.js";
import { P, type Placement, type Subject } from "./subject.js";

/** Elements of a row of exact dropout, of which half are kept. */
const COLUMNS = 1024;
const TEMPERATURE = 0.1;
/** Bytes of a token, of which every second is kept. */
const TOKEN = 256;

export function subjects(exports: WebAssembly.Exports, place: Placement): Subject[] {
  const kernels = bindKernels<VariantsKernels>(exports, VARIANTS);
  const { memory, src, dst, mask, n } = place;
  const columns = Math.min(COLUMNS, n);
  const rows = Math.floor(n / columns);
  const counts = place.room("bytes", 1024);
  const words = place.room("f32");
  const indices = place.room("f32");
  const sums = place.room("f64", 4);
  const tokens = Math.max(1, Math.floor((4 * n) / (2 * TOKEN)));
  const tokenBytes = Math.min(TOKEN, 2 * n);
  const subject = (name: string, bytes: number, call: () => void): Subject => ({ name, group: "kernel", copy: "copy_f32", bytes, call });
  const [f32, byte] = [place.bytes("f32"), place.bytes("bytes")];
  const fill = place.drawing((to = 0, count = 0, params = 0) => kernels.fill.words.u32(to, count, params), P, "philox", "f32", words);
  const mark = () => kernels.mark.largest.bytes(mask.bytes, words, rows, columns, columns >> 1, counts);
  fill();
  mark();
  // Every second token.
  const list = new Uint32Array(memory.buffer, indices, Math.min(n, tokens));
  for (let k = 0; k < list.length; ++k) list[k] = 2 * k;
  const places = place.room("f32");
  const soften = (to = 0, from = 0, count = 0, params = 0) => kernels.soften.words.f32(to, from, count, P, TEMPERATURE, params);
  const gradient = (to = 0, dy = 0, x = 0, count = 0, params = 0) =>
    kernels.softengradient.words.f32(to, dy, x, count, P, TEMPERATURE, sums, params);
  return [
    subject("words_fill_u32", f32, fill),
    subject("largest_mark_bytes", f32 + byte, mark),
    ...DTYPES.flatMap((dtype) => {
      const bytes = place.bytes(dtype);
      const [to, from] = [dst[dtype], src[dtype]];
      return [
        subject(`bytes_scale_${dtype}`, 2 * bytes + byte, () => kernels.scale.bytes[dtype](to, from, mask.bytes, n, 2)),
        subject(`bytes_choose_${dtype}`, 3 * bytes + byte, () => kernels.choose.bytes[dtype](to, from, to, mask.bytes, n)),
        subject(`shares_mix_${dtype}`, 3 * bytes, () => kernels.mix.shares[dtype](to, from, to, n, P)),
      ];
    }),
    subject("bytes_index_u32", byte + f32 / 2, () => kernels.index.bytes.u32(places, mask.bytes, rows, columns, 0)),
    subject("rows_gather_bytes", f32, () => kernels.gather.rows.bytes(dst.f32, src.f32, indices, list.length >> 1, tokenBytes)),
    subject("rows_scatter_bytes", f32, () => kernels.scatter.rows.bytes(dst.f32, src.f32, indices, list.length >> 1, tokenBytes)),
    subject("words_soften_f32", 2 * f32, place.drawing(soften, P, "philox", "f32", dst.f32, src.f32)),
    subject("words_softengradient_f32", 3 * f32, place.drawing(gradient, P, "philox", "f32", dst.f32, src.f32, src.f32)),
  ];
}
