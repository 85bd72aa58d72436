// The result of createTfjsDropout(): operations like tf.dropout, and layers like tf.layers.dropout, on streams of one seed.

import { type Rank, Tensor, type TensorLike, tensor, tidy } from "@tensorflow/tfjs-core";
import { checkInteger, checkObject } from "../ground/check.js";
import { checkOptions } from "../ground/options.js";
import type { ClassOutput, ClassPrediction, PassContext, Prediction } from "../monte-carlo/index.js";
import { type DropoutState, Sequence } from "../stream/sequence.js";
import { type Draws, drawNext, drawsOf, type Seed, type Stream, sequenceOfLayer, sequenceOfSeed, sequenceOfSeededLayer } from "./draw.js";
import { Extensions, type TfjsExtensions } from "./extensions.js";
import { TfjsFused } from "./fused.js";
import { hasBackend } from "./gpu.js";
import type { Graph } from "./graph.js";
import type { GraphModelLike } from "./graph-model.js";
import { currentHeap, readyHeap } from "./heap.js";
import { kernels } from "./kernels.js";
import { LAYERS, type LayerClass, type TfjsLayers } from "./layer-table.js";
import type { RandomLayer, RandomLayerArgs } from "./layers.js";
import { alphaDropout, dropout, gaussianDropout, gaussianNoise, type NoiseShape } from "./operations.js";
import { type Inputs, predict, type TfjsPredictOptions } from "./predict.js";
import { ready } from "./self-check.js";
import { replaceAll } from "./standard.js";
import type { Layered } from "./swap.js";

/** A place in the sequence of masks of {@link TfjsDropout}: plain JSON. */
export interface TfjsState extends DropoutState {
  /** The number of layers that were made, an integer in [0, 2^32). */
  readonly layers: number;
}

/**
 * Dropout for TensorFlow.js. Made by {@link createTfjsDropout}.
 *
 * Operations take f32 tensors, or what tfjs makes such tensors of, of any shape, and give tensors of the same shape, with gradients of any order. Between
 * forward and gradient a ticket of some 100 bytes is kept, and no mask; a dropped NaN or infinity gives +0. They throw a TypeError for a wrong kind of
 * argument, as tensors of other dtypes are, and a RangeError for a value out of range; then no stream number was used.
 *
 * On backends "cpu" and "wasm" they run over the memory of the tensor, without a copy. On "webgl" (WebGL 2) and "webgpu" the tensor stays on the GPU: a
 * bit mask is drawn on the CPU and uploaded, 1/32 of the tensor's bytes ("webgl": 1/16), and a program selects; Gaussian dropout and noise upload a factor
 * or summand for each element. Results have the same bits, but that a GPU may flush subnormal numbers to 0. Each GPU is checked once, see
 * {@link TfjsDropout.ready}. A tensor that "webgpu" holds is refused while another backend is the current one.
 *
 * @example
 * import "@tensorflow/tfjs-backend-cpu";
 * import { tensor1d } from "@tensorflow/tfjs-core";
 * import { createTfjsDropout } from "wasm-dropout/tfjs";
 * const wd = await createTfjsDropout({ seed: 42 });
 * const y = wd.dropout(tensor1d([1, 2, 3, 4]), 0.5);
 */
export class TfjsDropout {
  /** Functions that make layers, like those of tf.layers. Layers throw as operations do, those for `rate` and `stddev` when they are made. */
  readonly layers: TfjsLayers = Object.fromEntries(
    // The types of arguments and layers are those of the table, which was checked there.
    Object.entries(LAYERS).map(([name, Class]) => [name, (args: never) => this.#make(Class as LayerClass<never, RandomLayer>, args)]),
  ) as unknown as TfjsLayers;

  /**
   * Fused operations of a transformer's blocks. They run on the extensions that {@link createTfjsDropout} was handed, and refuse by name without them.
   *
   * @example
   * import "@tensorflow/tfjs-backend-cpu";
   * import { ones, zeros } from "@tensorflow/tfjs-core";
   * import { createFused } from "wasm-dropout/fused";
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42, extensions: { createFused } });
   * const y = wd.fused.biasActivationDropout(ones([8, 4]), 0.1, { bias: zeros([4]), activation: "gelu" });
   */
  readonly fused: TfjsFused;

  readonly #sequence: Sequence;
  readonly #extensions: Extensions;
  #layers = 0;

  /** @internal */
  constructor(state: DropoutState, extensions: TfjsExtensions) {
    this.#sequence = Sequence.from(state);
    this.#extensions = new Extensions(extensions);
    this.fused = new TfjsFused(this.#extensions, this.#sequence);
  }

  /** The place in the sequence of masks of operations and in that of layers. Layers have states of their own: {@link maskStates}. */
  get state(): TfjsState {
    return { ...this.#sequence.state, layers: this.#layers };
  }

  /**
   * Goes to a saved place.
   *
   * @throws TypeError or RangeError, and stays where it is, if that is no state of this version and kind of stream
   * @example
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42 });
   * wd.restore(JSON.parse(JSON.stringify(wd.state)));
   */
  restore(state: TfjsState): void {
    checkObject(state, "state", "saved state");
    const { layers } = state;
    checkInteger(layers, "state.layers", 0, 2 ** 32 - 1);
    this.#sequence.restore(state);
    this.#layers = layers;
  }

  /**
   * Resolves once the current backend's GPU has been checked, or the kernels for its shared memory are there. {@link createTfjsDropout} waits for it. After a change
   * of the backend to "webgpu", which cannot be read at once, wait for it before results count: else the check runs beside the first operations, and a GPU
   * that fails it is refused from then on.
   *
   * @throws (rejects with) Error if the GPU computes wrongly, as all operations and layers on it do from then on
   * @example
   * import "@tensorflow/tfjs-backend-cpu";
   * import { setBackend } from "@tensorflow/tfjs-core";
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42 });
   * await setBackend("cpu"); // or "webgpu"
   * await wd.ready();
   */
  ready(): Promise<void> {
    return Promise.all([ready(), this.#readyHeap()]).then(() => {});
  }

  /**
   * As tf.dropout: y = keep ? x / (1 - P(drop)) : +0. The noise shape must broadcast to the shape of x.
   *
   * @param x tensor of f32
   * @param rate drop probability in [0, 1); at 0, y shares the memory of x
   * @param noiseShape shape of the mask, by default that of x: for each dimension its size or null, or 1, where all elements along it share a decision
   * @param seed see {@link Seed}: the same mask at each call; by default the next mask of the sequence. Or a {@link Stream}; or the context of a pass of
   * {@link MonteCarlo.predict}, by which rows of x have the masks that {@link PassContext.dropout} draws
   * @example
   * import "@tensorflow/tfjs-backend-cpu";
   * import { grad, ones } from "@tensorflow/tfjs-core";
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42 });
   * const dx = grad((x) => wd.dropout(x, 0.5, [null, 1]))(ones([8, 4])); // rows of 2 and rows of 0
   */
  dropout<R extends Rank>(
    x: Tensor<R> | TensorLike,
    rate: number,
    noiseShape?: NoiseShape | null,
    seed?: Seed | Stream | PassContext | null,
  ): Tensor<R> {
    return this.#run(x, seed, noiseShape, (input, draws) => dropout(input, rate, noiseShape, draws));
  }

  /**
   * Alpha dropout, which keeps mean and variance of what SELU gives: y = keep ? a x + b : b - a α as {@link Shapes.alphaDropout} has it. Parameters are
   * those of {@link TfjsDropout.dropout}.
   *
   * @example
   * import "@tensorflow/tfjs-backend-cpu";
   * import { ones } from "@tensorflow/tfjs-core";
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42 });
   * const y = wd.alphaDropout(ones([8, 4]), 0.1);
   */
  alphaDropout<R extends Rank>(
    x: Tensor<R> | TensorLike,
    rate: number,
    noiseShape?: NoiseShape | null,
    seed?: Seed | Stream | PassContext | null,
  ): Tensor<R> {
    return this.#run(x, seed, noiseShape, (input, draws) => alphaDropout(input, rate, noiseShape, draws));
  }

  /**
   * Gaussian dropout: y = x (1 + sqrt(rate / (1 - rate)) z), z standard normal. Parameters are those of {@link TfjsDropout.dropout}.
   *
   * @example
   * import "@tensorflow/tfjs-backend-cpu";
   * import { ones } from "@tensorflow/tfjs-core";
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42 });
   * const y = wd.gaussianDropout(ones([8, 4]), 0.1);
   */
  gaussianDropout<R extends Rank>(x: Tensor<R> | TensorLike, rate: number, seed?: Seed | Stream | PassContext | null): Tensor<R> {
    return this.#run(x, seed, null, (input, draws) => gaussianDropout(input, rate, draws));
  }

  /**
   * Additive noise: y = x + stddev z, z standard normal.
   *
   * @param x tensor of f32
   * @param stddev standard deviation, in the unit of x: not negative, and finite in f32
   * @param seed as for {@link TfjsDropout.dropout}
   * @example
   * import "@tensorflow/tfjs-backend-cpu";
   * import { ones } from "@tensorflow/tfjs-core";
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42 });
   * const y = wd.gaussianNoise(ones([8, 4]), 0.1);
   */
  gaussianNoise<R extends Rank>(x: Tensor<R> | TensorLike, stddev: number, seed?: Seed | Stream | PassContext | null): Tensor<R> {
    return this.#run(x, seed, null, (input, draws) => gaussianNoise(input, stddev, draws));
  }

  /**
   * Puts layers of this package into the places of the layers Dropout, SpatialDropout1D to 3D, AlphaDropout, GaussianDropout and GaussianNoise of tfjs in
   * `model`, with their names, rates and seeds.
   *
   * @param model a model of tfjs, as loaded or compiled, which stays the same object with the same weights; models within it, and wrapped layers, count too
   * @returns `model`
   * @throws TypeError if model has no layers; TypeError or RangeError, and changes nothing, for a layer that has none to take its place, as Gaussian
   * dropout of a rate of 1
   * @example
   * import "@tensorflow/tfjs-backend-cpu";
   * import { layers, sequential } from "@tensorflow/tfjs-layers";
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42 });
   * const loaded = sequential({ layers: [layers.dense({ units: 8, inputShape: [4] }), layers.dropout({ rate: 0.5 })] });
   * const model = wd.replaceDropout(loaded); // loaded = await loadLayersModel(...)
   */
  replaceDropout<M extends Layered>(model: M): M {
    const numbered = this.#layers;
    try {
      replaceAll(model, (args) => this._stateOf(args));
    } catch (error) {
      this.#layers = numbered;
      throw error;
    }
    return model;
  }

  /**
   * Monte-Carlo dropout of a LayersModel (Gal and Ghahramani 2016): mean and uncertainty over passes in which its dropout and noise layers, those of tfjs and
   * of this package, and the dropout of recurrent layers are as in training, while batch normalization and all else are as in prediction. Layers before the
   * first of them run once, the others for several passes as one batch. Weights, moving averages and the places in sequences of masks stay what they are.
   *
   * The masks follow from the seed and the numbers of pass and example and the layer's name (`outer/inner` in models within models, `name#1` at its second
   * call, `name+dropout` for what is inserted after it), so that parts of a batch or of the passes, here or elsewhere, have the masks of the whole: see
   * {@link MonteCarlo.merge}. Those of recurrent layers are drawn once a sequence, as tfjs does, under `name/0#0` and so on: cell and mask.
   *
   * A GraphModel of tf.loadGraphModel has no dropout any more: `insert` names nodes whose results are dropped from. The nodes before them run once, those
   * behind them in each pass.
   *
   * @param model a LayersModel of one output, as loaded, without stateful layers; or a GraphModel of one output, without control flow behind the nodes
   * @param inputs a tensor, or one for each input of the model: batches of examples. Of a GraphModel, also by the names of its inputs
   * @param options see {@link TfjsPredictOptions}. With `output`, the classes are the last dimension of the model's output, unless `classes` says otherwise
   * @returns a promise of plain data, as {@link MonteCarlo.predict} gives it
   * @throws (rejects with) TypeError for a wrong kind of argument; RangeError for a model in which nothing is random, of several outputs, with states or
   * with layers that drop in a way of their own; and as {@link MonteCarlo.predict} does
   * @example
   * import "@tensorflow/tfjs-backend-cpu";
   * import { ones } from "@tensorflow/tfjs-core";
   * import { layers, sequential } from "@tensorflow/tfjs-layers";
   * import { createTfjsDropout } from "wasm-dropout/tfjs";
   * const wd = await createTfjsDropout({ seed: 42 });
   * const model = sequential({
   *   layers: [layers.dense({ units: 8, inputShape: [4] }), layers.dropout({ rate: 0.5 }), layers.dense({ units: 3, activation: "softmax" })],
   * });
   * const { mean, mutualInformation } = await wd.predict(model, ones([2, 4]), { passes: 30, output: "probabilities" });
   */
  predict(model: Graph | GraphModelLike, inputs: Inputs, options: TfjsPredictOptions & { output: ClassOutput }): Promise<ClassPrediction>;
  predict(model: Graph | GraphModelLike, inputs: Inputs, options: TfjsPredictOptions): Promise<Prediction>;
  predict(model: Graph | GraphModelLike, inputs: Inputs, options: TfjsPredictOptions): Promise<Prediction> {
    const { kind, seed } = this.#sequence;
    return predict(model, inputs, options, { kind, seed: seed.toBigInt() });
  }

  async #readyHeap(): Promise<void> {
    await readyHeap();
    const { core } = kernels();
    await this.#extensions.make(core);
    const heap = hasBackend() ? currentHeap()?.kernels : undefined;
    if (heap !== undefined) await this.#extensions.make(heap.core);
  }

  #run<R extends Rank>(
    x: Tensor<R> | TensorLike,
    seed: Seed | Stream | PassContext | null | undefined,
    noiseShape: NoiseShape | null | undefined,
    use: (x: Tensor, draws: Draws) => Tensor,
  ): Tensor<R> {
    const { kind } = this.#sequence;
    return tidy(() => {
      const input: Tensor = x instanceof Tensor ? x : tensor(x);
      if (typeof seed === "object" && seed !== null) return use(input, drawsOf(seed, kind, input, noiseShape)) as Tensor<R>;
      const sequence = seed === undefined || seed === null ? this.#sequence : sequenceOfSeed(kind, seed);
      return drawNext(sequence, (draw) => use(input, draw)) as Tensor<R>;
    });
  }

  #make<A extends RandomLayerArgs, L extends RandomLayer>(Class: LayerClass<A, L>, args: A): L {
    checkOptions(args, Class.keys, "args");
    const given = { ...args };
    const layer = new Class({ ...given, state: this.#sequenceOf(given).state });
    ++this.#layers;
    return layer;
  }

  #sequenceOf({ seed, name }: { readonly seed?: unknown; readonly name?: unknown }): Sequence {
    const number = this.#layers + 1;
    if (seed === undefined || seed === null) return sequenceOfLayer(this.#sequence, number);
    return sequenceOfSeededLayer(this.#sequence.kind, seed as Seed, number, name);
  }

  /** @internal Returns the first state of a layer that is not made by `layers`. */
  _stateOf(args: { readonly seed?: unknown; readonly name?: unknown }): DropoutState {
    const { state } = this.#sequenceOf(args);
    ++this.#layers;
    return state;
  }
}
