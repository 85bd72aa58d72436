// The outputs of passes, kept beside their statistics on request: [passes, ...] in ascending order of the passes' numbers, whatever order they ran in.

import { makeArray } from "../engine/operand.js";
import { wrongValue } from "../ground/check.js";
import { fromRows, type Layout, toRows } from "./layout.js";
import type { Ranges, Totals } from "./prediction.js";

type Floats = Float64Array<ArrayBuffer>;

/** The numbers of passes, and what was kept of them. */
interface Passes {
  readonly ranges: Ranges;
  readonly totals: Pick<Totals, "passOutputs">;
}

/** Returns the outputs of passes; throws RangeError, whose message names `name`, if there are none. */
export function readKept({ passOutputs }: Pick<Totals, "passOutputs">, name: string): Floats {
  if (passOutputs === undefined) throw wrongValue(`${name}.passOutputs`, "outputs of its passes (keepPasses: true)", "none");
  return passOutputs;
}

/** Returns one array of the outputs of passes, one behind the other. */
export function concatenate(outputs: readonly Floats[], length: number): Floats {
  const all = makeArray("f64", outputs.length * length, "passOutputs");
  outputs.forEach((output, k) => {
    all.set(output, k * length);
  });
  return all;
}

/** Returns the outputs of the passes of both, each of `length` elements. */
export function joinKept(a: Passes, b: Passes, length: number): Floats {
  const rowsOf = ({ ranges, totals: { passOutputs = new Float64Array() } }: Passes) => {
    const numbers = ranges.flatMap(([first, end]) => Array.from({ length: end - first }, (_, k) => first + k));
    return numbers.map((pass, k) => ({ pass, output: passOutputs.subarray(k * length, (k + 1) * length) }));
  };
  const rows = [...rowsOf(a), ...rowsOf(b)].sort((x, y) => x.pass - y.pass);
  return concatenate(
    rows.map(({ output }) => output),
    length,
  );
}

/** Returns the outputs of passes with the classes of a row side by side, or, if `back`, those with the layout of the model's outputs. */
export function inLayout(passOutputs: Floats, layout: Layout, back: boolean): Floats {
  const { classes, rows, inner } = layout;
  const length = classes * rows;
  if (inner === 1 || length === 0) return passOutputs;
  const move = back ? fromRows : toRows;
  const passes = passOutputs.length / length;
  return concatenate(
    Array.from({ length: passes }, (_, k) => move(passOutputs.subarray(k * length, (k + 1) * length), layout)),
    length,
  );
}
