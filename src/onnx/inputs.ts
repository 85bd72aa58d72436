// The inputs of a prediction: tensors of ONNX Runtime by the names that the model has for them.

import { checkObject, isPromise, wrongKind, wrongValue } from "../ground/check.js";
import { type Dims, quote, typeName } from "./proto.js";
import { repeat, type Values, valuesOf } from "./runtime.js";
import { type Input, listOf } from "./split.js";

/**
 * Reads tensors and checks them against what the model declares; those of the inputs `unread` may be there. Throws (rejects with) TypeError or
 * RangeError.
 */
export async function readInputs(value: unknown, inputs: readonly Input[], unread: readonly string[]): Promise<Map<string, Values>> {
  const names = inputs.map(({ name }) => name);
  const given = new Map<string, unknown>();
  if (isTensor(value)) {
    if (names.length !== 1) throw wrongValue("inputs", `tensors by the names ${listOf(names)}`, "a tensor alone");
    given.set(names[0] as string, value);
  } else {
    checkObject(value, "inputs", "tensor of ONNX Runtime, or tensors by the names of inputs");
    for (const [name, tensor] of Object.entries(value)) {
      if (unread.includes(name)) continue;
      if (!names.includes(name)) throw wrongValue("inputs", `names of inputs: ${listOf(names)}`, quote(name));
      given.set(name, tensor);
    }
  }
  const values = new Map<string, Values>();
  const sizes = new Map<string, number>();
  for (const input of inputs) {
    const name = `inputs[${quote(input.name)}]`;
    if (!given.has(input.name)) throw wrongValue("inputs", `tensors by the names ${listOf(names)}`, `none for ${quote(input.name)}`);
    const tensor = given.get(input.name);
    if (!isTensor(tensor)) throw wrongKind(name, "tensor of ONNX Runtime", tensor);
    const found = valuesOf(tensor, name);
    const read = isPromise(found) ? await found : found;
    const expected = typeName(input.elemType);
    if (input.elemType !== 0 && read.type !== expected) throw wrongKind(name, `tensor of ${expected}`, read.type);
    if (input.dims !== undefined) checkDims(read.dims, input.dims, name, sizes);
    values.set(input.name, read);
  }
  return values;
}

function isTensor(value: unknown): boolean {
  const { type, dims } = (value ?? {}) as { type?: unknown; dims?: unknown };
  return typeof type === "string" && Array.isArray(dims);
}

/** Throws RangeError unless sizes are as declared; those with a name are the same wherever it stands. */
function checkDims(dims: readonly number[], declared: Dims, name: string, sizes: Map<string, number>): void {
  const shown = (shape: Dims) => `[${shape.map((size) => size ?? "?").join(", ")}]`;
  const fits =
    dims.length === declared.length &&
    dims.every((size, k) => {
      const own = declared[k];
      if (typeof own === "string") {
        const known = sizes.get(own) ?? size;
        sizes.set(own, known);
        return size === known;
      }
      return own === null || own === size;
    });
  if (!fits) throw wrongValue(`${name}.dims`, shown(declared), shown(dims));
}

/**
 * Returns the axes along which inputs have examples, -1 for those that have none: the first axis of the first input that has axes, and in the others
 * the one of the same name, or the first if that is of the same size and not declared to be another.
 */
export function exampleAxes(inputs: readonly Input[], values: ReadonlyMap<string, Values>): Map<string, number> {
  const first = inputs.find(({ name }) => (values.get(name) as Values).dims.length > 0);
  const axes = new Map(inputs.map(({ name }) => [name, -1]));
  if (first === undefined) return axes;
  const declared = first.dims?.[0] ?? null;
  const [size = 0] = (values.get(first.name) as Values).dims;
  for (const { name, dims } of inputs) {
    const own = (values.get(name) as Values).dims;
    const named = typeof declared === "string" ? (dims?.indexOf(declared) ?? -1) : -1;
    if (named >= 0) axes.set(name, named);
    else if (
      own.length > 0 &&
      own[0] === size &&
      (typeof (dims?.[0] ?? null) !== "string" || typeof declared !== "string") &&
      typeof dims?.[0] === typeof declared
    )
      axes.set(name, 0);
  }
  axes.set(first.name, 0);
  return axes;
}

/** Returns inputs of `count` examples, all like the first. */
export function likeFirst(values: ReadonlyMap<string, Values>, axes: ReadonlyMap<string, number>, count: number): Map<string, Values> {
  return new Map(
    [...values].map(([name, one]) => {
      const axis = axes.get(name) as number;
      return [name, axis < 0 ? one : repeat(one, axis, count, 1)];
    }),
  );
}
