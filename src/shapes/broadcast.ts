// Dropout with a noise shape: a mask with fewer elements than the data, stretched over it by broadcasting.

import { byteLength } from "../dtypes.js";
import type { Operand } from "../operand.js";
import { productOf } from "../shape.js";
import { drawBits, isCertain, type Operation, type Pass, prepareCore, prepareWalk, type Rule } from "./pass.js";
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
      const { context, frame, mask } = pass;
      const direct = isCertain(context) || (mask === undefined && isElementwise(noise));
      if (direct && mask === undefined) return prepareCore(pass);
      let bits: number;
      if (mask === undefined) {
        bits = frame.scratch(byteLength("bits", decisions));
      } else {
        frame.stage(mask, decisions);
        bits = mask.enter(0, decisions);
      }
      const apply = direct ? prepareCore(pass) : prepareWalk(pass, walkOf(shape, noiseShape), bits, scaled(pass, context.call.scale));
      return () => {
        drawBits(context, bits, decisions);
        mask?.leave(0, decisions);
        apply();
      };
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
