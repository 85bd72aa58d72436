// Sums of a matrix by column, which become the gradient of what was added to, or multiplied with, every row.
// Invariant: a sum is taken in f64 and rounded once.

import type { Taken } from "../engine/operand.js";
import type { Taking } from "../engine/pass.js";
import { parts } from "../engine/pieces.js";
import { byteLength, type Dtype } from "../ground/dtypes.js";

export interface ColumnSums {
  /** Address of the sums, of f64. */
  readonly pointer: number;
  /** Sets them to 0. */
  readonly clear: () => void;
  /** Writes them to the gradient. */
  readonly round: () => void;
}

/** Takes room for `length` sums, which become `gradient` where there is one. */
export function takeColumnSums(pass: Taking, length: number, gradient: Taken | undefined): ColumnSums {
  const { memory } = pass.engine;
  const pointer = pass.scratch(byteLength("f64", length));
  const staged = gradient === undefined ? undefined : pass.stage(gradient);
  return {
    pointer,
    clear() {
      memory.view("f64", pointer, length).fill(0);
    },
    round() {
      if (staged === undefined) return;
      for (const { at, count } of parts(length)) {
        // Setting elements of one type from those of another rounds to nearest.
        memory.view(staged.dtype as Dtype, staged.enter(at, count), count).set(memory.view("f64", pointer + byteLength("f64", at), count));
        staged.leave(at, count);
      }
    },
  };
}
