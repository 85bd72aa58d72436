// The parts that an instance and its extensions share, for use by calls.

import type { BufferDtype, DataDtype } from "../ground/dtypes.js";
import type { Sequence } from "../stream/sequence.js";
import type { Kernels } from "./kernels.js";
import type { Memory } from "./memory.js";
import type { Conversion } from "./operand.js";
import type { Scratch } from "./scratch.js";

export interface Context {
  readonly memory: Memory;
  readonly sequence: Sequence;
  readonly scratch: Scratch;
  readonly kernels: Kernels;
  /** The dtypes that the loaded kernels support. */
  readonly dtypes: readonly DataDtype[];
  /** Returns the converter between a 16-bit dtype and f32. */
  conversionOf(dtype: BufferDtype): Conversion | undefined;
}
