// The description of a peer that the benchmark measures.

import type { Group } from "../../bench/results.js";

/** One way to compute dropout of f32 data. */
export interface Peer {
  readonly name: string;
  /** The npm package that it stands for; none for code that stands in this repository. */
  readonly package?: string;
  readonly group: Extract<Group, "reference" | "api" | "peer">;
  /** The number of times that a call reads and writes the data: 1 for forward, 2 for forward and backward. */
  readonly passes: 1 | 2;
  /** True for the copy that the others are compared with, which is no dropout. */
  readonly copies?: true;
  /** Loads the package. */
  readonly load: () => Promise<Prepare>;
}

/**
 * Makes all that one need not make anew for each call.
 *
 * @param x the data, positive
 * @param p the drop probability
 * @param out room for the result, shared by all that write into an array given to them
 */
export type Prepare = (x: Float32Array<ArrayBuffer>, p: number, out: Float32Array<ArrayBuffer>) => Prepared | Promise<Prepared>;

/** A peer that is ready for data of one size and for one p. */
export interface Prepared {
  /** Computes dropout of x, with a mask of its own each time, down to an array that JavaScript can read; a promise if that takes one. */
  readonly call: () => unknown;
  /** Returns the result of the last call. For two passes, the gradient of x, where that of y is x. */
  readonly output: () => Float32Array;
  /** Makes the state that peers share, if they do, this one's. Called before one or more calls. */
  readonly enter?: () => Promise<unknown>;
  /** Frees what is not garbage-collected. */
  readonly free?: () => unknown;
}
