// Layers that drop, or add noise, in training: a fresh mask at each call, the same sequence of masks from the same seed. Where a layer stands in
// that sequence is part of its configuration, and so of a saved model.

import { serialization, type Tensor, tidy } from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { checkBelowOne, checkChoice, wrongValue } from "../ground/check.js";
import { checkDeviation } from "../noise/amount.js";
import { type DropoutState, Sequence } from "../stream/sequence.js";
import { type Draw, drawNext, type Seed } from "./draw.js";
import { alphaDropout, dropout, gaussianDropout, gaussianNoise, type NoiseShape } from "./operations.js";

type Layer = layers.Layer;
const { Layer } = layers;
type LayerArgs = NonNullable<ConstructorParameters<typeof Layer>[0]>;
type Kwargs = Parameters<Layer["call"]>[1];

/** What all layers of this package take beside the arguments of every layer of tfjs. */
export interface RandomLayerArgs extends LayerArgs {
  /** Seed, an integer in [0, 2^64) or its decimal digits. By default the layer has streams of its own of the seed of what it was made by. */
  seed?: Seed | undefined;
}

/** Arguments of {@link TfjsLayers.gaussianDropout} and {@link TfjsLayers.dropPath}. */
export interface RateArgs extends RandomLayerArgs {
  /** Drop probability in [0, 1). */
  rate: number;
}

/** Arguments of {@link TfjsLayers.dropout} and {@link TfjsLayers.alphaDropout}. */
export interface DropoutLayerArgs extends RateArgs {
  /** Shape of the mask: for each dimension, that of the batch too, its size, which null also stands for, or 1, where all elements along it share a decision. */
  noiseShape?: NoiseShape | null | undefined;
}

/** Arguments of {@link TfjsLayers.spatialDropout2d} and its like. */
export interface SpatialDropoutLayerArgs extends RateArgs {
  /** Where the channels are; last by default. */
  dataFormat?: DataFormat | undefined;
}

/** Arguments of {@link TfjsLayers.gaussianNoise}. */
export interface GaussianNoiseLayerArgs extends RandomLayerArgs {
  /** Standard deviation of the noise, not negative. */
  stddev: number;
}

const DATA_FORMATS = ["channelsFirst", "channelsLast"] as const;
type DataFormat = (typeof DATA_FORMATS)[number];

/** Arguments of a constructor: of the layer's configuration, or with a state that follows from a seed. */
export type Stated<A> = A & { state: DropoutState };

/** A layer of this package. */
export abstract class RandomLayer extends Layer {
  readonly #sequence: Sequence;

  constructor(args: Stated<LayerArgs>) {
    super(args);
    this.supportsMasking = true;
    this.#sequence = Sequence.from(args.state);
  }

  /** What the layer makes of `x` in training. */
  protected abstract perturb(x: Tensor, draw: Draw): Tensor;

  /** The layer's place in its sequence of masks: plain JSON. */
  get state(): DropoutState {
    return this.#sequence.state;
  }

  /** Goes to a saved place; throws TypeError or RangeError, and stays, unless `state` is one, of the layer's kind of stream. */
  restore(state: DropoutState): void {
    this.#sequence.restore(state);
  }

  override call(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor {
    return tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = onlyOf(inputs);
      return kwargs.training ? drawNext(this.#sequence, (draw) => this.perturb(x, draw)) : x;
    });
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), state: { ...this.state } };
  }
}

function onlyOf(inputs: Tensor | Tensor[]): Tensor {
  if (!Array.isArray(inputs)) return inputs;
  const [x] = inputs;
  if (x === undefined || inputs.length > 1) throw wrongValue("inputs", "one tensor", `${inputs.length} tensors`);
  return x;
}

abstract class RateLayer extends RandomLayer {
  protected readonly rate: number;

  constructor(args: Stated<RateArgs>) {
    checkBelowOne(args.rate, "rate");
    super(args);
    this.rate = args.rate;
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), rate: this.rate };
  }
}

abstract class NoiseShapeLayer extends RateLayer {
  protected readonly noiseShape: NoiseShape | null;

  constructor(args: Stated<DropoutLayerArgs>) {
    super(args);
    this.noiseShape = args.noiseShape ?? null;
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), noiseShape: this.noiseShape && [...this.noiseShape] };
  }
}

export class Dropout extends NoiseShapeLayer {
  static readonly className = "WasmDropout";

  protected override perturb(x: Tensor, draw: Draw): Tensor {
    return dropout(x, this.rate, this.noiseShape, draw);
  }
}

export class AlphaDropout extends NoiseShapeLayer {
  static readonly className = "WasmAlphaDropout";

  protected override perturb(x: Tensor, draw: Draw): Tensor {
    return alphaDropout(x, this.rate, this.noiseShape, draw);
  }
}

export class GaussianDropout extends RateLayer {
  static readonly className = "WasmGaussianDropout";

  protected override perturb(x: Tensor, draw: Draw): Tensor {
    return gaussianDropout(x, this.rate, draw);
  }
}

export class GaussianNoise extends RandomLayer {
  static readonly className = "WasmGaussianNoise";
  readonly #stddev: number;

  constructor(args: Stated<GaussianNoiseLayerArgs>) {
    checkDeviation(args.stddev, "stddev", "f32");
    super(args);
    this.#stddev = args.stddev;
  }

  protected override perturb(x: Tensor, draw: Draw): Tensor {
    return gaussianNoise(x, this.#stddev, draw);
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), stddev: this.#stddev };
  }
}

export class DropPath extends RateLayer {
  static readonly className = "WasmDropPath";

  protected override perturb(x: Tensor, draw: Draw): Tensor {
    return dropout(
      x,
      this.rate,
      x.shape.map((_, k) => (k === 0 ? null : 1)),
      draw,
    );
  }
}

/** Of data [samples, ..., channels] or [samples, channels, ...]; subclasses say how many dimensions are between. */
abstract class SpatialDropout extends RateLayer {
  readonly #dataFormat: DataFormat;

  constructor(args: Stated<SpatialDropoutLayerArgs>, places: number) {
    const { dataFormat = "channelsLast" } = args;
    checkChoice(dataFormat, "dataFormat", DATA_FORMATS);
    super(args);
    this.inputSpec = [{ ndim: places + 2 }];
    this.#dataFormat = dataFormat;
  }

  protected override perturb(x: Tensor, draw: Draw): Tensor {
    const channels = this.#dataFormat === "channelsLast" ? x.rank - 1 : 1;
    return dropout(
      x,
      this.rate,
      x.shape.map((_, k) => (k === 0 || k === channels ? null : 1)),
      draw,
    );
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
  static readonly className = "WasmSpatialDropout2D";
  constructor(args: Stated<SpatialDropoutLayerArgs>) {
    super(args, 2);
  }
}

export class SpatialDropout3D extends SpatialDropout {
  static readonly className = "WasmSpatialDropout3D";
  constructor(args: Stated<SpatialDropoutLayerArgs>) {
    super(args, 3);
  }
}

/** Makes the layers known to tfjs, for models that are loaded. Not done on import, which bundlers may leave out. */
export function registerLayers(): void {
  const classes = [Dropout, AlphaDropout, GaussianDropout, GaussianNoise, DropPath, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D];
  for (const cls of classes) serialization.registerClass<RandomLayer>(cls);
}
