// The operands of attention: data that kernels get as f32.

import type { TakenData } from "../engine/operand.js";
import type { Taking } from "../engine/pass.js";
import { wrongKind } from "../ground/check.js";
import { holdersOf } from "../ground/dtypes.js";

/** Takes data that kernels get as f32, to be read; `half` is the dtype of a Uint16Array. */
export function takeF32(pass: Taking, value: unknown, name: string, half: unknown): TakenData {
  const operand = pass.data(value, name, half);
  if (operand.computed !== "f32") throw wrongKind(name, holdersOf("f32"), value);
  return operand;
}
