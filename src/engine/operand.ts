// An array argument of a call: in wasm memory and used where it lies, or outside and then carried through a staging slot piece by piece,
// so that any length runs in constant extra memory.
// Order is part of the types: an operand is `Taken` (checked, its memory known), then `Staged` (kernels can reach it). Only a pass does either.

import { bufferOf, checkAttached, checkChoice, isTypedArray, lengthOf, offsetOf, tagOf, wrongKind, wrongValue } from "../ground/check.js";
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
  isHalf,
  itemCount,
  newArray,
  viewOf,
  WORDS_OF_BITS,
} from "../ground/dtypes.js";
import { haveOneMemory } from "../ground/shared.js";
import { WasmBuffer } from "./buffer.js";
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

const WORD = 4;

/** Bytes of the longest element, of f64. */
const LONGEST = 8;

/** Kernels that convert data of 16 bits to f32 and back, from one address in wasm memory to another. */
export interface Conversion {
  readonly dtype: HalfDtype;
  readonly widen: (dst: number, src: number, n: number) => void;
  readonly narrow: (dst: number, src: number, n: number) => void;
}

/** An operand that has been checked. */
export interface Taken {
  /** The argument's name in messages. */
  readonly name: string;
  /** The dtype of the caller's data. */
  readonly stored: BufferDtype;
  /** The dtype that kernels without 16-bit forms compute in: f32 in place of f16 and bf16. */
  readonly computed: BufferDtype;
  /** Number of elements. */
  readonly length: number;
  /** The caller's array or buffer, or the one made in its place. */
  readonly array: unknown;
  /** Returns whether both are the very same elements, at least one. */
  coincides(other: Taken): boolean;
}

/** {@link Taken} data to compute with. */
export interface TakenData extends Taken {
  readonly stored: DataDtype;
  readonly computed: Dtype;
}

/** An operand that kernels can reach. */
export interface Staged {
  /** The dtype that kernels see. */
  readonly dtype: BufferDtype;
  /** Number of elements. */
  readonly length: number;
  /** True if kernels use the data where they lie. */
  readonly resident: boolean;
  /** Makes elements at..at+count-1 available to a kernel, with their present values unless it only writes them; returns their address. */
  enter(at: number, count: number): number;
  /** As enter(), with the present values of results too, for a sum that goes on. */
  reenter(at: number, count: number): number;
  /** Copies the results at..at+count-1 from the staging slot to the caller's array. Does nothing for operands that the kernel only read. */
  leave(at: number, count: number): void;
}

/** {@link Staged} data to compute with, 16-bit data as f32. */
export interface StagedData extends Staged {
  readonly dtype: Dtype;
}

export class Operand implements Taken, Staged {
  name = "";
  stored: BufferDtype = "f32";
  dtype: BufferDtype = "f32";
  length = 0;
  array: unknown;
  readonly #memory: Memory;
  // Address in wasm memory, or -1 while `#foreign` holds an array from outside.
  #pointer = -1;
  #foreign: Foreign | undefined;
  #written = false;
  #slot = -1;
  #conversion: Conversion | undefined;
  // Bytes behind a bit mask that belong to its array.
  #padding = 0;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  get computed(): BufferDtype {
    return isHalf(this.stored) ? "f32" : this.stored;
  }

  get resident(): boolean {
    return this.#pointer >= 0 && this.#conversion === undefined;
  }

  /** True if the buffer has been freed, or the array detached or shortened, since it was taken: possible where a callback runs within a call. */
  get lost(): boolean {
    const { array, stored } = this;
    if (WasmBuffer._is(array)) return WasmBuffer._addressOf(array) < 0;
    if (!isTypedArray(array)) return false;
    const unit = stored === "bits" && tagOf(array) === WORDS_OF_BITS ? WORD : 1;
    return lengthOf(array) * unit < itemCount(stored, this.length);
  }

  /**
   * Takes data of one of `dtypes`, to be read. `half` is the dtype of a Uint16Array, called "dtype". `all` says that these are the dtypes of the
   * instance, and not of the operation only.
   */
  takeData(value: unknown, name: string, dtypes: readonly DataDtype[], half: unknown, all: boolean): void {
    if (half !== undefined) checkChoice(half, "dtype", HALF_DTYPES);
    let dtype: BufferDtype | undefined;
    let length = 0;
    const buffer = WasmBuffer._is(value);
    if (buffer) {
      dtype = WasmBuffer._dtypeOf(value);
      length = WasmBuffer._lengthOf(value);
    } else if (isTypedArray(value)) {
      const tag = tagOf(value);
      length = lengthOf(value);
      dtype = tag === FLOAT16 ? "f16" : dtypeOfArray(tag, DTYPES);
      if (dtype === undefined && half !== undefined && tag === arrayName("f16")) dtype = half as HalfDtype;
    }
    if (dtype === undefined || (dtype !== dtypes[0] && !dtypes.includes(dtype as DataDtype))) throw unfitData(value, name, dtypes, all);
    if (buffer) this.#holdBuffer(value as WasmBuffer, name);
    else this.#holdArray(value as Foreign, name);
    this.#describe(value, name, dtype, length, false);
  }

  /** Takes data of dtype `stored`, of whatever length, to be read. */
  takeAlike(value: unknown, name: string, stored: BufferDtype): void {
    const length = WasmBuffer._is(value) ? WasmBuffer._lengthOf(value) : isTypedArray(value) ? lengthOf(value) : 0;
    this.takeExactly(value, name, stored, length, false);
  }

  /** Takes an array of `length` elements of `dtype`, to be read or `written`. */
  takeExactly(value: unknown, name: string, dtype: BufferDtype, length: number, written: boolean): void {
    let expected: number;
    let got: number;
    if (WasmBuffer._is(value) && WasmBuffer._dtypeOf(value) === dtype) {
      expected = length;
      got = WasmBuffer._lengthOf(value);
      this.#holdBuffer(value, name);
    } else if (isTypedArray(value) && canHold(tagOf(value), dtype)) {
      expected = itemCount(dtype, length);
      got = lengthOf(value);
      if (dtype === "bits") {
        this.#takeBits(value, name, length, written);
        return;
      }
      this.#holdArray(value as Foreign, name);
    } else throw wrongKind(name, holdersOf(dtype), value);
    this.#describe(value, name, dtype, length, written);
    if (got !== expected) throw wrongValue(name, `length ${expected}`, got);
  }

  /** Takes a bit mask of bytes or of little-endian words, which may be padded to whole words (ONNX Runtime, BitmaskDropout). */
  #takeBits(value: ArrayBufferView, name: string, length: number, written: boolean): void {
    checkAttached(value, name);
    const unit = tagOf(value) === WORDS_OF_BITS ? WORD : 1;
    const count = lengthOf(value);
    const bytes = byteLength("bits", length);
    const padded = Math.ceil(bytes / WORD) * WORD;
    const array = unit === 1 ? (value as Foreign) : new Uint8Array(bufferOf(value), offsetOf(value), count * unit);
    this.#holdArray(array, name);
    this.#describe(value, name, "bits", length, written);
    if (count * unit !== padded && count * unit !== bytes) throw wrongValue(name, `length ${Math.ceil(bytes / unit)}`, count);
    this.#padding = count * unit - bytes;
  }

  /** Writes the zeros behind a mask that is padded to whole words. */
  clearPadding(): void {
    if (this.#padding === 0 || !this.#written) return;
    const end = byteLength("bits", this.length);
    const array = this.#foreign as Uint8Array | undefined;
    if (array === undefined) this.#memory.view("bytes", this.#pointer + end, this.#padding).fill(0);
    else new Uint8Array(bufferOf(array), offsetOf(array) + end, this.#padding).fill(0);
  }

  #describe(value: unknown, name: string, dtype: BufferDtype, length: number, written: boolean): void {
    this.array = value;
    this.name = name;
    this.stored = dtype;
    this.length = length;
    this.#written = written;
    if (this.#padding !== 0) this.#padding = 0;
  }

  #holdBuffer(buffer: WasmBuffer, name: string): void {
    const address = WasmBuffer._addressOf(buffer);
    if (address < 0) throw wrongKind(name, "live buffer", buffer);
    if (WasmBuffer._memoryOf(buffer) === this.#memory) this.#pointer = address;
    // Another instance may lie in the same memory of a host.
    else this.#holdArray(WasmBuffer._viewOf(buffer), name);
  }

  #holdArray(array: Foreign, name: string): void {
    checkAttached(array, name);
    this.#pointer = this.#memory.addressOf(array, name);
    if (this.#pointer < 0) this.#foreign = array;
  }

  /** Gives it a staging slot, and with a conversion has kernels see f32 in place of 16-bit data. */
  stage(slot: number, conversion?: Conversion): void {
    this.#slot = slot;
    this.#conversion = conversion;
    this.dtype = conversion === undefined ? this.stored : "f32";
  }

  /** True if it needs a slot if kernels see it with or without conversion. */
  needsSlot(conversion?: Conversion): boolean {
    return this.#pointer < 0 || conversion !== undefined;
  }

  /** Lets go of the caller's array. */
  clear(): void {
    this.array = undefined;
    this.#foreign = undefined;
  }

  /** Returns how many bytes this operand begins behind `other`; NaN where they lie in different buffers. */
  #distanceFrom(other: Operand): number {
    if (this.#pointer >= 0 && other.#pointer >= 0) return this.#pointer - other.#pointer;
    // An array from outside may still show a memory that is shared.
    if (this.#pointer < 0 !== other.#pointer < 0 && !this.#memory.shared) return Number.NaN;
    const [mine, theirs] = [this.#shown(), other.#shown()];
    return haveOneMemory(mine, theirs) ? offsetOf(mine) - offsetOf(theirs) : Number.NaN;
  }

  /** Returns an array over the caller's elements. */
  #shown(): Foreign {
    return this.#foreign ?? this.#memory.view(this.stored, this.#pointer, this.length);
  }

  coincides(other: Taken): boolean {
    return this.length > 0 && this.#distanceFrom(other as Operand) === 0;
  }

  /** Throws RangeError if writing to this operand would change `other`, unless both are the very same elements and that is `allowed`. */
  refuseOverlap(other: Operand, sameAllowed: boolean): void {
    const distance = this.#distanceFrom(other);
    if (Number.isNaN(distance) || (distance === 0 && sameAllowed)) return;
    // Most operands lie far apart; no element is longer than this.
    if (Math.abs(distance) >= LONGEST * Math.max(this.length, other.length)) return;
    const bytes = distance < 0 ? byteLength(this.stored, this.length) : byteLength(other.stored, other.length);
    if (Math.abs(distance) < bytes && this.length > 0) {
      throw wrongValue(
        this.name,
        sameAllowed ? `"${other.name}" itself or memory apart from it` : `memory apart from "${other.name}"`,
        "memory that overlaps it",
      );
    }
  }

  enter(at: number, count: number): number {
    if (this.#written && !this.resident) return this.#slot;
    return this.reenter(at, count);
  }

  reenter(at: number, count: number): number {
    if (this.resident) return this.#addressOf(at);
    // Data to be widened lie in the upper half of the slot, where widening from the start on never overtakes them.
    const from = this.#pointer < 0 ? this.#slot + byteLength(this.dtype, count) - byteLength(this.stored, count) : this.#addressOf(at);
    if (this.#foreign !== undefined) this.#staged(from, count).set(this.#piece(at, count) as Float32Array);
    this.#conversion?.widen(this.#slot, from, count);
    return this.#slot;
  }

  leave(at: number, count: number): void {
    if (this.resident || !this.#written) return;
    this.#conversion?.narrow(this.#pointer < 0 ? this.#slot : this.#addressOf(at), this.#slot, count);
    if (this.#foreign !== undefined) this.#piece(at, count).set(this.#staged(this.#slot, count) as Float32Array);
  }

  #addressOf(at: number): number {
    return at === 0 ? this.#pointer : this.#pointer + byteLength(this.stored, at);
  }

  #staged(pointer: number, count: number): Foreign {
    return this.#memory.view(this.stored, pointer, count);
  }

  // A view made here: subarray() would call the constructor of whatever class extends the typed array. Pieces begin at multiples of 8
  // elements, so that those of a bit mask begin at a byte.
  #piece(at: number, count: number): Foreign {
    const foreign = this.#foreign as Foreign;
    return viewOf(this.stored, bufferOf(foreign), offsetOf(foreign) + byteLength(this.stored, at), count);
  }
}

function unfitData(value: unknown, name: string, dtypes: readonly DataDtype[], all: boolean): TypeError {
  const list = `${dtypes.slice(0, -1).join(", ")} or ${dtypes[dtypes.length - 1]}`;
  const halves = dtypes.some(isHalf);
  const arrays = halves ? "Float32Array, Float64Array, Float16Array, Uint16Array with a dtype" : "Float32Array, Float64Array";
  const tag = WasmBuffer._is(value) ? WasmBuffer._dtypeOf(value) : isTypedArray(value) ? tagOf(value) : undefined;
  const half = tag === arrayName("f16") || tag === FLOAT16 || HALF_DTYPES.includes(tag as HalfDtype);
  const hint = all && half && !halves ? " (16-bit data need the instance of createHalf() of wasm-dropout/half)" : "";
  return wrongKind(name, `${arrays} or buffer of ${list}${hint}`, value);
}

/**
 * Returns a new array of `length` elements in wasm memory if `x` is a buffer, else a typed array, of f16 of the class of x; throws RangeError that names
 * `name` if it cannot be made.
 */
export function makeLike(memory: Memory, x: unknown, dtype: BufferDtype, length: number, name: string): Foreign | WasmBuffer {
  if (WasmBuffer._is(x)) return new WasmBuffer(memory, dtype, memory.allocate(dtype, length, name), length);
  const array = makeArray(dtype, length, name);
  return dtype === "f16" && isTypedArray(x) && tagOf(x) === FLOAT16 ? asFloat16(array as Uint16Array<ArrayBuffer>) : array;
}

/** Returns a new typed array; throws RangeError that names `name` if the engine cannot make it. */
export function makeArray<D extends BufferDtype>(dtype: D, length: number, name: string): Arrays<ArrayBuffer>[D] {
  try {
    return newArray(dtype, length);
  } catch (cause) {
    throw wrongValue(name, "an array that the engine can make", `${length} elements of ${dtype}`, cause);
  }
}
