// The table of the kernels of linear layers, which tests and benchmarks walk.

import type { Bound, Family } from "../engine/kernels.js";
import { DTYPES } from "../ground/dtypes.js";

/** The function of a unit's input that {@link Linear.dropConnectInference} averages. */
export type InferenceActivation = (typeof ACTIVATIONS)[number];
export const ACTIVATIONS = ["none", "relu"] as const;

// Pointers are byte addresses. `keep` holds a byte for each example, output and input, 1 = keep, 0 = drop; 0 in its place keeps all.
// `fresh` is 1 where a sum begins, 0 where it goes on. `stride` counts elements from one row of y or g to the next.
interface Signatures {
  forward: (
    y: number,
    stride: number,
    x: number,
    w: number,
    bias: number,
    keep: number,
    examples: number,
    outputs: number,
    inputs: number,
    scale: number,
  ) => undefined;
  inputgradient: Gradient;
  weightgradient: Gradient;
  biasgradient: (db: number, dy: number, examples: number, outputs: number, fresh: number) => undefined;
  scale: (dst: number, src: number, n: number, factor: number) => undefined;
  square: (dst: number, src: number, n: number) => undefined;
  sample: (sum: number, mean: number, variance: number, normals: number, n: number) => undefined;
}

type Gradient = (
  dst: number,
  g: number,
  stride: number,
  src: number,
  keep: number,
  examples: number,
  outputs: number,
  inputs: number,
  fresh: number,
) => undefined;

export const LINEAR = [
  // The layer.
  { verb: "forward", sources: ["bytes"], dtypes: DTYPES },
  { verb: "inputgradient", sources: ["bytes"], dtypes: DTYPES },
  { verb: "weightgradient", sources: ["bytes"], dtypes: DTYPES },
  { verb: "biasgradient", sources: ["matrix"], dtypes: DTYPES },
  { verb: "scale", sources: ["matrix"], dtypes: DTYPES },
  // Moments and what is drawn from them.
  { verb: "square", sources: ["matrix"], dtypes: DTYPES },
  { verb: "sample", sources: ACTIVATIONS, dtypes: DTYPES },
] as const satisfies readonly (Family & { verb: keyof Signatures })[];

export type LinearKernels = Bound<(typeof LINEAR)[number], Signatures>;

/** The table under the name that it has in every module. */
export const FAMILIES: readonly Family[] = LINEAR;
