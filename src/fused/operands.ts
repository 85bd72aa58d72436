// The operands of fused operations: results that must leave what backward reads again as it is.

import { WasmBuffer } from "../engine/buffer.js";
import type { Taken, TakenData } from "../engine/operand.js";
import type { Taking, Wanted } from "../engine/pass.js";
import { isTypedArray, tagOf, wrongKind, wrongValue } from "../ground/check.js";
import { arrayName, type DataDtype, isHalf } from "../ground/dtypes.js";

/** Takes an array of `length` elements, or of any length, of the dtype of `beside`, or of f32 beside 16-bit data. */
export function takeEither(pass: Taking, value: unknown, name: string, beside: TakenData, length?: number): TakenData {
  const { stored } = beside;
  const operand = isHalf(stored) ? pass.dataOf(value, name, [stored, "f32"], stored) : pass.ofDtype(value, name, stored);
  if (length !== undefined && operand.length !== length) throw wrongValue(name, `length ${length}`, operand.length);
  return operand;
}

/** The dtype of a result beside `beside`: f32 if that is what an array given for it holds, otherwise the same. */
export function dtypeOf(value: unknown, { stored }: TakenData): DataDtype {
  const f32 = WasmBuffer._is(value) ? WasmBuffer._dtypeOf(value) === "f32" : isTypedArray(value) && tagOf(value) === arrayName("f32");
  return isHalf(stored) && f32 ? "f32" : stored;
}

/** Throws unless dy is as long as its ticket says. */
export function checkGradient({ length }: Taken, expected: number): void {
  if (length !== expected) throw wrongValue("dy", `length ${expected}, the ticket's`, length);
}

/** Throws RangeError where a result takes the place of `read`, which backward reads again, unless no backward call follows; returns whether it does. */
export function checkKept(result: Taken, read: Taken, backward: boolean): boolean {
  const overwritten = result.coincides(read);
  if (overwritten && backward) {
    const expected = `memory apart from "${read.name}", which backward reads again, or the option "backward": false`;
    throw wrongValue(result.name, expected, "that very memory");
  }
  return overwritten;
}

/** Throws TypeError where an array came for a gradient that there is none of. */
export function checkNone(value: unknown, name: string, of: string): void {
  if (value !== undefined && value !== false) throw wrongKind(name, `undefined, as the forward call had no ${of}`, value);
}

/** Takes the gradients that are wanted, by name, first those that the caller has made: making one may detach views of wasm memory. */
export function takeGradients<K extends string>(
  pass: Taking,
  like: unknown,
  wanted: Readonly<Record<K, Omit<Wanted, "name">>>,
): Partial<Record<K, Taken>> {
  const taken: Partial<Record<K, Taken>> = {};
  for (const made of [false, true]) {
    for (const name in wanted) {
      const { value, dtype, length, same = [] } = wanted[name];
      if (value === false || (value === undefined) !== made) continue;
      taken[name] = pass.output(value, name, dtype, length, like, ...same);
    }
  }
  return taken;
}
