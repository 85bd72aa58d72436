// Dropout as it was first defined and called: the weight scaling that goes with masks without rescaling, and the function of early Keras.

import type { Context, Dropout, DtypeOf, HalfOptions, Like, Result } from "../core/dropout.js";
import { framed } from "../engine/frame.js";
import type { StreamKind } from "../engine/kernels.js";
import type { AnyData, AnyDataOf } from "../engine/operand.js";
import { checkBelowOne, checkObject, checkProbability } from "../ground/check.js";
import type { DataDtype } from "../ground/dtypes.js";

/** Options of {@link Linear.scaleWeights}, with an output of type Y: undefined for one that the call makes. */
export interface ScaleWeightsOptions<Y extends AnyData | undefined = undefined> extends HalfOptions {
  /** Where to write the result: w itself or memory apart from it. By default a new array, or buffer, like w. */
  out?: Y;
  /** The keep stream of training; gives the realised probability. The instance's by default. */
  kind?: StreamKind | undefined;
}

/** The weights of {@link Linear.scaleWeights}. */
export function scaleWeights(context: Context, w: AnyData, p: number, options: ScaleWeightsOptions<AnyData | undefined>): AnyData {
  checkProbability(p, "p");
  checkObject(options, "options", "object");
  const { out, kind, dtype: half } = options;
  const { call, kernels } = context;
  return framed(context, (frame) => {
    call.takeStream(kind, undefined, undefined);
    const weights = frame.anyData(w, "w", half);
    const { stored, length } = weights;
    call.takeRange(length);
    const { operand: output, array } = frame.output(out, "out", stored, length, w, [weights]);
    // The core's kernels know 16-bit data.
    for (const operand of [weights, output]) operand.convert(undefined);
    const dtype = stored as DataDtype;
    call.recipe.use(p, "test", false);
    call.setChance(dtype);
    call.transform(kernels.dropout[call.recipe.kind][dtype], output, weights);
    return array as AnyData;
  });
}

/** Options of {@link dropoutLevel}, with an output of type Y: undefined for one that the call makes. */
export interface DropoutLevelOptions<Y extends AnyData | undefined = undefined> extends HalfOptions {
  /** Seed, an integer in [0, 2^64): same seed and level, same mask. If left out, each call has a mask of its own, of the instance's sequence. */
  seed?: number | bigint | undefined;
  /** Keep stream; the instance's by default. */
  kind?: StreamKind | undefined;
  /** Where to write y: x itself or memory apart from it. By default a new array, or buffer, like x. */
  out?: Y;
}

const NO_OPTIONS = {};

/**
 * Inverted dropout under the name and with the rules of the backend function `dropout(x, level, seed)` of Keras up to version 2: the level, the fraction to
 * drop, lies in [0, 1), and a seed fixes the mask whatever came before.
 *
 * @param dropout instance to run on
 * @param x data of f32, f64, f16 or bf16
 * @param level fraction to drop, in [0, 1)
 * @param options see {@link DropoutLevelOptions}
 * @returns `out`, or a new array like x
 * @throws RangeError if level is outside [0, 1), and what {@link Dropout.dropout} throws
 * @example
 * import { dropoutLevel } from "wasm-dropout/linear";
 * const y = dropoutLevel(dropout, Float32Array.of(1, 2, 3, 4), 0.5, { seed: 1337 });
 */
export function dropoutLevel<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
  dropout: Dropout,
  x: X,
  level: number,
  options: DropoutLevelOptions<Y> = NO_OPTIONS,
): Result<Like<X>, Y> {
  checkBelowOne(level, "level");
  checkObject(options, "options", "object");
  const { seed, kind, out, dtype } = options;
  return dropout.dropout<X, Y>(x, level, { seed, kind, dtype, stream: seed === undefined ? undefined : 0, out: out as Y });
}
