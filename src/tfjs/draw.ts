// The random decisions that an operation draws, and the streams of callers and layers.
// Invariant: of one seed, operations draw the streams below 2^32, and the layer with number k, from 1, those from k times 2^32; a layer with a seed of its
// own draws those of its number or name in the domain of layers, so that layers of one seed differ.

import type { Tensor } from "@tensorflow/tfjs-core";
import { checkChoice, wrongKind, wrongValue } from "../ground/check.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import { utf8Of } from "../ground/utf8.js";
import { Words } from "../ground/words.js";
import type { PassContext } from "../monte-carlo/pass.js";
import { DOMAINS, layerOfName, setDomainStream } from "../stream/domains.js";
import { STREAM_KINDS, type StreamKind } from "../stream/kinds.js";
import { Sequence } from "../stream/sequence.js";
import type { Values } from "./heap.js";

/**
 * A seed as tf.dropout takes it. An integer in [0, 2^64), as safe integer, bigint or decimal digits, is that seed of the keep streams. Any other finite
 * number or text that is not empty, such as -3, 0.123 or "abc", is the seed that the 64-bit FNV-1a hash of its text in UTF-8 gives (RFC 9923).
 */
export type Seed = number | bigint | string;

/** A stream as {@link PassContext.stream} returns it: its number and seed, integers in [0, 2^64), and kind, that of the {@link TfjsDropout} by default. */
export interface Stream {
  readonly kind?: StreamKind | undefined;
  readonly seed: number | bigint;
  readonly stream: number | bigint;
}
const STREAM_KEYS: Known = /* @__PURE__ */ known("kind", "seed", "stream");

/** A stream of decisions. */
export interface Draw {
  readonly kind: StreamKind;
  readonly seed: bigint;
  readonly stream: bigint;
}

/** One draw for all of a tensor; or one for each of its rows, slices along the first axis, which then have the decisions that each has by itself. */
export type Draws = Draw | readonly Draw[];

/** Runs `run` with all values and their draw, or with those of each row and its draw. */
export function eachDraw(
  draws: Draws,
  values: Values,
  out: Values,
  run: (values: Float32Array, out: Float32Array, draw: Draw) => void,
): void {
  if (!isRows(draws)) {
    run(values(), out(), draws);
    return;
  }
  const size = values().length / draws.length;
  draws.forEach((draw, row) => {
    const [begin, end] = [row * size, (row + 1) * size];
    run(values().subarray(begin, end), out().subarray(begin, end), draw);
  });
}

/** Returns true if there is a draw for each row. */
export function isRows(draws: Draws): draws is readonly Draw[] {
  return Array.isArray(draws);
}

/** Returns the kind of stream, which all rows share. */
export function kindOf(draws: Draws): StreamKind {
  return (isRows(draws) ? (draws[0] as Draw) : draws).kind;
}

/** Has `use` draw the next stream of `sequence`, which moves on unless that throws. */
export function drawNext<R>(sequence: Sequence, use: (draw: Draw) => R): R {
  const { kind, seed, next } = sequence;
  const result = use({ kind, seed: seed.toBigInt(), stream: next.toBigInt() });
  next.increment();
  return result;
}

/**
 * Returns the draws for `x` of a stream, or of the context of a pass: one for each row of x along its first axis, as {@link PassContext.dropout} has it for
 * [samples, ...]; one for all of x if the run has one sample, or if `noiseShape` has all rows share decisions.
 */
export function drawsOf(given: Stream | PassContext, kind: StreamKind, x: Tensor, noiseShape: unknown): Draws {
  if (!isContext(given)) {
    checkOptions(given, STREAM_KEYS, "seed");
    const { kind: own = kind, seed, stream } = given;
    checkChoice(own, "seed.kind", STREAM_KINDS);
    const [ofSeed, ofStream] = [new Words(), new Words()];
    ofSeed.set(seed, "seed.seed");
    ofStream.set(stream, "seed.stream");
    return { kind: own, seed: ofSeed.toBigInt(), stream: ofStream.toBigInt() };
  }
  const { samples, firstSample, masks } = given;
  const rows = x.shape[0] ?? 1;
  if (samples !== 1 && rows !== samples) throw wrongValue("x", `tensor of ${samples} rows, the samples of the run`, `${rows} rows`);
  const draw = given.stream();
  const shared = Array.isArray(noiseShape) && (noiseShape.length < x.rank || noiseShape[0] === 1);
  const own = masks === "perExample" && !shared;
  // The sample's number is added to that of the stream.
  const of = (sample: number) => ({ ...draw, stream: BigInt.asUintN(64, draw.stream + BigInt(sample)) });
  if (samples === 1 || shared) return own ? of(firstSample) : draw;
  return Array.from({ length: samples }, (_, row) => (own ? of(firstSample + row) : draw));
}

function isContext(given: object): given is PassContext {
  return typeof (given as { stream?: unknown }).stream === "function";
}

/** Returns the sequence of a seed that a caller gave, from its first stream. */
export function sequenceOfSeed(kind: StreamKind, seed: Seed): Sequence {
  const sequence = new Sequence(kind);
  sequence.seed.set(integerOf(seed), "seed");
  return sequence;
}

/** Returns the sequence of the layer with number `layer` that was given no seed. */
export function sequenceOfLayer({ kind, seed }: Sequence, layer: number): Sequence {
  const sequence = new Sequence(kind);
  sequence.seed.copy(seed);
  sequence.next.high = layer;
  return sequence;
}

/** Returns the sequence of a layer with a seed of its own, by its name if it was given one, else by its number. */
export function sequenceOfSeededLayer(kind: StreamKind, seed: Seed, layer: number, name: unknown): Sequence {
  const sequence = sequenceOfSeed(kind, seed);
  setDomainStream(sequence.next, DOMAINS.layer, 0, typeof name === "string" ? layerOfName(name) : layer);
  return sequence;
}

const EXPECTED = "finite number, bigint in [0, 2^64) or string that is not empty";
const DIGITS = /^[0-9]+$/;

function integerOf(seed: unknown): number | bigint {
  if (typeof seed === "bigint") {
    if (seed < 0n || seed >= 1n << 64n) throw wrongValue("seed", EXPECTED, seed);
    return seed;
  }
  if (typeof seed === "number") {
    if (!Number.isFinite(seed)) throw wrongValue("seed", EXPECTED, seed);
    return Number.isSafeInteger(seed) && seed >= 0 ? seed : hash(`${seed}`);
  }
  if (typeof seed !== "string") throw wrongKind("seed", EXPECTED, seed);
  if (seed === "") throw wrongValue("seed", EXPECTED, "an empty string");
  // No longer than the digits of 2^64, as the conversion of long ones takes quadratic time; zeros in front count for nothing.
  const digits = DIGITS.test(seed) ? seed.replace(/^0+(?=.)/, "") : "";
  const value = digits !== "" && digits.length <= MOST_DIGITS ? BigInt(digits) : undefined;
  return value !== undefined && value < 1n << 64n ? value : hash(seed);
}
const MOST_DIGITS = 20;

// FNV-1a of 64 bits: Fowler, Noll, Vo, Eastlake, RFC 9923.
const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

function hash(text: string): bigint {
  let value = FNV_OFFSET;
  for (const byte of utf8Of(text)) value = BigInt.asUintN(64, (value ^ BigInt(byte)) * FNV_PRIME);
  return value;
}
