// The battery: measurements of a source of keep decisions, and of normal numbers, as deviates that a fair source keeps below 5. Places are
// fixed, so that a source passes always or never. By chance one deviate in 1.7 million lies beyond 5.

import type { Noise } from "../../src/noise/index.js";
import {
  chiSquareZ,
  countPositions,
  covarianceZ,
  dispersionZ,
  momentZs,
  ones,
  phi,
  positionZs,
  rank,
  rankZs,
  rateZ,
} from "../support/stats.js";
import { bitPlanes, type Place, type Source } from "./sources.js";

export const BOUND = 5;

/** A statistic of a source. */
export interface Statistic<S> {
  readonly name: string;
  zs(source: S): number[];
}

const TILE = 4096;
const PLACES: readonly Place[] = [
  { seed: 0n, stream: 0n, start: 0 },
  { seed: 1n, stream: 0n, start: 2 ** 32 },
  { seed: 42n, stream: 7n, start: 0 },
  { seed: 0x9e3779b97f4a7c15n, stream: 2n ** 63n, start: 2 ** 52 },
  { seed: 2n ** 64n - 1n, stream: 2n ** 64n - 1n, start: 2 ** 40 },
];

// Multiples of 2^-32, so that they are exact for both kinds. The second and the last are decided by ties.
const PROBABILITIES = [0.5, 2 ** -10, 1 / 256, 429496729 / 2 ** 32, 0.875, 1 - 2 ** -10];

function counts(source: Source): number[] {
  const n = 2 ** 18;
  return PROBABILITIES.flatMap((p) => {
    const kept = PLACES.map((place) => ones(source.mask(n, p, place)));
    const total = kept.reduce((sum, x) => sum + x);
    return [...kept.map((count) => rateZ(count, n, 1 - p)), rateZ(total, n * kept.length, 1 - p)];
  });
}

function rowDispersion(source: Source): number[] {
  const n = 2 ** 20;
  return PLACES.slice(0, 3).flatMap((place) =>
    [0.5, 429496729 / 2 ** 32].flatMap((p) => {
      const bits = source.mask(n, p, place);
      return [64, 256, 1024, TILE].map((width) => dispersionZ(bits, 1 - p, width));
    }),
  );
}

/** Columns of the matrix whose rows are tiles and whose columns are the first 96 elements of each: six steps of each lane. */
function columnsOf(source: Source, p: number, place: Place): Uint32Array[] {
  const tiles = 4096;
  const columns = Array.from({ length: 96 }, () => new Uint32Array(tiles / 32));
  for (let tile = 0; tile < tiles; ++tile) {
    const row = source.mask(columns.length, p, { ...place, start: place.start + TILE * tile });
    columns.forEach((column, c) => {
      const bit = ((row[c >> 5] as number) >>> (c & 31)) & 1;
      column[tile >> 5] = (column[tile >> 5] as number) | (bit << (tile & 31));
    });
  }
  return columns;
}

function columnPairs(source: Source): number[] {
  return [0.5, 0.125].flatMap((p) => {
    const columns = columnsOf(source, p, PLACES[2] as Place);
    return columns.flatMap((a, c) => columns.slice(c + 1).map((b) => covarianceZ(a, b, 1 - p)));
  });
}

const SIZE = 256;

/** Every fourth group of four bits, from group `lane`: what a lane decides. */
function laneBits(bits: Uint32Array, lane: number): Uint32Array {
  const result = new Uint32Array(bits.length / 4);
  bits.forEach((word, w) => {
    const byte = ((word >>> (4 * lane)) & 15) | (((word >>> (4 * lane + 16)) & 15) << 4);
    result[w >> 2] = (result[w >> 2] as number) | (byte << (8 * (w & 3)));
  });
  return result;
}

/**
 * Ranks of matrices whose rows are tiles, and whose columns are one bit of the random bytes of the first 256 elements that a lane decides. What
 * is linear in the 128 bits of a lane's state has rank 128 at most.
 */
function ranks(source: Source): number[] {
  const found: number[][] = Array.from({ length: 8 }, () => []);
  for (const place of PLACES) {
    const rows = Array.from({ length: SIZE }, (_, row) => bitPlanes(source, 4 * SIZE, { ...place, start: place.start + TILE * row }));
    for (let lane = 0; lane < 4; ++lane) {
      found.forEach((plane, b) => void plane.push(rank(rows.map((planes) => laneBits(planes[b] as Uint32Array, lane)))));
    }
  }
  return [...found, found.flat()].flatMap((plane) => rankZs(plane, SIZE));
}

/** Places that differ from `place` in one bit of `what`. */
const NEIGHBOURS: Record<"seed" | "stream" | "tile", (place: Place) => Place[]> = {
  seed: (place) => Array.from({ length: 64 }, (_, b) => ({ ...place, seed: place.seed ^ (1n << BigInt(b)) })),
  stream: (place) => Array.from({ length: 64 }, (_, b) => ({ ...place, stream: place.stream ^ (1n << BigInt(b)) })),
  // Of the 2^53 elements of a stream 2^41 are the first of a tile.
  tile: (place) => Array.from({ length: 41 }, (_, b) => ({ ...place, start: Number(BigInt(place.start) ^ BigInt(TILE * 2 ** b)) })),
};

/** Decisions at p = 1/2 that differ after a change of one bit: for each change, and for each element over all changes. */
function avalanche(source: Source, what: keyof typeof NEIGHBOURS): number[] {
  const counts = new Uint32Array(TILE);
  let trials = 0;
  const each = PLACES.flatMap((place) => {
    const here = source.mask(TILE, 0.5, place);
    return NEIGHBOURS[what](place).map((neighbour) => {
      const there = source.mask(TILE, 0.5, neighbour);
      const differ = here.map((word, w) => word ^ (there[w] as number));
      countPositions(differ, counts);
      ++trials;
      return rateZ(ones(differ), TILE, 0.5);
    });
  });
  return [...each, ...positionZs(counts, trials, TILE, 0.5)];
}

export const MASK_STATISTICS: readonly Statistic<Source>[] = [
  { name: "drop counts", zs: counts },
  { name: "dispersion of rows", zs: rowDispersion },
  { name: "pairs of columns", zs: columnPairs },
  { name: "ranks over GF(2)", zs: ranks },
  { name: "avalanche of the seed", zs: (source) => avalanche(source, "seed") },
  { name: "avalanche of the stream", zs: (source) => avalanche(source, "stream") },
  { name: "avalanche of the tile", zs: (source) => avalanche(source, "tile") },
];

/** Standard normal numbers of docs/normal-stream.md. */
export interface NormalSource {
  readonly name: string;
  normal(n: number, place: Place): Float32Array;
}

export function normalSource(noise: Noise): NormalSource {
  return { name: "normal", normal: (n, place) => noise.normal(n, place) };
}

const NORMALS = 2 ** 20;
const normals = ({ normal }: NormalSource) => PLACES.map((place) => normal(NORMALS, place));

function tails(source: NormalSource): number[] {
  const all = normals(source);
  return [2, 3, 4].flatMap((t) => {
    const q = phi(-t);
    return all.flatMap((x) =>
      [x.reduce((n, z) => n + Number(z > t), 0), x.reduce((n, z) => n + Number(z < -t), 0)].map((count) => rateZ(count, NORMALS, q)),
    );
  });
}

/** Chi-square of 256 classes that are equally likely. */
function classes(source: NormalSource): number[] {
  return normals(source).map((x) => {
    const observed = new Array<number>(256).fill(0);
    for (const z of x) {
      const k = normalByte(z);
      observed[k] = (observed[k] as number) + 1;
    }
    return chiSquareZ(observed, new Array<number>(256).fill(NORMALS / 256));
  });
}

/** The numbers that a standard normal one is below with probability k / 256, k from 1 to 255. */
const QUANTILES = Float64Array.from({ length: 255 }, (_, k) => {
  let [low, high] = [-4, 4];
  for (let halving = 0; halving < 60; ++halving) {
    const middle = (low + high) / 2;
    if (phi(middle) < (k + 1) / 256) low = middle;
    else high = middle;
  }
  return high;
});

/** floor(256 Phi(z)): a byte of which all values are equally likely. */
export function normalByte(z: number): number {
  let k = 0;
  for (let step = 128; step > 0; step >>= 1) if (z >= (QUANTILES[k + step - 1] as number)) k += step;
  return k;
}

export const NORMAL_STATISTICS: readonly Statistic<NormalSource>[] = [
  { name: "moments", zs: (source) => normals(source).flatMap(momentZs) },
  { name: "tails", zs: tails },
  { name: "classes", zs: classes },
];

/** The deviate that is farthest from 0; NaN if one is no number. */
export function worst(zs: readonly number[]): number {
  return zs.reduce((most, z) => (Number.isNaN(most) || Math.abs(z) <= Math.abs(most) ? most : z), 0);
}
