// A model that has been opened: its parts and sessions, and what its passes draw with.

import type { Dropout } from "../core/dropout.js";
import type { Engine } from "../engine/engine.js";
import type { MonteCarlo } from "../monte-carlo/index.js";
import type { Runtime, Session } from "./runtime.js";
import type { Split } from "./split.js";

/** Everything that is made when a model is opened. */
export interface Opened {
  readonly dropout: Dropout;
  readonly engine: Engine;
  readonly monteCarlo: MonteCarlo;
  readonly runtime: Runtime;
  readonly split: Split;
  readonly prefix: Session | undefined;
  readonly rest: Session;
  /** The bytes of the rest, to be instrumented. */
  readonly restBytes: Uint8Array;
  /** The names of inputs that the rest reads. */
  readonly restInputs: readonly string[];
}
