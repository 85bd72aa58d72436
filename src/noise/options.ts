// The options of noise.

import type { BackwardOptions } from "../core/dropout.js";
import type { WasmBuffer } from "../engine/buffer.js";
import type { AnyData } from "../engine/operand.js";
import type { NoiseKind } from "./ticket.js";

/** Which stream of noise a call draws from. */
export interface NoiseStreamOptions {
  /** The stream of noise. There is one, "normal", whatever the kind of the instance's masks. */
  kind?: NoiseKind | undefined;
  /** Seed, an integer in [0, 2^64); the instance's by default. */
  seed?: number | bigint | undefined;
  /**
   * Stream number, an integer in [0, 2^64): same seed and stream, same noise. If left out, the next of the instance's sequence, from which masks
   * take their numbers too.
   */
  stream?: number | bigint | undefined;
  /** Index in the stream of the first element, an integer in [0, 2^53 - length]; 0 by default. The noise of a slice is the slice of the noise. */
  start?: number | undefined;
}

/** Options of {@link Noise.gaussianDropout} and {@link Noise.gaussianNoise}, with an output of type Y: undefined for one that the call makes. */
export interface NoiseOptions<Y extends AnyData | undefined = undefined> extends NoiseStreamOptions, BackwardOptions<Y> {
  /** false gives x unchanged and uses up no stream number; true by default. */
  training?: boolean | undefined;
}

/** An array of f32. */
export type Singles = Float32Array | WasmBuffer<"f32">;

/** Options of {@link Noise.uniform}, with an output of type Y: undefined for one that the call makes. */
export interface UniformOptions<Y extends Singles | undefined = undefined> extends NoiseStreamOptions {
  /** Where to write the numbers. By default a new Float32Array. */
  out?: Y;
}

/** Options of {@link Noise.normal}, with an output of type Y: undefined for one that the call makes. */
export interface NormalOptions<Y extends Singles | undefined = undefined> extends UniformOptions<Y> {
  /** Mean, finite in f32; 0 by default. */
  mean?: number | undefined;
  /** Standard deviation, not negative and finite in f32; 1 by default. */
  stddev?: number | undefined;
}
