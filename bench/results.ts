// The results of a run, in the form in which they are stored: the same for every engine, for peers, and for native code.

import type { Interval, Summary } from "./statistics.js";

/** Version of this form. */
export const FORMAT = 1;

/** A run of a benchmark on one machine in one engine. */
export interface Run {
  readonly format: typeof FORMAT;
  /** Version of wasm-dropout. */
  readonly version: string;
  /** ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
  readonly engine: Engine;
  /** Rounds that medians are taken over. */
  readonly rounds: number;
  readonly results: readonly Result[];
  /** The bars and whether they were met, where they apply. */
  readonly bars?: readonly Verdict[];
  /** The subjects that could not be measured, and the reasons. */
  readonly missing?: readonly { readonly name: string; readonly reason: string }[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly os: string;
}

/** The engine that ran the code. */
export interface Engine {
  /** "Node", "Deno", "Bun", "Chromium", "Firefox", "WebKit", "native". */
  readonly name: string;
  readonly version: string;
  /** "simd" or "scalar" for wasm; for native code what it was compiled with. */
  readonly build: string;
}

/** The measurement of one subject at one size. */
export interface Result {
  readonly name: string;
  readonly group: Group;
  /** Elements. */
  readonly size: number;
  readonly nsPerElement: number;
  readonly nsPerElementSpread: Interval;
  /** Read and written. */
  readonly gbPerSecond: number;
  /** Name of the copy, of the same bytes and in the same run, that `ratio` compares with. */
  readonly copy: string;
  readonly ratio: number;
  /** A 95% confidence interval of the ratio's median. */
  readonly ratioInterval: Interval;
}

/** The group of a subject: a reference, a kernel of the table, a call of the API, or an alternative to this package. */
export type Group = "reference" | "kernel" | "api" | "peer" | "native";

/** One bar. */
export interface Bar {
  /** Name of the subject it is for. */
  readonly subject: string;
  /** Name of the subject it is compared with. */
  readonly against: string;
  /** Size it is for, in elements; every size if left out. */
  readonly size?: number;
  /** The least and the greatest size it is for. */
  readonly from?: number;
  readonly to?: number;
  /** The largest ratio of their times that meets it. */
  readonly most: number;
}

/** A bar and what was measured. */
export interface Verdict extends Bar {
  readonly size: number;
  readonly ratio: number;
  /** A 95% confidence interval of the ratio's median. */
  readonly interval: Interval;
  /** "open" where the bar lies inside the interval: the noise is too large to decide. */
  readonly outcome: "met" | "missed" | "open";
}

/** The fields that describe a result's subject. */
export interface Description {
  readonly name: string;
  readonly group: Group;
  readonly copy: string;
  /** Bytes that a call reads and writes. */
  readonly bytes: number;
}

/** The result of a subject over `size` elements: `time` of a call in milliseconds, `ratio` that to its copy. */
export function resultOf({ name, group, copy, bytes }: Description, size: number, time: Summary, ratio: Summary): Result {
  const nsPerMs = 1e6;
  const [lower, upper] = time.quartiles;
  return {
    name,
    group,
    size,
    nsPerElement: (time.median * nsPerMs) / size,
    nsPerElementSpread: [(lower * nsPerMs) / size, (upper * nsPerMs) / size],
    gbPerSecond: bytes / (time.median * nsPerMs),
    copy,
    ratio: ratio.median,
    ratioInterval: ratio.interval,
  };
}
