// The options of noise.

import type { StreamOptions } from "../core/options.js";
import { BACKWARD_KEYS, type BackwardOptions, FORWARD_KEYS, type ForwardOptions, STREAM_KEYS } from "../core/options.js";
import type { WasmBuffer } from "../engine/buffer.js";
import type { AnyData } from "../engine/operand.js";
import { type Known, known } from "../ground/options.js";
import type { NoiseKind } from "./ticket.js";

/** The stream of noise that a call draws from. As {@link StreamOptions}, but for the kind. */
export interface NoiseStreamOptions extends Omit<StreamOptions, "kind"> {
  /** The stream of noise. There is one, "normal", for both kinds of the instance's masks. */
  kind?: NoiseKind | undefined;
}

/** Options of {@link Noise.gaussianDropout} and {@link Noise.gaussianNoise}, with an output of type Y: undefined for one that the call makes. */
export interface NoiseOptions<Y extends AnyData | undefined = undefined> extends Omit<ForwardOptions<Y>, "kind">, NoiseStreamOptions {}
export const NOISE_KEYS: Known = FORWARD_KEYS;

/** Options of {@link Noise.backward}, with a gradient of type DX: undefined for one that the call makes. */
export interface NoiseBackwardOptions<DX extends AnyData | undefined = undefined> extends BackwardOptions<DX> {}
export const NOISE_BACKWARD_KEYS: Known = BACKWARD_KEYS;

/** An array of f32. */
export type Singles = Float32Array | WasmBuffer<"f32">;

/** Options of {@link Noise.uniform}, with an output of type Y: undefined for one that the call makes. */
export interface UniformOptions<Y extends Singles | undefined = undefined> extends NoiseStreamOptions {
  /** The array to write the numbers to. By default a new Float32Array. */
  out?: Y;
}
export const UNIFORM_KEYS: Known = /* @__PURE__ */ known(STREAM_KEYS, "out");

/** Options of {@link Noise.normal}, with an output of type Y: undefined for one that the call makes. */
export interface NormalOptions<Y extends Singles | undefined = undefined> extends UniformOptions<Y> {
  /** Mean, finite in f32; 0 by default. */
  mean?: number | undefined;
  /** Standard deviation, not negative and finite in f32; 1 by default. */
  stddev?: number | undefined;
}
export const NORMAL_KEYS: Known = /* @__PURE__ */ known(UNIFORM_KEYS, "mean", "stddev");
