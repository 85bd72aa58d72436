// Sums of a matrix by column, which become the gradient of what was added to, or multiplied with, every row.
// Invariant: a sum is taken in f64 and rounded once.

import type { Context } from "../core/dropout.js";
import { type Frame, parts } from "../engine/frame.js";
import type { Operand } from "../engine/operand.js";
import { byteLength, type Dtype } from "../ground/dtypes.js";

export interface ColumnSums {
  /** Address of the sums, of f64. */
  readonly pointer: number;
  /** Sets them to 0. */
  readonly clear: () => void;
  /** Writes them to the gradient. */
  readonly round: () => void;
}

/** Takes room for the sums that become `gradient`. */
export function takeColumnSums({ memory }: Context, frame: Frame, gradient: Operand): ColumnSums {
  const { length } = gradient;
  const dtype = gradient.dtype as Dtype;
  const pointer = frame.scratch(byteLength("f64", length));
  frame.stage(gradient);
  return {
    pointer,
    clear() {
      memory.view("f64", pointer, length).fill(0);
    },
    round() {
      for (const { at, count } of parts(length)) {
        // Setting elements of one type from those of another rounds to nearest.
        memory.view(dtype, gradient.enter(at, count), count).set(memory.view("f64", pointer + byteLength("f64", at), count));
        gradient.leave(at, count);
      }
    },
  };
}
