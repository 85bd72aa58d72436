// The settings of a training: everything that its weights depend on.

/** Backends of tfjs: WebAssembly, which is fast, and plain JavaScript, which the same engine gives the same bits of on all machines. */
export const BACKENDS = ["wasm", "cpu"] as const;
export type Backend = (typeof BACKENDS)[number];

export const OPTIMIZERS = ["momentum", "adam"] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

/** Settings of a variant, with dropout or without. */
export interface Schedule {
  readonly epochs: number;
  /** Highest learning rate: from 0 it rises to this over the warm-up, and falls to 0 over the rest, linearly by steps. */
  readonly learningRate: number;
  readonly optimizer: OptimizerName;
  /** Of the optimizer "momentum". */
  readonly momentum: number;
  /** Most that the Euclidean norm of the weights into a hidden unit may be. */
  readonly maxNorm: number;
}

/** Settings that all runs of a comparison share. */
export interface Shared {
  readonly backend: Backend;
  /** Units of the hidden layers. */
  readonly hidden: readonly number[];
  /** Number of training images, drawn from the 60,000 by the seed of a run. */
  readonly images: number;
  /** Number of training images, others than these, that stand in for the test images; 0 for the test images themselves. */
  readonly validation: number;
  /** Images of a step. */
  readonly batch: number;
  /** Number of epochs of the warm-up. */
  readonly warmUp: number;
  /** Number of test images, spread evenly over the 10,000, and at most of training images, that error curves are drawn from. */
  readonly curveImages: number;
  /** Number of stochastic passes of the Monte-Carlo average. */
  readonly passes: number;
  /** Number of test images of the final errors and of the Monte-Carlo average, spread as those of the curves. */
  readonly testImages: number;
}

/** The settings of a comparison. */
export interface Settings extends Shared {
  readonly schedules: Readonly<Record<Variant, Schedule>>;
}

export type Variant = "with" | "without";

/** One training. */
export interface Run extends Shared, Schedule {
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
  validation: 0,
  batch: 100,
  warmUp: 0,
  schedules: both({ epochs: 60, learningRate: 0.1, optimizer: "momentum", momentum: 0.9, maxNorm: 3 }),
  curveImages: 2000,
  passes: 50,
  testImages: 10_000,
};

/** The whole training set, with settings chosen on held-out training images, each variant by itself. */
export const FULL: Settings = {
  ...DEFAULT,
  images: 60_000,
  batch: 256,
  warmUp: 1,
  schedules: {
    with: { epochs: 100, learningRate: 0.003, optimizer: "adam", momentum: 0, maxNorm: 2 },
    without: { epochs: 12, learningRate: 0.4, optimizer: "momentum", momentum: 0.9, maxNorm: 2 },
  },
};

/** The effect in seconds. */
export const SHORT: Settings = {
  ...DEFAULT,
  hidden: [256, 256],
  images: 300,
  schedules: both({ epochs: 40, learningRate: 0.1, optimizer: "momentum", momentum: 0.9, maxNorm: 3 }),
  batch: 50,
  curveImages: 500,
  passes: 10,
  testImages: 2000,
};

/** The runs of a comparison: of each seed from 1, with dropout and without. */
export function runsOf({ schedules, ...shared }: Settings, seeds: number): Run[] {
  return Array.from({ length: seeds }, (_, i) =>
    ([true, false] as const).map((dropout) => ({ ...shared, ...schedules[dropout ? "with" : "without"], seed: i + 1, dropout })),
  ).flat();
}

/** Returns one schedule for both variants. */
export function both(schedule: Schedule): Settings["schedules"] {
  return { with: schedule, without: schedule };
}

/** Returns how many images the curves of `settings` are drawn from. */
export function curveCounts({ images, curveImages, validation }: Shared): { training: number; test: number } {
  return { training: Math.min(images, curveImages), test: Math.min(curveImages, validation || curveImages) };
}

/** Returns how many images the errors after training are those of. */
export function finalCount({ testImages, validation }: Shared): number {
  return validation || testImages;
}

/** Returns the images that errors are those of, as an adjective. */
export function evaluated({ validation }: Shared): "test" | "validation" {
  return validation > 0 ? "validation" : "test";
}

/** Returns the name of a run in reports. */
export function nameOf({ seed, dropout }: Run): string {
  return `seed ${seed} ${dropout ? "with" : "without"} dropout`;
}
