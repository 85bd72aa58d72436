// The layout of a classifier's outputs: rows of classes, one behind another, or classes along another axis of an array of several.
// Statistics are computed of rows of classes; what callers see has the layout of the model's outputs.

import { checkInteger, wrongKind, wrongValue } from "../ground/check.js";
import { productOf, takeShape } from "../ground/shape.js";

/** Rows of classes in an array: element (o, c, i) is at (o * classes + c) * inner + i, and row o * inner + i has its classes. */
export interface Layout {
  readonly classes: number;
  /** Number of rows. */
  readonly rows: number;
  /** Product of the dimensions behind the axis of classes: 1 where they are the last. */
  readonly inner: number;
}

/** The options that say the layout, once checked; undefined for those not given. */
export interface LayoutFields {
  readonly outputShape?: readonly number[] | undefined;
  readonly classAxis?: number | undefined;
}

/** Reads `outputShape` and `classAxis` of a classifier; throws TypeError or RangeError, whose names begin with `prefix`. */
export function readLayout(
  classes: number,
  samples: number,
  { outputShape, classAxis }: { readonly [K in keyof LayoutFields]: unknown },
  prefix = "",
): { readonly layout: Layout; readonly fields: LayoutFields } {
  const shape = outputShape === undefined ? undefined : takeShape(outputShape, `${prefix}outputShape`);
  const rank = shape?.length ?? 2;
  if (classAxis !== undefined) checkInteger(classAxis, `${prefix}classAxis`, -rank, rank - 1);
  const axis = classAxis === undefined ? rank - 1 : (classAxis + rank) % rank;
  const sizes = shape ?? (axis === 0 ? [classes, samples] : [samples, classes]);
  if (sizes[axis] !== classes) throw wrongValue(`${prefix}outputShape`, `${classes} classes along axis ${axis}`, sizes[axis] as number);
  const inner = productOf(sizes.slice(axis + 1));
  const fields = {
    ...(shape === undefined ? {} : { outputShape: shape }),
    ...(classAxis === undefined ? {} : { classAxis }),
  };
  return { layout: { classes, rows: productOf(sizes) / classes, inner }, fields };
}

/** Throws TypeError if a layout is given for what is no classifier. */
export function refuseLayout({ outputShape, classAxis }: { readonly [K in keyof LayoutFields]: unknown }): void {
  if (outputShape !== undefined) throw wrongKind("outputShape", "nothing without classes", outputShape);
  if (classAxis !== undefined) throw wrongKind("classAxis", "nothing without classes", classAxis);
}

/** Returns a copy of `values` with the classes of a row side by side. */
export function toRows(values: ArrayLike<number>, { classes, rows, inner }: Layout): Float64Array<ArrayBuffer> {
  const result = new Float64Array(rows * classes);
  for (let row = 0, to = 0; row < rows; ++row) {
    const from = Math.floor(row / inner) * classes * inner + (row % inner);
    for (let c = 0; c < classes; ++c, ++to) result[to] = values[from + c * inner] as number;
  }
  return result;
}

/** Returns a copy of rows of classes with the layout of the model's outputs. */
export function fromRows(values: Float64Array<ArrayBuffer>, { classes, rows, inner }: Layout): Float64Array<ArrayBuffer> {
  const result = new Float64Array(values.length);
  for (let row = 0, from = 0; row < rows; ++row) {
    const to = Math.floor(row / inner) * classes * inner + (row % inner);
    for (let c = 0; c < classes; ++c, ++from) result[to + c * inner] = values[from] as number;
  }
  return result;
}
