// What operations with shapes have to give, one element at a time in plain numbers. Shares no code with src/ or assembly/.

type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** The place of element i of an array of `shape`, in row-major order. */
export function placeOf(i: number, shape: readonly number[]): number[] {
  const place: number[] = [];
  for (let k = shape.length - 1; k >= 0; --k) {
    const size = shape[k] as number;
    place.unshift(i % size);
    i = Math.floor(i / size);
  }
  return place;
}

/** The number of the element at a place, by Horner's rule. */
export function indexOf(place: readonly number[], shape: readonly number[]): number {
  return place.reduce((index, at, k) => index * (shape[k] as number) + at, 0);
}

export const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** A mask of `noiseShape` broadcast to `shape`: a byte an element. */
export function expand(keep: Uint8Array, shape: readonly number[], noiseShape: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: product(shape) }, (_, i) => {
    const place = placeOf(i, shape).map((at, k) => (noiseShape[k] === 1 ? 0 : at));
    return keep[indexOf(place, noiseShape)] as number;
  });
}

/** y = keep ? kept(x) : dropped, with every operation rounded to the dtype of x. */
export function map(
  x: Floats,
  keep: Uint8Array,
  kept: (value: number, round: (value: number) => number) => number,
  dropped: number,
): Floats {
  const round = x instanceof Float32Array ? Math.fround : (value: number) => value;
  const y = x.slice() as Floats;
  x.forEach((value, i) => {
    y[i] = keep[i] ? kept(value, round) : dropped;
  });
  return y;
}

/** DropBlock's mask, a byte an element of [samples, channels, rows, columns], of seeds in the same order. */
export function blockMask(
  seeds: Uint8Array,
  [, , rows, columns]: readonly [number, number, number, number],
  blockSize: number,
): Uint8Array {
  const side = Math.min(blockSize, rows, columns);
  const [before, after] = [Math.floor(side / 2), Math.floor((side - 1) / 2)];
  const mask = new Uint8Array(seeds.length).fill(1);
  const valid = (at: number, size: number) => at >= before && at < size - after;
  seeds.forEach((keep, i) => {
    const [row, column] = [Math.floor(i / columns) % rows, i % columns];
    if (keep || !valid(row, rows) || !valid(column, columns)) return;
    for (let r = -before; r <= after; ++r) for (let c = -before; c <= after; ++c) mask[i + r * columns + c] = 0;
  });
  return mask;
}

/**
 * Seeds with what they drop along an axis of `size` places, `stride` elements apart: from `before` places before a dropped one to `after` behind it.
 * Blocks that do not fit are clipped, or have no effect.
 */
export function grown(seeds: Uint8Array, stride: number, size: number, before: number, after: number, clip: boolean): Uint8Array {
  const mask = seeds.slice().fill(1);
  seeds.forEach((keep, i) => {
    const at = Math.floor(i / stride) % size;
    if (keep || (!clip && (at < before || at + after >= size))) return;
    for (let k = Math.max(-before, -at); k <= after && at + k < size; ++k) mask[i + k * stride] = 0;
  });
  return mask;
}

/** An array of [samples, channels, ...] in the order [samples, ..., channels]. */
export function channelsLast<A extends Floats | Uint8Array>(x: A, shape: readonly number[]): A {
  const [samples, channels, ...rest] = shape as [number, number, ...number[]];
  const target = [samples, ...rest, channels];
  const y = x.slice() as A;
  x.forEach((value, i) => {
    const [sample, channel, ...place] = placeOf(i, shape) as [number, number, ...number[]];
    y[indexOf([sample, ...place, channel], target)] = value;
  });
  return y;
}
