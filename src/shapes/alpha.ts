// Alpha dropout: what is dropped becomes the value to which SELU falls, and an affine map then restores mean and variance.
// Source: Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017, section "Alpha dropout", in the form of PyTorch's alpha_dropout.

import type { Dtype } from "../ground/dtypes.js";
import { keepProbability } from "../stream/probability.js";
import { isElementwise, type Noise, scaled } from "./broadcast.js";
import { isCertain, type Operation, type Pass, prepareCore, prepareDrawn, preparePieces, prepareWalk, type Rule } from "./pass.js";
import type { NoiseFields } from "./ticket.js";
import { walkOf } from "./walk.js";

// The scale of SELU times its alpha, to the last bit as in PyTorch: SELU falls to its negative.
const ALPHA = 1.7580993408473766;

/** y = keep ? a x + b : dropped. */
interface Constants {
  readonly a: number;
  readonly b: number;
  readonly dropped: number;
}

/** The constants at drop probability `p` below 1, each rounded once to the dtype. */
function constantsOf(p: number, dtype: Dtype): Constants {
  const a = 1 / Math.sqrt((ALPHA * ALPHA * p + 1) * (1 - p));
  const b = ALPHA * a * p;
  const round = dtype === "f32" ? Math.fround : (value: number) => value;
  return { a: round(a), b: round(b), dropped: round(-ALPHA * a + b) };
}

function affine({ kernels, dtype }: Pass, { a, b, dropped }: Constants): Rule {
  const kernel = kernels.affine.bits[dtype];
  return (dst, src, bits, n, record) => kernel(dst, src, bits, n, record, a, b, dropped);
}

/** Forward y = keep ? a x + b : dropped, backward dx = keep ? a dy : +0. */
export function alphaDropout(noise: Noise): Operation<NoiseFields> {
  const { shape, noiseShape, decisions } = noise;
  return {
    shape,
    decisions,
    fields: { op: "alphaDropout", shape, noiseShape },
    prepare(pass, backward) {
      const { context, dtype } = pass;
      if (isCertain(context)) return prepareCore(pass);
      const { p, kind } = context.call.recipe;
      const constants = constantsOf(1 - keepProbability(p, kind), dtype);
      const rule = backward ? scaled(pass, constants.a) : affine(pass, constants);
      if (isElementwise(noise)) return preparePieces(pass, rule);
      return prepareDrawn(pass, decisions, (bits) => prepareWalk(pass, walkOf(shape, noiseShape), bits, rule));
    },
  };
}
