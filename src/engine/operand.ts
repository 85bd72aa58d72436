// An array argument of a call: in wasm memory and used where it lies, or outside and then carried through a staging slot piece by piece,
// so that any length runs in constant extra memory.

import { checkAttached, checkChoice, tagOf, wrongKind, wrongValue } from "../ground/check.js";
import {
  type Arrays,
  arrayName,
  asFloat16,
  type BufferDtype,
  byteLength,
  canHold,
  type DataDtype,
  DTYPES,
  type Dtype,
  dtypeOfArray,
  FLOAT16,
  type Float16,
  HALF_DTYPES,
  type HalfDtype,
  holdersOf,
  itemCount,
  newArray,
  viewOf,
} from "../ground/dtypes.js";
import { WasmBuffer } from "./buffer.js";
import { expectResult } from "./heap.js";
import type { Memory } from "./memory.js";

/** Data for every operation: Float32Array, Float64Array, or a buffer of "f32" or "f64". */
export type Data = { [D in Dtype]: Arrays[D] | WasmBuffer<D> }[Dtype];

/** Data to drop from: {@link Data}, or a Uint16Array or a buffer of "f16" or "bf16", or a Float16Array. */
export type AnyData = { [D in DataDtype]: Arrays[D] | WasmBuffer<D> }[DataDtype] | Float16;

/** {@link Data} of dtype D. */
export type DataOf<D extends Dtype> = Extract<Data, Arrays[D] | WasmBuffer<D>>;

/** {@link AnyData} of dtype D. */
export type AnyDataOf<D extends DataDtype> = Extract<AnyData, Arrays[D] | WasmBuffer<D> | (D extends "f16" ? Float16 : never)>;

type Foreign = Arrays[BufferDtype];

/** Kernels that bring data of 16 bits to f32 and back, from one address in wasm memory to another. */
export interface Conversion {
  readonly dtype: HalfDtype;
  readonly widen: (dst: number, src: number, n: number) => void;
  readonly narrow: (dst: number, src: number, n: number) => void;
}

export class Operand {
  /** What kernels get. */
  dtype: BufferDtype = "f32";
  /** Number of elements. */
  length = 0;
  /** Address of the staging slot for an array from outside. */
  slot: number;
  readonly #memory: Memory;
  // Address in wasm memory, or -1 while `#array` holds an array from outside.
  #pointer = -1;
  #array: Foreign | undefined;
  #written = false;
  #conversion: Conversion | undefined;

  constructor(memory: Memory, slot: number) {
    this.#memory = memory;
    this.slot = slot;
  }

  /** Whether kernels use the data where they lie. */
  get resident(): boolean {
    return this.#pointer >= 0 && this.#conversion === undefined;
  }

  /** What the data are where they lie. */
  get stored(): BufferDtype {
    return this.#conversion === undefined ? this.dtype : this.#conversion.dtype;
  }

  /** Has kernels get f32 in place of the 16-bit data that were taken, or, without a conversion, the data as they are. */
  convert(conversion: Conversion | undefined): void {
    this.dtype = conversion === undefined ? this.stored : "f32";
    this.#conversion = conversion;
  }

  /** Takes data of one of `dtypes`, to be read; returns of which. `half` is the dtype of a Uint16Array, called "dtype". */
  takeData<D extends DataDtype = Dtype>(value: unknown, name: string, dtypes?: readonly D[], half?: unknown): D;
  takeData(value: unknown, name: string, dtypes: readonly DataDtype[] = DTYPES, half?: unknown): DataDtype {
    let dtype: BufferDtype | undefined;
    if (value instanceof WasmBuffer) dtype = value.dtype;
    else if (ArrayBuffer.isView(value)) {
      const tag = tagOf(value);
      dtype = tag === FLOAT16 ? "f16" : dtypeOfArray(tag, DTYPES);
      if (dtype === undefined && half !== undefined && tag === arrayName("f16")) {
        checkChoice(half, "dtype", HALF_DTYPES);
        dtype = half;
      }
    }
    if (dtype === undefined || !dtypes.includes(dtype as DataDtype)) {
      const list = `${dtypes.slice(0, -1).join(", ")} or ${dtypes.at(-1)}`;
      const arrays =
        dtypes === DTYPES ? "Float32Array, Float64Array or" : "Float32Array, Float64Array, Float16Array, Uint16Array with a dtype or";
      throw wrongKind(name, `${arrays} buffer of ${list}`, value);
    }
    this.#hold(value as Foreign | WasmBuffer, name, dtype, (value as Foreign | WasmBuffer).length, false);
    return dtype as DataDtype;
  }

  /** Takes an array of `length` elements of `dtype`, to be read or `written`. */
  takeExactly(value: unknown, name: string, dtype: BufferDtype, length: number, written: boolean): void {
    const inBuffer = value instanceof WasmBuffer;
    if (inBuffer ? value.dtype !== dtype : !ArrayBuffer.isView(value) || !canHold(tagOf(value), dtype)) {
      throw wrongKind(name, holdersOf(dtype), value);
    }
    const expected = inBuffer ? length : itemCount(dtype, length);
    const { length: got } = value as Foreign;
    this.#hold(value as Foreign | WasmBuffer, name, dtype, length, written);
    if (got !== expected) throw wrongValue(name, `length ${expected}`, got);
  }

  #hold(value: Foreign | WasmBuffer, name: string, dtype: BufferDtype, length: number, written: boolean): void {
    if (value instanceof WasmBuffer) {
      if (value.freed) throw wrongKind(name, "live buffer", value);
      const here = value.livesIn(this.#memory);
      this.#pointer = here ? value.pointer : -1;
      this.#array = here ? undefined : value.array;
    } else {
      checkAttached(value, name);
      this.#pointer = this.#memory.addressOf(value, name);
      this.#array = this.#pointer < 0 ? value : undefined;
    }
    this.dtype = dtype;
    this.length = length;
    this.#written = written;
    this.#conversion = undefined;
  }

  /** Lets go of the caller's array. */
  clear(): void {
    this.#array = undefined;
    this.#pointer = -1;
  }

  /** Throws RangeError if writing to this operand, called `name`, would change `other`, unless both are the very same elements and that is `allowed`. */
  refuseOverlap(name: string, other: Operand, otherName: string, sameAllowed: boolean): void {
    if (this.#pointer < 0 !== other.#pointer < 0) return;
    let distance: number;
    if (this.#pointer >= 0) distance = this.#pointer - other.#pointer;
    else if (this.#array?.buffer === other.#array?.buffer)
      distance = (this.#array as Foreign).byteOffset - (other.#array as Foreign).byteOffset;
    else return;
    if (distance === 0 && sameAllowed) return;
    const bytes = distance < 0 ? byteLength(this.stored, this.length) : byteLength(other.stored, other.length);
    if (Math.abs(distance) < bytes && this.length > 0) {
      throw wrongValue(
        name,
        sameAllowed ? `"${otherName}" itself or memory apart from it` : `memory apart from "${otherName}"`,
        "memory that overlaps it",
      );
    }
  }

  /** Makes elements at..at+count-1 available to a kernel, with their present values unless it writes them; returns their address. */
  enter(at: number, count: number): number {
    if (this.resident) return this.#addressOf(at);
    if (!this.#written) {
      // What is to be widened lies in the upper half of the slot, where widening from the start on never overtakes it.
      const from = this.#pointer < 0 ? this.slot + byteLength(this.dtype, count) - byteLength(this.stored, count) : this.#addressOf(at);
      if (this.#array !== undefined) this.#staged(from, count).set(this.#piece(at, count) as Float32Array);
      this.#conversion?.widen(this.slot, from, count);
    }
    return this.slot;
  }

  /** Brings elements at..at+count-1 from where enter() said to their place, if the kernel wrote them. */
  leave(at: number, count: number): void {
    if (this.resident || !this.#written) return;
    this.#conversion?.narrow(this.#pointer < 0 ? this.slot : this.#addressOf(at), this.slot, count);
    if (this.#array !== undefined) this.#piece(at, count).set(this.#staged(this.slot, count));
  }

  #addressOf(at: number): number {
    return this.#pointer + byteLength(this.stored, at);
  }

  #staged(pointer: number, count: number): Foreign {
    return this.#memory.view(this.stored, pointer, count);
  }

  // A view made here: subarray() would call the constructor of whatever class extends the typed array. Pieces begin at multiples of 8
  // elements, so that those of a bit mask begin at a byte.
  #piece(at: number, count: number): Foreign {
    const { buffer, byteOffset } = this.#array as Foreign;
    return viewOf(this.stored, buffer, byteOffset + byteLength(this.stored, at), count);
  }
}

/**
 * A new array of `length` elements in wasm memory if `x` is a buffer, else a typed array, of f16 of the class of x; throws RangeError that names `name` if
 * it cannot be made.
 */
export function makeLike(memory: Memory, x: unknown, dtype: BufferDtype, length: number, name: string): Foreign | WasmBuffer {
  if (x instanceof WasmBuffer) return new WasmBuffer(memory, dtype, memory.allocate(dtype, length, name), length);
  const array = makeArray(dtype, length, name);
  return dtype === "f16" && tagOf(x as object) === FLOAT16 ? asFloat16(array as Uint16Array<ArrayBuffer>) : array;
}

/** A new typed array; throws RangeError that names `name` if the engine cannot make it. */
export function makeArray<D extends BufferDtype>(dtype: D, length: number, name: string): Arrays<ArrayBuffer>[D] {
  expectResult(byteLength(dtype, length));
  try {
    return newArray(dtype, length);
  } catch (cause) {
    throw wrongValue(name, "an array that the engine can make", `${length} elements of ${dtype}`, cause);
  }
}
