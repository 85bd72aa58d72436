// The bars that the SIMD build is held to: for how many times another subject's time a kernel may take at most.

import type { Timings } from "./measure.js";
import type { Bar, Verdict } from "./results.js";

/** Fused operations, which may take little longer than the same pass over memory in which nothing is dropped. */
const FUSED = [
  "tile_residual_f32",
  "tile_none_f32",
  "tile_relu_f32",
  "tile_reluGradient_f32",
  ...["gelu", "geluTanh", "silu", "norm", "softmax"].flatMap((name) => [`bytes_${name}_f32`, `bytes_${name}Gradient_f32`]),
];

export const BARS: readonly Bar[] = [
  { subject: "tile_dropout_f32", against: "copy_f32", size: 2 ** 16, most: 3.3 },
  { subject: "tile_dropout_f32", against: "copy_f32", size: 2 ** 20, most: 2.6 },
  { subject: "tile_dropout_f32", against: "copy_f32", size: 2 ** 24, most: 0.95 },
  { subject: "tile_dropout_f32 in place", against: "copy_f32", size: 2 ** 24, most: 0.85 },
  { subject: "bits_apply_f32", against: "copy_f32", size: 2 ** 16, most: 2.3 },
  { subject: "Dropout.dropout(array)", against: "Dropout.dropout(buffer)", size: 2 ** 20, most: 1.6 },
  { subject: "Dropout.backward(buffer)", against: "Dropout.dropout(buffer)", from: 2 ** 12, most: 1.1 },
  // Half of the decisions are the hardest to predict, which kernels without branches do not notice.
  { subject: "tile_dropout_f32, p = 0.5", against: "tile_dropout_f32", from: 2 ** 12, most: 1.02 },
  // A mask alone has no data to wait for, so it may not cost more than the whole.
  { subject: "tile_mask_bits", against: "tile_dropout_f32", most: 1 },
  ...FUSED.map((subject) => ({ subject, against: `${subject}, nothing dropped`, size: 2 ** 20, most: 1.25 })),
];

/** The bars for `size` whose subjects are among `names`. */
export function barsFor(names: ReadonlySet<string>, size: number): Bar[] {
  return BARS.filter((bar) => names.has(bar.subject) && (bar.size ?? size) === size && (bar.from ?? 0) <= size);
}

/** Judges bars whose subjects, and what they are compared with, were measured at `size`. */
export function judge(timings: Timings, bars: readonly Bar[], size: number): Verdict[] {
  return bars.map((bar) => {
    const { median, interval } = timings.ratio(bar.subject, bar.against);
    const [lower, upper] = interval;
    const outcome = upper <= bar.most ? "met" : lower > bar.most ? "missed" : "open";
    return { ...bar, size, ratio: median, interval, outcome };
  });
}

/** Whether a bar is met: by its median where the noise never settled it. */
export function isMet({ outcome, ratio, most }: Verdict): boolean {
  return outcome === "open" ? ratio <= most : outcome === "met";
}
