// The settings of a training: everything that its weights depend on.

/** Backends of tfjs: WebAssembly, which is fast, and plain JavaScript, which the same engine gives the same bits of on all machines. */
export const BACKENDS = ["wasm", "cpu"] as const;
export type Backend = (typeof BACKENDS)[number];

/** Settings that all runs of a comparison share. */
export interface Settings {
  readonly backend: Backend;
  /** Units of the hidden layers. */
  readonly hidden: readonly number[];
  /** Number of training images, drawn from the 60,000 by the seed of a run. */
  readonly images: number;
  readonly epochs: number;
  /** Images of a step. */
  readonly batch: number;
  /** Learning rate of the first epoch, from which it falls linearly towards 0. */
  readonly learningRate: number;
  readonly momentum: number;
  /** Most that the Euclidean norm of the weights into a hidden unit may be. */
  readonly maxNorm: number;
  /** Number of test images that error curves are drawn from, spread evenly over the 10,000. */
  readonly curveImages: number;
  /** Number of stochastic passes of the Monte-Carlo average. */
  readonly passes: number;
  /** Number of test images of the final errors and of the Monte-Carlo average, spread as those of the curves. */
  readonly testImages: number;
}

/** One training. */
export interface Run extends Settings {
  /** Of the training subset, the initial weights, the order of images and the masks. */
  readonly seed: number;
  readonly dropout: boolean;
}

/** Drop probabilities of the input and of each hidden layer: Hinton et al. 2012; Srivastava et al. 2014, appendix B.1. */
export const INPUT_RATE = 0.2;
export const HIDDEN_RATE = 0.5;

/** The network and the comparison of the default command: few images, so that the network overfits. */
export const DEFAULT: Settings = {
  backend: "wasm",
  hidden: [800, 800],
  images: 1000,
  epochs: 60,
  batch: 100,
  learningRate: 0.1,
  momentum: 0.9,
  maxNorm: 3,
  curveImages: 2000,
  passes: 50,
  testImages: 10_000,
};

/** The whole training set. */
export const FULL: Settings = { ...DEFAULT, images: 60_000, epochs: 50 };

/** The effect in seconds. */
export const SHORT: Settings = {
  ...DEFAULT,
  hidden: [256, 256],
  images: 300,
  epochs: 40,
  batch: 50,
  curveImages: 500,
  passes: 10,
  testImages: 2000,
};

/** The runs of a comparison: of each seed from 1, with dropout and without. */
export function runsOf(settings: Settings, seeds: number): Run[] {
  return Array.from({ length: seeds }, (_, i) => [true, false].map((dropout) => ({ ...settings, seed: i + 1, dropout }))).flat();
}

/** Returns the name of a run in reports. */
export function nameOf({ seed, dropout }: Run): string {
  return `seed ${seed} ${dropout ? "with" : "without"} dropout`;
}
