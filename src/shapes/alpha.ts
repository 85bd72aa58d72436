// Alpha dropout: what is dropped becomes the value to which SELU falls, and an affine map then restores mean and variance.
// Source: Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017, section "Alpha dropout", in the form of PyTorch's alpha_dropout.

import type { Dtype } from "../ground/dtypes.js";
import type { StreamKind } from "../stream/kinds.js";
import { keepProbability } from "../stream/probability.js";

// The scale of SELU times its alpha, to the last bit as in PyTorch: SELU falls to its negative.
const ALPHA = 1.7580993408473766;

/** y = keep ? a x + b : dropped. */
export interface AlphaConstants {
  readonly a: number;
  readonly b: number;
  readonly dropped: number;
}

/** Returns the constants at drop probability `p` below 1, each rounded once to the dtype. */
export function alphaConstants(p: number, kind: StreamKind, dtype: Dtype): AlphaConstants {
  const q = 1 - keepProbability(p, kind);
  const a = 1 / Math.sqrt((ALPHA * ALPHA * q + 1) * (1 - q));
  const b = ALPHA * a * q;
  const round = dtype === "f32" ? Math.fround : (value: number) => value;
  return { a: round(a), b: round(b), dropped: round(-ALPHA * a + b) };
}
