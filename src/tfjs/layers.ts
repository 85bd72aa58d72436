// Layers that drop, or add noise, in training: a fresh mask at each call, the same sequence of masks from the same seed. The place of a layer in
// that sequence is part of its configuration, and so of a saved model.

import { type serialization, type Tensor, tidy } from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { checkBelowOne, checkFlag, checkInteger, checkProbability, wrongKind, wrongValue } from "../ground/check.js";
import { type Known, known } from "../ground/options.js";
import { MAX_RANK, showShape, takeItems } from "../ground/shape.js";
import { checkDeviation } from "../noise/amount.js";
import { type DataFormat, type DataFormatName, readDataFormat } from "../shapes/noise-shape.js";
import { type DropoutState, Sequence } from "../stream/sequence.js";
import { MAX_INDEX } from "../stream/ticket.js";
import { nothing } from "./differentiable.js";
import { type Draw, type Draws, drawNext, type Seed } from "./draw.js";
import { alphaDropout, dropout, gaussianDropout, gaussianNoise, type NoiseShape } from "./operations.js";

type Layer = layers.Layer;
const { Layer } = layers;
type LayerArgs = NonNullable<ConstructorParameters<typeof Layer>[0]>;
type Kwargs = Parameters<Layer["call"]>[1];
type Shape = (number | null)[];

/** Arguments of all layers of this package, beside the arguments of every layer of tfjs. */
export interface RandomLayerArgs extends LayerArgs {
  /**
   * See {@link Seed}. Layers of one seed draw different masks: those of the layer's `name`, if that is given, else of its number among the layers that its
   * {@link TfjsDropout} has made. By default the layer has streams of its own of the seed of the {@link TfjsDropout} that made it.
   */
  seed?: Seed | null | undefined;
  /** true: the layer takes a list of tensors of one shape, which all have the same mask, and returns a list; false by default. */
  shareMask?: boolean | undefined;
}

/** Arguments of {@link TfjsLayers.gaussianDropout} and {@link TfjsLayers.dropPath}. */
export interface RateArgs extends RandomLayerArgs {
  /** Drop probability in [0, 1], at 1 all is 0; for Gaussian dropout in [0, 1). */
  rate: number;
}

/** Arguments of {@link TfjsLayers.dropout} and {@link TfjsLayers.alphaDropout}. */
export interface DropoutLayerArgs extends RateArgs {
  /** Shape of the mask: for each dimension, that of the batch too, its size, which null also stands for, or 1, where all elements along it share a decision. */
  noiseShape?: NoiseShape | null | undefined;
}

/** Arguments of {@link TfjsLayers.spatialDropout2d} and its like. */
export interface SpatialDropoutLayerArgs extends RateArgs {
  /** Channel order, "channelsFirst" or "channelsLast", also as Keras spells them; last by default. */
  dataFormat?: DataFormatName | null | undefined;
}

/** Arguments of {@link TfjsLayers.gaussianNoise}. */
export interface GaussianNoiseLayerArgs extends RandomLayerArgs {
  /** Standard deviation of the noise, not negative. */
  stddev: number;
}

// The arguments of Layer of tfjs-layers 4, and `inputDim`, which some of its layers take in place of a shape.
const LAYER_KEYS: Known = /* @__PURE__ */ known(
  ...["name", "trainable", "dtype", "inputShape", "batchInputShape", "batchSize", "weights", "inputDType", "updatable", "inputDim"],
  ...["seed", "shareMask"],
);
const RATE_KEYS: Known = /* @__PURE__ */ known(LAYER_KEYS, "rate");
const NOISE_SHAPE_KEYS: Known = /* @__PURE__ */ known(RATE_KEYS, "noiseShape");
const SPATIAL_KEYS: Known = /* @__PURE__ */ known(RATE_KEYS, "dataFormat");
const STDDEV_KEYS: Known = /* @__PURE__ */ known(LAYER_KEYS, "stddev");

/** Arguments of a constructor: of the layer's configuration, or with a state that follows from a seed. */
export type Stated<A> = A & { state: DropoutState };

/** Gives streams to a layer that comes without a state: from a configuration of Keras or tfjs. */
export type StateOf = (args: { readonly seed?: unknown; readonly name?: unknown }) => DropoutState;
let stateOf: StateOf | undefined;

/** Has layers without a state take their streams from `states`. */
export function takeStatesFrom(states: StateOf): void {
  stateOf = states;
}

/** A layer of this package. */
export abstract class RandomLayer extends Layer {
  readonly #sequence: Sequence;
  readonly #seed: number | string | null;
  readonly #shareMask: boolean;
  #inputShape: Shape | undefined;

  constructor(args: Stated<RandomLayerArgs>) {
    const { seed, shareMask, state, ...common } = args;
    checkFlag(shareMask, "shareMask");
    super(common);
    this.supportsMasking = true;
    this.#sequence = Sequence.from(state);
    // JSON has no bigints.
    this.#seed = typeof seed === "bigint" ? `${seed}` : (seed ?? null);
    this.#shareMask = shareMask ?? false;
  }

  /** Makes a layer of a configuration. One without a state, as Keras and tfjs write it, has streams of the latest {@link TfjsDropout}. */
  static override fromConfig<T extends serialization.Serializable>(
    cls: serialization.SerializableConstructor<T>,
    config: serialization.ConfigDict,
  ): T {
    const { keys = LAYER_KEYS } = cls as { keys?: Known };
    const args: serialization.ConfigDict = {};
    for (const key of keys) if (config[key] !== undefined) args[key] = config[key];
    // Keras 3 writes a policy, which says nothing of this layer: it has the dtype of its input.
    if (typeof args["dtype"] === "object") delete args["dtype"];
    const state = config["state"] ?? stateOf?.(args);
    return new cls({ ...args, state });
  }

  /** Returns the results for `x` in training, by one draw or by one for each example. */
  protected abstract perturb(x: Tensor, draws: Draws): Tensor;

  /** @internal The name and configuration of the layer of tfjs that computes the same in distribution. */
  abstract _standard(): { className: string; config: serialization.ConfigDict };

  /**
   * @internal Returns the results for examples, whatever the layer's own sequence: each by its own draw, or by its shared one where all examples of a batch
   * have the same mask.
   */
  _perturbRows(x: Tensor, own: () => readonly Draw[], _shared: () => readonly Draw[]): Tensor {
    return this.perturb(x, own());
  }

  /** @internal The shape that the layer was built for. */
  get _inputShape(): Shape | undefined {
    return this.#inputShape;
  }

  /** @internal true if nothing is dropped or added in training. */
  abstract get _idle(): boolean;

  /** The layer's place in its sequence of masks: plain JSON. */
  get state(): DropoutState {
    return this.#sequence.state;
  }

  /** Goes to a saved place; throws TypeError or RangeError, and stays, unless `state` is one, of the layer's kind of stream. */
  restore(state: DropoutState): void {
    this.#sequence.restore(state);
  }

  override build(inputShape: Shape | Shape[]): void {
    const shapes = (Array.isArray(inputShape[0]) ? inputShape : [inputShape]) as Shape[];
    for (const shape of shapes) this.checkShape(shape);
    super.build(inputShape);
    this.#inputShape = shapes[0];
  }

  /** Throws TypeError or RangeError for a shape of inputs, of which null is unknown, that the layer cannot take. */
  protected checkShape(_shape: Shape): void {}

  override call(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor | Tensor[] {
    return tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const list = this.#listOf(inputs);
      const results = kwargs["training"] ? drawNext(this.#sequence, (draw) => list.map((x) => this.perturb(x, draw))) : list;
      return results.length === 1 && !(this.#shareMask && Array.isArray(inputs)) ? (results[0] as Tensor) : results;
    });
  }

  // Layer.computeMask() gives one mask for several outputs where there is none, which tfjs then refuses.
  override computeMask(inputs: Tensor | Tensor[], mask?: Tensor | Tensor[]): Tensor | Tensor[] {
    const computed = super.computeMask(inputs, mask);
    return Array.isArray(inputs) && inputs.length > 1 && !Array.isArray(computed) ? inputs.map(() => computed) : computed;
  }

  #listOf(inputs: Tensor | Tensor[]): Tensor[] {
    if (!Array.isArray(inputs)) return [inputs];
    const [first] = inputs;
    if (first === undefined || (inputs.length > 1 && !this.#shareMask))
      throw wrongValue("inputs", "one tensor", `${inputs.length} tensors`);
    inputs.forEach(({ shape }, k) => {
      const same = shape.length === first.shape.length && shape.every((size, i) => size === first.shape[i]);
      if (!same) throw wrongValue(`inputs[${k}]`, `tensor of shape ${showShape(first.shape)}, as they share a mask`, showShape(shape));
    });
    return inputs;
  }

  override getConfig(): serialization.ConfigDict {
    const shared = this.#shareMask ? { shareMask: true } : {};
    return { ...super.getConfig(), seed: this.#seed, ...shared, state: { ...this.state } };
  }
}

/** A layer with a rate, which may be set at any time: by a schedule, say. */
export abstract class RateLayer extends RandomLayer {
  #rate = 0;

  constructor(args: Stated<RateArgs>) {
    super(args);
    this.rate = args.rate;
  }

  /** Drop probability. Throws TypeError or RangeError, and stays what it is, if it is set to what the layer does not take. */
  get rate(): number {
    return this.#rate;
  }

  set rate(rate: number) {
    this.checkRate(rate);
    this.#rate = rate;
  }

  protected checkRate(rate: number): void {
    checkProbability(rate, "rate");
  }

  override get _idle(): boolean {
    return this.#rate === 0;
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), rate: this.#rate };
  }
}

/** A layer of a mask of decisions: at rate 1, none is kept. */
abstract class MaskLayer extends RateLayer {
  /** Returns the results for `x` at a rate below 1. */
  protected abstract mask(x: Tensor, draws: Draws): Tensor;

  protected override perturb(x: Tensor, draws: Draws): Tensor {
    if (x.dtype !== "float32") throw wrongKind("x.dtype", '"float32"', x.dtype);
    return this.rate === 1 ? nothing(x) : this.mask(x, draws);
  }
}

abstract class NoiseShapeLayer extends MaskLayer {
  protected abstract override mask(x: Tensor, draws: Draws, noiseShape?: NoiseShape | null): Tensor;

  static readonly keys = NOISE_SHAPE_KEYS;
  protected readonly noiseShape: NoiseShape | null;

  constructor(args: Stated<DropoutLayerArgs>) {
    const noiseShape = readNoiseShape(args.noiseShape);
    super(args);
    this.noiseShape = noiseShape;
  }

  override _perturbRows(x: Tensor, own: () => readonly Draw[], shared: () => readonly Draw[]): Tensor {
    const { noiseShape } = this;
    const whole = noiseShape?.length === x.rank;
    if (noiseShape === null || (whole && noiseShape[0] === null)) return super._perturbRows(x, own, shared);
    const draws = !whole || noiseShape[0] === 1 ? shared() : own();
    // A noise shape that names the size of the batch, in a batch of several passes: of one example, it is 1.
    const shape = whole ? [null, ...noiseShape.slice(1)] : noiseShape;
    return this.rate === 1 ? nothing(x) : this.mask(x, draws, shape);
  }

  protected override checkShape(shape: Shape): void {
    const { noiseShape } = this;
    if (noiseShape === null) return;
    const missing = shape.length - noiseShape.length;
    if (missing < 0) throw wrongValue("noiseShape", `at most ${shape.length} dimensions`, showShape(noiseShape));
    noiseShape.forEach((value, k) => {
      const size = shape[k + missing] ?? null;
      if (value === null || value === 1 || size === null || value === size) return;
      throw wrongValue(`noiseShape[${k}]`, size === 1 ? "1" : `1 or ${size}`, value);
    });
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), noiseShape: this.noiseShape && [...this.noiseShape] };
  }
}

function readNoiseShape(value: unknown): NoiseShape | null {
  if (value === undefined || value === null) return null;
  const items = takeItems(value, "noiseShape", "array of dimensions", [0, MAX_RANK]);
  return items.map((item, k) => {
    if (item === null || item === undefined) return null;
    checkInteger(item, `noiseShape[${k}]`, 1, MAX_INDEX);
    return item;
  });
}

export class Dropout extends NoiseShapeLayer {
  static readonly className = "WasmDropout";

  protected override mask(x: Tensor, draws: Draws, noiseShape = this.noiseShape): Tensor {
    return dropout(x, this.rate, noiseShape, draws);
  }

  override _standard() {
    const { noiseShape, rate } = this;
    return { className: "Dropout", config: { rate, noiseShape: noiseShape && leading(noiseShape, this._inputShape) } };
  }
}

export class AlphaDropout extends NoiseShapeLayer {
  static readonly className = "WasmAlphaDropout";

  protected override mask(x: Tensor, draws: Draws, noiseShape = this.noiseShape): Tensor {
    return alphaDropout(x, this.rate, noiseShape, draws);
  }

  override _standard() {
    const { noiseShape, rate } = this;
    return { className: "AlphaDropout", config: { rate, noiseShape: noiseShape && leading(noiseShape, this._inputShape) } };
  }
}

/** Returns a noise shape with as many dimensions as the input, as tfjs takes it. */
function leading(noiseShape: NoiseShape, inputShape: Shape | undefined): Shape {
  return [...new Array(Math.max(0, (inputShape?.length ?? 0) - noiseShape.length)).fill(1), ...noiseShape];
}

export class GaussianDropout extends RateLayer {
  static readonly className = "WasmGaussianDropout";
  static readonly keys = RATE_KEYS;

  // At rate 1 the standard deviation is infinite.
  protected override checkRate(rate: number): void {
    checkBelowOne(rate, "rate");
  }

  protected override perturb(x: Tensor, draws: Draws): Tensor {
    return gaussianDropout(x, this.rate, draws);
  }

  override _standard() {
    return { className: "GaussianDropout", config: { rate: this.rate } };
  }
}

export class GaussianNoise extends RandomLayer {
  static readonly className = "WasmGaussianNoise";
  static readonly keys = STDDEV_KEYS;
  #stddev = 0;

  constructor(args: Stated<GaussianNoiseLayerArgs>) {
    super(args);
    this.stddev = args.stddev;
  }

  /** Standard deviation. Throws TypeError or RangeError, and stays what it is, if it is set to a negative number or none. */
  get stddev(): number {
    return this.#stddev;
  }

  set stddev(stddev: number) {
    checkDeviation(stddev, "stddev", "f32");
    this.#stddev = stddev;
  }

  override get _idle(): boolean {
    return this.#stddev === 0;
  }

  protected override perturb(x: Tensor, draws: Draws): Tensor {
    return gaussianNoise(x, this.#stddev, draws);
  }

  override _standard() {
    return { className: "GaussianNoise", config: { stddev: this.#stddev } };
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), stddev: this.#stddev };
  }
}

export class DropPath extends MaskLayer {
  static readonly className = "WasmDropPath";
  static readonly keys = RATE_KEYS;

  protected override mask(x: Tensor, draws: Draws): Tensor {
    return dropout(x, this.rate, perSample(x.shape), draws);
  }

  override _standard() {
    const shape = this._inputShape;
    if (shape === undefined) throw wrongValue("model", "model whose layers are built", `layer ${JSON.stringify(this.name)}, which is not`);
    return { className: "Dropout", config: { rate: this.rate, noiseShape: perSample(shape) } };
  }
}

const perSample = (shape: readonly unknown[]): Shape => shape.map((_, k) => (k === 0 ? null : 1));

/** A layer for data [samples, ..., channels] or [samples, channels, ...]; subclasses give the number of dimensions between. */
abstract class SpatialDropout extends MaskLayer {
  static readonly keys = SPATIAL_KEYS;
  readonly #dataFormat: DataFormat;
  readonly #rank: number;

  constructor(args: Stated<SpatialDropoutLayerArgs>, places: number) {
    const dataFormat = readDataFormat(args.dataFormat ?? "channelsLast");
    super(args);
    this.#rank = places + 2;
    // A list of inputs would need a specification each: checkShape() looks at them.
    if (!args.shareMask) this.inputSpec = [{ ndim: this.#rank }];
    this.#dataFormat = dataFormat;
  }

  protected override checkShape(shape: Shape): void {
    if (shape.length !== this.#rank) throw wrongValue("inputs", `tensors of ${this.#rank} dimensions`, showShape(shape));
  }

  protected override mask(x: Tensor, draws: Draws): Tensor {
    return dropout(x, this.rate, this.#noiseShape(), draws);
  }

  #noiseShape(): Shape {
    const channels = this.#dataFormat === "channelsLast" ? this.#rank - 1 : 1;
    return Array.from({ length: this.#rank }, (_, k) => (k === 0 || k === channels ? null : 1));
  }

  override _standard() {
    return { className: "Dropout", config: { rate: this.rate, noiseShape: this.#noiseShape() } };
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), dataFormat: this.#dataFormat };
  }
}

export class SpatialDropout1D extends SpatialDropout {
  static readonly className = "WasmSpatialDropout1D";
  constructor(args: Stated<SpatialDropoutLayerArgs>) {
    super(args, 1);
  }
}

export class SpatialDropout2D extends SpatialDropout {
  static readonly className: string = "WasmSpatialDropout2D";
  constructor(args: Stated<SpatialDropoutLayerArgs>) {
    super(args, 2);
  }
}

export class SpatialDropout3D extends SpatialDropout {
  static readonly className: string = "WasmSpatialDropout3D";
  constructor(args: Stated<SpatialDropoutLayerArgs>) {
    super(args, 3);
  }
}
