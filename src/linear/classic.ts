// Dropout as it was first defined and called: the weight scaling that goes with masks without rescaling, and the function of early Keras.

import type { AnyData } from "../engine/operand.js";
import type { Operation } from "../engine/pass.js";
import { checkBelowOne, checkProbability } from "../ground/check.js";
import { checkOptions } from "../ground/options.js";
import type { Ticket } from "../stream/ticket.js";
import { DROPOUT_LEVEL_KEYS, type DropoutLevelOptions, SCALE_WEIGHTS_KEYS, type ScaleWeightsOptions } from "./options.js";

interface ScalePlan extends ScaleWeightsOptions<AnyData | undefined> {
  readonly w: unknown;
  readonly p: number;
}

/** w (1 - P(drop)). */
export const scaleWeights: Operation<[w: AnyData, p: number, options: unknown], ScalePlan, unknown> = {
  read(w, p, options) {
    checkProbability(p, "p");
    checkOptions(options, SCALE_WEIGHTS_KEYS);
    const { out, kind, dtype } = options as ScaleWeightsOptions<AnyData | undefined>;
    return { w, p, out, kind, dtype };
  },
  take(pass, { w, p, out, kind, dtype }) {
    const { draw } = pass;
    draw.choose(kind, undefined, 0);
    const weights = pass.data(w, "w", dtype);
    const { stored, length } = weights;
    const output = pass.output(out, "out", stored, length, w, weights);
    draw.range(length);
    draw.chance(p, "test", false);
    const src = pass.stageFixedStored(weights);
    const dst = pass.stageFixedStored(output);
    return (run) => {
      run.elementwise(run.engine.kernels.dropout[draw.kind][stored] as Kernel, dst, src);
      return output.array;
    };
  },
};

type Kernel = (dst: number, src: number, n: number, params: number) => undefined;

interface LevelPlan extends DropoutLevelOptions<AnyData | undefined> {
  readonly x: unknown;
  readonly level: number;
}

/** Inverted dropout by the rules of K.dropout(x, level, seed) of Keras 2. */
export const dropoutLevel: Operation<[x: AnyData, level: number, options: unknown], LevelPlan, { y: unknown; ticket: Ticket<"dropout"> }> =
  {
    read(x, level, options) {
      checkBelowOne(level, "level");
      checkOptions(options, DROPOUT_LEVEL_KEYS);
      const { seed, kind, out, dtype } = options as DropoutLevelOptions<AnyData | undefined>;
      return { x, level, seed, kind, out, dtype };
    },
    take(pass, { x, level, seed, kind, out, dtype }) {
      const { draw } = pass;
      draw.choose(kind, seed, seed === undefined ? undefined : 0);
      const input = pass.data(x, "x", dtype);
      const { stored, length } = input;
      draw.range(length);
      const output = pass.output(out, "out", stored, length, x, input);
      draw.chance(level, "train", true);
      const src = pass.stageFixedStored(input);
      const dst = pass.stageFixedStored(output);
      return (run) => {
        run.elementwise(run.engine.kernels.dropout[draw.kind][stored] as Kernel, dst, src);
        return { y: output.array, ticket: run.ticket("dropout") };
      };
    },
  };
