// Monte-Carlo dropout (Gal and Ghahramani 2016): the mean over many subnetworks is the prediction, their disagreement its uncertainty.

import { createDropout, type Dropout, type WasmBuffer } from "wasm-dropout";
import { createMonteCarlo, type MonteCarlo, type PassContext } from "wasm-dropout/monte-carlo";
import { type Layer, type Network, type Step, workOf } from "./model.js";
import { argmax, dense, relu } from "./network.js";

/** The settings of a prediction. */
export interface Passes {
  /** Drop probability of all dropouts, in [0, 1]; by default each has its own. */
  readonly p?: number | undefined;
  /** The number of passes, each a subnetwork of its own. */
  readonly passes: number;
  /** Seed of all masks, an integer in [0, 2^64). */
  readonly seed: bigint;
  /** Ends the prediction. */
  readonly signal?: AbortSignal | undefined;
  /** Called at most once a second, while other requests wait. */
  readonly onProgress?: (() => void) | undefined;
}

/** After so many milliseconds other requests have their turn: a request of one pass waits for no more of each that is computed. */
const SLICE_MS = 1;
const PROGRESS_MS = 1000;

/** The prediction of all passes, and its uncertainties. Entropies are in nats. */
export interface Prediction {
  readonly digit: number;
  /** For each class, mean and standard deviation (population) over the passes of its probability. */
  readonly probabilities: readonly { readonly digit: number; readonly mean: number; readonly std: number }[];
  /** Entropy of the mean probabilities: all uncertainty. */
  readonly predictiveEntropy: number;
  /** Predictive entropy less the mean entropy of the passes (BALD, Houlsby et al. 2011): the part in which the passes disagree. */
  readonly mutualInformation: number;
}

/** A network that is run many times. One serves any number of requests, also at once: each has arrays and a seed of its own. */
export class Subnetworks {
  readonly #dropout: Dropout;
  readonly #monteCarlo: MonteCarlo;
  readonly #network: Network;
  /** Multiplications of a pass. */
  readonly work: number;
  /** Drop probability of the first dropout, in training. */
  readonly p: number;

  private constructor(dropout: Dropout, monteCarlo: MonteCarlo, network: Network) {
    this.#dropout = dropout;
    this.#monteCarlo = monteCarlo;
    this.#network = network;
    this.work = workOf(network.after);
    this.p = network.after.find((step) => step.op === "dropout")?.p ?? 0;
  }

  static async load(network: Network): Promise<Subnetworks> {
    const dropout = await createDropout({ seed: 0 });
    return new Subnetworks(dropout, await createMonteCarlo(dropout), network);
  }

  /**
   * The prediction for an image of values in [0, 1]. The masks of pass t are those of `streamOf(t, name)`, so that the answer is the same for the same seed,
   * more passes only add to fewer, and ONNX Runtime gives the same of the file that the network comes from.
   */
  async predict(image: Float32Array, { p, passes, seed, signal, onProgress }: Passes): Promise<Prediction> {
    const buffers: WasmBuffer<"f32">[] = [];
    const alloc = (length: number) => {
      const buffer = this.#dropout.alloc("f32", length);
      buffers.push(buffer);
      return buffer;
    };
    try {
      // The layers before the first dropout give the same in all passes.
      const { before, after } = this.#network;
      const common = run(before, image);
      const shared = alloc(common.length);
      shared.array.set(common);
      const actions = plan(after, common.length, alloc);
      const model = (x: WasmBuffer<"f32">, context: PassContext) => {
        let values = x;
        for (const act of actions) values = act(values, context, p);
        return values;
      };
      const options = {
        ...{ passes, seed, classes: sizeOf(after, common.length), output: "logits" as const },
        ...{ signal, onProgress, progressMs: PROGRESS_MS, sliceMs: SLICE_MS },
      };
      const { mean, populationVariance, ...entropies } = await this.#monteCarlo.predict(model, shared, options);
      return {
        digit: argmax(mean),
        probabilities: Array.from(mean, (value, digit) => ({ digit, mean: value, std: Math.sqrt(populationVariance[digit]) })),
        predictiveEntropy: entropies.predictiveEntropy[0],
        mutualInformation: entropies.mutualInformation[0],
      };
    } finally {
      for (const buffer of buffers) buffer.free();
    }
  }
}

type Action = (x: WasmBuffer<"f32">, context: PassContext, p: number | undefined) => WasmBuffer<"f32">;

/** Returns the steps as functions that write to buffers of their own, never to the first input. */
function plan(steps: readonly Step<Layer>[], inputs: number, alloc: (length: number) => WasmBuffer<"f32">): Action[] {
  let size = inputs;
  let own: WasmBuffer<"f32"> | undefined;
  return steps.map((step) => {
    if (step.op === "dense") {
      const { layer } = step;
      size = layer.outputs;
      const y = alloc(size);
      own = y;
      return (x) => {
        dense(layer, x.array, y.array);
        return y;
      };
    }
    own ??= alloc(size);
    const out = own;
    if (step.op === "dropout") {
      const { name, p: trained } = step;
      return (x, { dropout }, p) => dropout(x, p ?? trained, { layer: name, out });
    }
    return (x) => {
      if (x !== out) out.array.set(x.array);
      relu(out.array);
      return out;
    };
  });
}

/** Runs steps without dropout. */
function run(steps: readonly Step<Layer>[], x: Float32Array): Float32Array {
  let values = x.slice();
  for (const step of steps) {
    if (step.op === "dense") {
      const y = new Float32Array(step.layer.outputs);
      dense(step.layer, values, y);
      values = y;
    } else if (step.op === "relu") relu(values);
  }
  return values;
}

/** Returns the number of outputs of steps. */
function sizeOf(steps: readonly Step<Layer>[], inputs: number): number {
  return steps.reduce((size, step) => (step.op === "dense" ? step.layer.outputs : size), inputs);
}
