// Dropout with a noise shape: a mask with fewer elements than the data, stretched over it by broadcasting.

import type { Operand } from "../engine/operand.js";
import { productOf } from "../ground/shape.js";
import { isCertain, type Operation, type Pass, prepareCore, prepareDrawn, prepareWalk, type Rule } from "./pass.js";
import type { NoiseFields } from "./ticket.js";
import { walkOf } from "./walk.js";

/** A noise shape over data of some shape, and the number of its decisions. */
export interface Noise {
  readonly shape: readonly number[];
  readonly noiseShape: readonly number[];
  readonly decisions: number;
}

export function noiseOf(shape: readonly number[], noiseShape: readonly number[]): Noise {
  return { shape, noiseShape, decisions: productOf(noiseShape) };
}

/** Whether each element has a decision of its own. */
export function isElementwise({ shape, noiseShape }: Noise): boolean {
  return shape.every((size, k) => size === noiseShape[k]);
}

/** y = keep ? factor x : +0. */
export function scaled({ kernels, dtype }: Pass, factor: number): Rule {
  const kernel = kernels.broadcast.bits[dtype];
  return (dst, src, bits, n, record) => kernel(dst, src, bits, n, record, factor);
}

/** y = keep ? scale x : +0, by a mask that is drawn, and also goes to the pass's `mask` if it has one. */
export function broadcastDropout(noise: Noise): Operation<NoiseFields> {
  const { shape, noiseShape, decisions } = noise;
  return {
    shape,
    decisions,
    fields: { op: "dropout", shape, noiseShape },
    prepare(pass) {
      const { context, mask } = pass;
      const certain = isCertain(context);
      if (mask === undefined && (certain || isElementwise(noise))) return prepareCore(pass);
      return prepareDrawn(pass, decisions, (bits) =>
        certain ? prepareCore(pass) : prepareWalk(pass, walkOf(shape, noiseShape), bits, scaled(pass, context.call.scale)),
      );
    },
  };
}

/** The same by a mask that was stored. */
export function storedDropout({ shape, noiseShape, decisions }: Noise, mask: Operand): Operation {
  return {
    shape,
    decisions,
    fields: {},
    prepare(pass) {
      const { context, frame } = pass;
      // At probability 1 the promise is +0 whatever the mask says.
      if (context.call.scale === Number.POSITIVE_INFINITY) return prepareCore(pass);
      frame.stage(mask, decisions);
      return prepareWalk(pass, walkOf(shape, noiseShape), mask.enter(0, decisions), scaled(pass, context.call.scale));
    },
  };
}
