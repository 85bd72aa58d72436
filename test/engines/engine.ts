// The types that the table of engines is made of.

import type { ExtensionName } from "../../modules.mjs";
import type { Packed } from "../support/packed.js";
import type { Report } from "./suite.js";

/** An engine that the suite runs in. */
export interface Engine {
  readonly name: string;
  /** True for the entries whose kernels are JavaScript. */
  readonly plain?: boolean;
  /** Extensions that are not tried. */
  readonly untried?: readonly ExtensionName[];
  /** Runs the suite on the packed package; throws MissingEngine if the engine is not installed. */
  run(packed: Packed): Promise<Run>;
}

/** The results of the run. */
export interface Run {
  readonly version: string;
  readonly report: Report;
}

/** An engine that is not installed. */
export class MissingEngine extends Error {}
