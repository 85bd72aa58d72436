// The messages between the page and the worker that measures.

/** The times of measuring. */
export interface Plan {
  /** Elements of the data. */
  readonly sizes: readonly number[];
  /** Rounds in which the contenders take turns. */
  readonly rounds: number;
  /** The time of a contender in a round, in ms: many times the clock's resolution, which browsers coarsen to 1 ms. */
  readonly sampleMs: number;
}

/** From the page to the worker. */
export interface Order {
  /** The modules to measure; without SIMD if the engine has none. */
  readonly modules: { readonly simd: WebAssembly.Module | undefined; readonly scalar: WebAssembly.Module };
  readonly plan: Plan;
}

/** The measurement of a contender. */
export interface Timing {
  readonly name: string;
  readonly nsPerElement: number;
  /** Its time divided by that of the copy in the same round. */
  readonly ratio: number;
}

/** From the worker to the page. */
export type News =
  /** The share of all that is measured. */
  | { readonly type: "progress"; readonly share: number }
  | { readonly type: "size"; readonly size: number; readonly timings: readonly Timing[] }
  | { readonly type: "end" }
  | { readonly type: "error"; readonly message: string };
