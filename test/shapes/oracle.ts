// The results of operations with shapes, one element at a time in plain numbers. Shares no code with src/ or assembly/.

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
  const expanded = new Uint8Array(product(shape));
  for (let i = 0; i < expanded.length; ++i) {
    // As placeOf() and indexOf() have it, without their arrays, which take most of the time of whole files of tests.
    let rest = i;
    let index = 0;
    let stride = 1;
    for (let k = shape.length - 1; k >= 0; --k) {
      const [size, noiseSize] = [shape[k] as number, noiseShape[k] as number];
      if (noiseSize !== 1) index += (rest % size) * stride;
      stride *= noiseSize;
      rest = Math.floor(rest / size);
    }
    expanded[i] = keep[index] as number;
  }
  return expanded;
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
  for (let i = 0; i < y.length; ++i) y[i] = keep[i] ? kept(x[i] as number, round) : dropped;
  return y;
}

/** DropBlock's mask, a byte an element of maps of `sizes`, one behind the other, of seeds in the same order: box after box, element by element. */
export function blockMask(seeds: Uint8Array, sizes: readonly number[], blockSize: number, borderSeeds = false): Uint8Array {
  const sides = sizes.map((size) => Math.min(blockSize, size));
  const [length, area] = [product(sizes), product(sides)];
  const mask = new Uint8Array(seeds.length).fill(1);
  seeds.forEach((keep, i) => {
    if (keep) return;
    const place = placeOf(i % length, sizes);
    const corner = place.map((at, k) => at - Math.floor((sides[k] as number) / 2));
    const fits = (at: number, k: number) => at >= 0 && at < (sizes[k] as number);
    if (!borderSeeds && !corner.every((at, k) => fits(at, k) && fits(at + (sides[k] as number) - 1, k))) return;
    for (let e = 0; e < area; ++e) {
      // As placeOf() and indexOf() have it, without their arrays, which take most of the time of whole files of tests.
      let [rest, index, stride, inside] = [e, i - (i % length), 1, true];
      for (let k = sizes.length - 1; k >= 0; --k) {
        const [size, side] = [sizes[k] as number, sides[k] as number];
        const at = (corner[k] as number) + (rest % side);
        rest = Math.floor(rest / side);
        inside &&= at >= 0 && at < size;
        index += at * stride;
        stride *= size;
      }
      if (inside) mask[index] = 0;
    }
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

/** The share of elements that DropBlock drops on average, if each seed is dropped with probability `gamma`. */
export function blockShare(gamma: number, sizes: readonly number[], blockSize: number, borderSeeds = false): number {
  // An element is kept if all seeds are that reach it; the number of those is a product over the axes.
  const reaches = sizes.map((size) => {
    const side = Math.min(blockSize, size);
    return Array.from({ length: size }, (_, at) => {
      let seeds = 0;
      for (let seed = 0; seed < size; ++seed) {
        const from = seed - Math.floor(side / 2);
        const inside = from >= 0 && from + side <= size;
        if ((borderSeeds || inside) && at >= from && at < from + side) ++seeds;
      }
      return seeds;
    });
  });
  let sum = 0;
  for (let e = 0; e < product(sizes); ++e) {
    const seeds = placeOf(e, sizes).reduce((count, at, k) => count * ((reaches[k] as number[])[at] as number), 1);
    sum += 1 - (1 - gamma) ** seeds;
  }
  return sum / product(sizes);
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
