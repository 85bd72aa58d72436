// The output of a model's pass as data: typed arrays and buffers as they are, arrays of numbers, and the tensors of other libraries.

import { WasmBuffer } from "../engine/buffer.js";
import type { AnyData } from "../engine/operand.js";
import { isArray, isPromise, isTypedArray, wrongKind } from "../ground/check.js";

/** Numbers in arrays of any depth. */
export type Numbers = readonly (number | Numbers)[];

/**
 * A tensor of another library: of TensorFlow.js by its `data()` or `dataSync()`, of ONNX Runtime by its `data`. Both declare that tensors may also hold
 * integers and strings, which are refused.
 */
export type TensorLike =
  | { readonly data: AnyData }
  | { readonly data: ArrayLike<unknown>; readonly dims: readonly number[] }
  | { data(): AnyData | PromiseLike<AnyData> }
  | { dataSync(): AnyData }
  | { data(): PromiseLike<unknown>; dataSync(): unknown };

/** The outputs of passes that ran at once, one behind another. */
export class Several {
  readonly data: AnyData;
  readonly passes: number;

  constructor(data: AnyData, passes: number) {
    this.data = data;
    this.passes = passes;
  }
}

/** Returns the data of a model's output, or a promise of them. Throws TypeError for an array with anything but numbers in it. */
export function dataOf(output: unknown): unknown {
  if (typeof output !== "object" || output === null || isTypedArray(output) || WasmBuffer._is(output)) return output;
  if (isArray(output)) return numbersOf(output);
  if (isPromise(output)) return output;
  const { data } = output as { data?: unknown };
  if (typeof data === "function") return data.call(output) as unknown;
  if (data !== undefined) return data;
  const { dataSync } = output as { dataSync?: unknown };
  return typeof dataSync === "function" ? (dataSync.call(output) as unknown) : output;
}

// More dimensions than outputs have; an array that holds itself ends here.
const DEEPEST = 8;

function numbersOf(array: readonly unknown[]): Float64Array<ArrayBuffer> {
  const flat: number[] = [];
  append(array, flat, 1);
  return Float64Array.from(flat);
}

/** Appends the numbers in an array of arrays; one that is missing is none, and refused before the rest is read. */
function append(array: readonly unknown[], flat: number[], depth: number): void {
  const { length } = array;
  for (let k = 0; k < length; ++k) {
    const value = array[k];
    if (typeof value === "number") flat.push(value);
    else if (isArray(value) && depth < DEEPEST) append(value, flat, depth + 1);
    else throw wrongKind(`output[${flat.length}]`, "number", value);
  }
}
