// The bars that the SIMD build is held to: for how many times another subject's time a kernel may take at most.

import type { Timings } from "./measure.js";

/** One bar. */
export interface Bar {
  /** Name of the subject it is for. */
  readonly subject: string;
  /** Name of the subject it is compared with. */
  readonly against: string;
  /** Size it is for, in elements; every size if left out. */
  readonly size?: number;
  /** The largest ratio of their times that meets it. */
  readonly most: number;
}

/** A bar and what was measured. */
export interface Verdict extends Bar {
  readonly size: number;
  readonly ratio: number;
  readonly met: boolean;
}

export const BARS: readonly Bar[] = [
  { subject: "tile_dropout_f32", against: "copy_f32", size: 2 ** 16, most: 4 },
  { subject: "tile_dropout_f32", against: "copy_f32", size: 2 ** 20, most: 3 },
  { subject: "tile_dropout_f32", against: "copy_f32", size: 2 ** 24, most: 1.15 },
  { subject: "bits_apply_f32", against: "copy_f32", size: 2 ** 16, most: 2.3 },
  // A mask alone has no data to wait for, so it may not cost more than the whole.
  { subject: "tile_mask_bits", against: "tile_dropout_f32", most: 1 },
];

/** Judges the bars for `size` whose subjects are among `names`, all of which have been measured. */
export function judge(timings: Timings, names: ReadonlySet<string>, size: number): Verdict[] {
  return BARS.filter((bar) => names.has(bar.subject) && (bar.size ?? size) === size).map((bar) => {
    const ratio = timings.ratio(bar.subject, bar.against).median;
    return { ...bar, size, ratio, met: ratio <= bar.most };
  });
}
