// The additive rows of softmax: an attention mask, additive or boolean, broadcast against the scores, and lengths of keys that are not padding.

import { WasmBuffer } from "../engine/buffer.js";
import type { Taken } from "../engine/operand.js";
import type { Taking } from "../engine/pass.js";
import { rowsOfPiece } from "../engine/pieces.js";
import { checkInteger, isArray, isTypedArray, lengthOf, tagOf, wrongKind, wrongValue } from "../ground/check.js";
import { type BufferDtype, byteLength, type Dtype } from "../ground/dtypes.js";
import { productOf, showShape, takeShape } from "../ground/shape.js";
import type { MaskKind } from "./ticket.js";

/** Number of rows of scores of `shape`. */
export function rowsOf(shape: readonly number[]): number {
  return productOf(shape.slice(0, -1));
}

/** Returns a copy of a shape that broadcasts against `shape` by NumPy's rules; throws TypeError or RangeError for what does not. */
export function takeMaskShape(value: unknown, name: string, shape: readonly number[]): number[] {
  const copy = takeShape(value, name);
  const skipped = shape.length - copy.length;
  if (skipped < 0 || !copy.every((size, k) => size === 1 || size === shape[skipped + k])) {
    throw wrongValue(name, `dimensions that are 1 or those of ${showShape(shape)}, aligned at the last`, showShape(copy));
  }
  return copy;
}

/** Returns a copy of numbers of keys: one for each entry of the first dimension of `shape`, or one for each row. Throws TypeError or RangeError. */
export function takeKeyLengths(value: unknown, name: string, shape: readonly number[]): number[] {
  if (!isArray(value) && !isTypedArray(value)) throw wrongKind(name, "array of integers", value);
  const rows = rowsOf(shape);
  const count = isArray(value) ? value.length : lengthOf(value);
  if (count !== rows && count !== entriesOf(shape)) throw wrongValue(name, `length ${entriesOf(shape)}, or ${rows} for one a row`, count);
  const lengths = Array.from(value as ArrayLike<unknown>);
  lengths.forEach((length, k) => {
    checkInteger(length, `${name}[${k}]`, 0, shape[shape.length - 1] as number);
  });
  return lengths as number[];
}

/** The size of the first dimension, where that is not the only one. */
function entriesOf(shape: readonly number[]): number {
  return shape.length > 1 ? (shape[0] as number) : 1;
}

/** True if an attention mask is boolean. */
function isBoolean(mask: unknown): boolean {
  return WasmBuffer._is(mask) ? WasmBuffer._dtypeOf(mask) === "bytes" : isTypedArray(mask) && tagOf(mask) === "Uint8Array";
}

/**
 * Returns the shape of a mask of `length` elements that came without one: that of the scores, or of their last two dimensions or last one where no other
 * shape of so many elements broadcasts against them. Throws RangeError otherwise.
 */
function onlyMaskShape(length: number, shape: readonly number[]): readonly number[] {
  if (length === productOf(shape)) return shape;
  const readings = readingsOf(length, shape);
  const shown = showShape(shape);
  if (readings === 0) throw wrongValue("attentionMask", `length that fits ${shown}, broadcast`, length);
  const likely = [shape.slice(-2), shape.slice(-1)].find((one) => productOf(one) === length);
  if (readings > 1 || likely === undefined) {
    throw wrongValue(
      "maskShape",
      `the shape of "attentionMask", whose ${length} elements could be broadcast to ${shown} in other ways`,
      "undefined",
    );
  }
  return likely;
}

/** The number of shapes of `length` elements that broadcast against `shape`; dimensions of 1 make no difference. */
function readingsOf(length: number, shape: readonly number[]): number {
  let ways = new Map([[1, 1]]);
  for (const size of shape) {
    if (size === 1) continue;
    const more = new Map(ways);
    for (const [product, count] of ways) {
      const next = product * size;
      if (next <= length) more.set(next, (more.get(next) ?? 0) + count);
    }
    ways = more;
  }
  return ways.get(length) ?? 0;
}

/** An attention mask that has been taken. */
export interface TakenMask {
  readonly operand: Taken;
  readonly shape: readonly number[];
  readonly kind: MaskKind;
}

/** The dtype of the elements of a mask beside logits of `dtype`. */
export function maskDtype(kind: MaskKind, dtype: BufferDtype): BufferDtype {
  return kind === "boolean" ? "bytes" : dtype;
}

/** Takes the attention mask of a forward call beside logits of `dtype` and of `shape`, if there is one. */
export function takeMask(
  pass: Taking,
  mask: unknown,
  maskShape: readonly number[] | undefined,
  shape: readonly number[],
  dtype: BufferDtype,
): TakenMask | undefined {
  if (mask === undefined) return undefined;
  const kind = isBoolean(mask) ? "boolean" : "additive";
  const operand = pass.ofDtype(mask, "attentionMask", maskDtype(kind, dtype));
  const own = maskShape ?? onlyMaskShape(operand.length, shape);
  const expected = productOf(own);
  if (operand.length !== expected)
    throw wrongValue("attentionMask", `length ${expected}, that of its shape ${showShape(own)}`, operand.length);
  return { operand, shape: own, kind };
}

/** The additive rows of the parts of scores. */
export interface AddedRows {
  /** A number of rows at whose multiples parts must end. */
  readonly period: number;
  /** Returns the address of additive rows for the part that begins with row `row` and has `rows`; 0 where nothing is added. */
  address(row: number, rows: number): number;
  /** Returns the one of these that belongs to row `row`. */
  maskRow(row: number): number;
  /** Returns their number beside a part of `rows` rows. */
  maskRows(rows: number): number;
}

/**
 * Takes room for the additive rows of scores of `shape`. Of the dimensions in front of the keys, those from the last on in which all rows differ, and then those
 * in which none do, make a block whose rows begin anew again and again; a block of few rows is used whole, of others parts have just their own rows.
 */
export function takeAddedRows(
  pass: Taking,
  shape: readonly number[],
  mask: TakenMask | undefined,
  lengths: readonly number[] | undefined,
  dtype: Dtype,
): AddedRows {
  const keys = shape[shape.length - 1] as number;
  const sizes = shape.slice(0, -1);
  const rows = rowsOf(shape);
  if (mask === undefined && lengths === undefined) return { period: rows, address: () => 0, maskRow: () => 0, maskRows: () => 0 };

  const width = mask === undefined ? 1 : (mask.shape[mask.shape.length - 1] as number);
  const maskStrides = stridesOf(mask === undefined ? [] : mask.shape.slice(0, -1), sizes.length);
  const lengthStrides =
    lengths === undefined || lengths.length === 1
      ? sizes.map(() => 0)
      : stridesOf(lengths.length === rows ? sizes : [sizes[0] as number, ...sizes.slice(1).map(() => 1)], sizes.length);

  // A dimension of 1 is of either kind.
  const differs = (k: number) => maskStrides[k] !== 0 || lengthStrides[k] !== 0;
  let k = sizes.length - 1;
  let block = 1;
  for (; k >= 0 && (sizes[k] === 1 || differs(k)); --k) block *= sizes[k] as number;
  let repeated = block;
  for (; k >= 0 && (sizes[k] === 1 || !differs(k)); --k) repeated *= sizes[k] as number;

  const most = rowsOfPiece(keys);
  const whole = block <= most;
  const period = whole ? repeated : block;
  const ready = mask?.kind === "additive" && lengths === undefined && width === keys;
  const staged = mask === undefined ? undefined : pass.stage(mask.operand, ready ? most * keys : width);
  const scratch = ready ? 0 : pass.scratch(byteLength(dtype, Math.min(block, most) * keys));
  const { memory } = pass.engine;

  /** Writes row `row` of the scores to place `k` of scratch. */
  const write = (row: number, k: number) => {
    const added = memory.view(dtype, scratch + byteLength(dtype, k * keys), keys);
    const at = indexOf(row, sizes, maskStrides) * width;
    if (staged === undefined) added.fill(0);
    else if (mask?.kind === "additive") {
      const values = memory.view(dtype, staged.enter(at, width), width);
      if (width === keys) added.set(values);
      else added.fill(values[0] as number);
    } else {
      const flags = memory.view("bytes", staged.enter(at, width), width);
      for (let j = 0; j < keys; ++j) added[j] = flags[width === 1 ? 0 : j] === 0 ? -Infinity : 0;
    }
    if (lengths !== undefined) added.fill(-Infinity, lengths[indexOf(row, sizes, lengthStrides)]);
  };

  // The rows that are there, from row `from` of the mask and entry `entry` of the lengths on.
  let [from, entry, count, address] = [-1, -1, -1, 0];
  return {
    period,
    address(row, some) {
      const first = whole ? row - (row % period) : row;
      const needed = whole ? block : some;
      const [maskRow, length] = [indexOf(first, sizes, maskStrides), indexOf(first, sizes, lengthStrides)];
      if (maskRow === from && length === entry && needed === count) return address;
      [from, entry, count] = [maskRow, length, needed];
      if (ready && staged !== undefined) address = staged.enter(maskRow * keys, needed * keys);
      else {
        address = scratch;
        for (let k = 0; k < needed; ++k) write(first + k, k);
      }
      return address;
    },
    maskRow: (row) => (whole ? (row % period) % block : 0),
    maskRows: (some) => (whole ? block : some),
  };
}

/** Rows from one index of each dimension to the next, of an array that is broadcast to `rank` dimensions: 0 where it has one row. */
export function stridesOf(sizes: readonly number[], rank: number): number[] {
  const strides = new Array<number>(rank).fill(0);
  let stride = 1;
  for (let k = sizes.length - 1; k >= 0; --k) {
    const size = sizes[k] as number;
    if (size !== 1) strides[rank - sizes.length + k] = stride;
    stride *= size;
  }
  return strides;
}

/** The index, in an array of such strides, of row `row` of scores. */
export function indexOf(row: number, sizes: readonly number[], strides: readonly number[]): number {
  let index = 0;
  let rest = row;
  for (let k = sizes.length - 1; k >= 0; --k) {
    const size = sizes[k] as number;
    index += (rest % size) * (strides[k] as number);
    rest = Math.floor(rest / size);
  }
  return index;
}
