// A case of an operation, and what the rows share: streams, data, masks, and comparisons.

import type { StreamKind } from "../../docs/reference.js";
import { type Chance, chance, uniforms } from "../support/oracle.js";
import type { Random } from "./random.js";
import { type Dtype, type Placed, type Places, rounding, type World } from "./world.js";

/** A call, ready to be made. */
export interface Call {
  readonly args: unknown[];
  readonly call: (...args: never[]) => unknown;
  /** The places that results may be written to. */
  readonly results: readonly Placed[];
  /** Throws unless the result is right. */
  readonly check: (result: never) => void;
  /** A message that this call may be refused with, although its arguments are well formed. */
  readonly refusal?: RegExp;
}

export interface Row {
  readonly name: string;
  readonly make: (setting: Setting) => Call;
}

/** The parts that a row makes its call from. */
export interface Setting {
  readonly world: World;
  readonly random: Random;
  readonly places: Places;
}

export const DTYPES: readonly Dtype[] = ["f32", "f32", "f64", "f16", "bf16"];
export const PROBABILITIES = [0, 2 ** -48, 1 / 256, 0.1, 0.25, 0.5, 0.9, 0.999, 1];
export const STARTS = [undefined, 0, 1, 7, 8, 15, 17, 4095, 4097, 2 ** 32 - 3, 2 ** 45];
/** Elements of a result that are compared: the oracle computes a tile for each. */
export const SAMPLES = 3;
export const F16_REFUSAL = /f16/;

/** Lengths around those at which kernels take another path. */
export function lengthOf(random: Random): number {
  const lengths = [0, 1, 2, 7, 8, 15, 16, 17, 31, 33, 100, 255, 257, 4095, 4096, 4097];
  return random.chance(0.02) ? random.pick([32767, 32769, 65537]) : random.pick(lengths.slice(0, random.chance(0.3) ? lengths.length : 13));
}

/** The stream of a call, and its options. */
export interface Stream {
  readonly options: Record<string, unknown>;
  readonly keep: (index: number, p: Chance) => boolean;
  readonly chanceOf: (p: number) => Chance;
  readonly seed: bigint;
  readonly stream: bigint;
  readonly start: number;
  readonly training: boolean;
}

/** Options of a draw; those left out are the instance's. */
export function streamFor({ world: { dropout }, random }: Setting, kinds: boolean, limit = 2 ** 53): Stream {
  const { kind: ownKind, seed: ownSeed, nextStream } = dropout.state;
  const kind = kinds ? random.pick<StreamKind | undefined>([undefined, "tile", "philox"]) : undefined;
  const seed = random.pick([undefined, 0, 7, 2n ** 64n - 1n]);
  const stream = random.pick([undefined, 0, 5, 2n ** 63n + 1n]);
  const start = random.pick(STARTS.filter((one) => (one ?? 0) < limit));
  const training = random.pick([undefined, true, true, true, false]);
  const given = Object.entries({ kind, seed, stream, start, training }).filter(([, value]) => value !== undefined || random.chance(0.2));
  const [theirs, number] = [BigInt(seed ?? ownSeed), BigInt(stream ?? nextStream)];
  return {
    options: Object.fromEntries(given),
    chanceOf: (p) => chance(kind ?? ownKind, p),
    keep: (index, p) => (uniforms(kind ?? ownKind, theirs, number, index, 1)[0] as number) >= p.threshold,
    seed: theirs,
    stream: number,
    start: start ?? 0,
    training: training ?? true,
  };
}

export function same(got: number | undefined, expected: number, what: string): void {
  if (!Object.is(got, expected)) throw new Error(`${what} is ${got}, not ${expected}`);
}

export function near(got: number | undefined, expected: number, error: number, what: string): void {
  if (Object.is(got, expected) || Math.abs((got as number) - expected) <= error) return;
  throw new Error(`${what} is ${got}, not ${expected} within ${error}`);
}

/** Indices of a few elements, the last among them. */
export function some({ random }: Setting, length: number): number[] {
  return length === 0 ? [] : [length - 1, ...Array.from({ length: SAMPLES - 1 }, () => random.integer(length))];
}

export function scaleOf(dtype: Dtype, p: Chance): number {
  return dtype === "f64" ? p.scale64 : p.scale32;
}

/** Option `dtype` of 16-bit data. */
export const halfOption = (dtype: Dtype) => (dtype === "f16" || dtype === "bf16" ? { dtype } : {});

/** Data of some dtype, and an output that is it, apart from it, or left to the call. */
export function dataFor(setting: Setting, length: number, dtypes = DTYPES) {
  const { random, places } = setting;
  const dtype = random.pick(dtypes);
  const x = places.place(dtype, length, true);
  const way = random.pick(["made", "given", "in place"] as const);
  const out = way === "made" ? undefined : way === "given" ? places.place(dtype, length) : x;
  return { dtype, x, out, outputs: out === undefined ? [] : [out] };
}

/** y of dropout, at element i of x. */
export function dropped(dtype: Dtype, x: number, kept: boolean, p: Chance, rescale: string, training: boolean): number {
  const round = rounding(dtype);
  if (!training && rescale !== "test") return x;
  if (p.threshold === 0) return x;
  if (!training) return p.scale64 === Number.POSITIVE_INFINITY ? 0 : round(x * rounding(dtype === "f64" ? "f64" : "f32")(1 / p.scale64));
  if (!kept) return 0;
  return rescale === "train" ? round(x * scaleOf(dtype, p)) : x;
}

/** A mask array for so many decisions, in one of the forms of bit masks. */
export function maskFor({ random, places }: Setting, length: number): Placed {
  const words = Math.ceil(length / 32);
  const form = random.pick(["bits", "bits", "padded", "words"] as const);
  if (form === "bits") return places.place("bits", length);
  return form === "words" ? places.place("words", words) : places.place("bytes", words * 4, false, "plain");
}

/** Bit i of a mask as it is now. */
export function bit(mask: Placed, i: number): number {
  return ((mask.region.read()[mask.at + (i >> 3)] as number) >> (i & 7)) & 1;
}

export type Answer = { readonly y: unknown; readonly ticket: object };
