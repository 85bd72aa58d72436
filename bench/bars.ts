// The bars of the SIMD build: the most time that a kernel may take, as a multiple of another subject's time.

import { FUSED } from "../src/fused/kernels.js";
import { TOLERANCE } from "./comparison.js";
import type { Timings } from "./measure.js";
import type { Bar, Verdict } from "./results.js";

/** The dropout of the C++ yardstick, which cannot run everywhere. */
export const CPP = "c++ sse4.1 tile f32";

/**
 * Fused operations, which may take little longer than the same pass over memory in which nothing is dropped: drawing takes the same time for all, which
 * shows more where the pass itself is short.
 */
const IN_ONE_PASS = FUSED.filter(({ verb, dtypes }) => verb !== "sum" && dtypes.includes("f32")).map(({ verb, sources: [source] }) => ({
  subject: `${source}_${verb}_f32`,
  most: /^(norm|softmax)|Gate/.test(verb) ? 1.4 : 1.25,
}));

/** "No slower": bench:compare does not report a difference up to this either. */
const NO_SLOWER = 1 + TOLERANCE;

/** Bars of dropout against a multiplication of the same bytes in vectors of the same width, by size. */
const MULTIPLY: readonly (readonly [subject: string, most: Readonly<Record<number, number>>])[] = [
  ["tile_dropout_f32", { [2 ** 16]: 3.6, [2 ** 20]: 2.1, [2 ** 24]: 1.35 }],
  ["tile_dropout_f32, p = 0.5", { [2 ** 16]: 3.1, [2 ** 20]: 1.9, [2 ** 24]: 1.25 }],
];

export const BARS: readonly Bar[] = [
  { subject: "tile_dropout_f32", against: CPP, from: 2 ** 12, to: 2 ** 20, most: 1.1 },
  ...MULTIPLY.flatMap(([subject, bySize]) =>
    Object.entries(bySize).map(([size, most]): Bar => ({ subject, against: "multiply_f32", size: Number(size), most })),
  ),
  { subject: "tile_dropout_f32 in place", against: "tile_dropout_f32", from: 2 ** 12, most: NO_SLOWER },
  // A stored mask saves the drawing.
  { subject: "bits_apply_f32", against: "tile_dropout_f32", from: 2 ** 12, most: NO_SLOWER },
  { subject: "Dropout.dropout(array)", against: "Dropout.dropout(buffer)", from: 2 ** 16, most: 1.9 },
  { subject: "Dropout.dropout(array)", against: "Dropout.dropout(buffer)", size: 2 ** 20, most: 1.6 },
  // The cost of a call itself, in a program that calls with buffers and with arrays.
  { subject: "Dropout.dropout(buffer)", against: "tile_dropout_f32", size: 2 ** 8, most: 2.2 },
  { subject: "Dropout.backward(buffer)", against: "Dropout.dropout(buffer)", from: 2 ** 12, most: 1.05 },
  // Half of the decisions are the hardest to predict, which kernels without branches do not notice.
  { subject: "tile_dropout_f32, p = 0.5", against: "tile_dropout_f32", from: 2 ** 12, most: 1.02 },
  // A mask alone has no data to wait for, so it may not cost more than the whole.
  { subject: "tile_mask_bits", against: "tile_dropout_f32", most: 1 },
  ...IN_ONE_PASS.map(({ subject, most }) => ({ subject, against: `${subject}, nothing dropped`, size: 2 ** 20, most })),
  // Blockwise attention saves passes over the scores; of 2^24 there are 512 queries and 512 keys.
  { subject: "bits_attend_f32", against: "q k', softmax, dropout, v, one after another", size: 2 ** 24, most: 1 },
  // Light operations are bound by memory, of which they save passes.
  { subject: "tile_residual_f32", against: "bias, dropout, residual, one after another", size: 2 ** 20, most: 0.75 },
  { subject: "tile_relu_f32", against: "bias, relu, dropout, one after another", size: 2 ** 20, most: 0.75 },
];

/** The bars for `size` whose two subjects are among `names`. */
export function barsFor(names: ReadonlySet<string>, size: number): Bar[] {
  return BARS.filter(
    (bar) =>
      names.has(bar.subject) &&
      names.has(bar.against) &&
      (bar.size ?? size) === size &&
      (bar.from ?? 0) <= size &&
      size <= (bar.to ?? size),
  );
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

/** Returns true if a bar is met: by its median where the noise never settled it. */
export function isMet({ outcome, ratio, most }: Verdict): boolean {
  return outcome === "open" ? ratio <= most : outcome === "met";
}
