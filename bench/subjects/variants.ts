// The subjects of variants: the order stream, its largest words, and Concrete dropout.

import { bindKernels } from "../../src/engine/kernels.js";
import { VARIANTS, type VariantsKernels } from "../../src/variants/kernels.js";
import { P, type Placement, type Subject } from "./subject.js";

/** Elements of a row of exact dropout. */
const COLUMNS = 1024;
const TEMPERATURE = 0.1;

export function subjects(exports: WebAssembly.Exports, place: Placement): Subject[] {
  const kernels = bindKernels<VariantsKernels>(exports, VARIANTS);
  const { src, dst, mask, n } = place;
  const columns = Math.min(COLUMNS, n);
  const rows = Math.floor(n / columns);
  const counts = place.room("bytes", 1024);
  const words = place.room("f32");
  const subject = (name: string, arrays: number, call: () => void): Subject => ({
    name,
    group: "kernel",
    copy: "copy_f32",
    bytes: arrays * place.bytes("f32"),
    call,
  });
  const fill = place.drawing((to = 0, count = 0, params = 0) => kernels.fill.words.u32(to, count, params), P, "philox", "f32", words);
  fill();
  const soften = (to = 0, from = 0, count = 0, params = 0) => kernels.soften.words.f32(to, from, count, P, TEMPERATURE, params);
  return [
    subject("words_fill_u32", 1, fill),
    subject("largest_mark_bytes", 1.25, () => kernels.mark.largest.bytes(mask.bytes, words, rows, columns, columns >> 1, counts)),
    subject("bytes_scale_f32", 2.25, () => kernels.scale.bytes.f32(src.f32, src.f32, mask.bytes, n, 1)),
    subject("words_soften_f32", 2, place.drawing(soften, P, "philox", "f32", dst.f32, src.f32)),
  ];
}
