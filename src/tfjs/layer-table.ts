// The table of layers: factories, registration and types follow from it.

import { serialization } from "@tensorflow/tfjs-core";
import type { Known } from "../ground/options.js";
import {
  AlphaDropout,
  Dropout,
  type DropoutLayerArgs,
  DropPath,
  GaussianDropout,
  GaussianNoise,
  type GaussianNoiseLayerArgs,
  RandomLayer,
  type RateArgs,
  type RateLayer,
  SpatialDropout1D,
  SpatialDropout2D,
  SpatialDropout3D,
  type SpatialDropoutLayerArgs,
  type Stated,
  type StateOf,
  takeStatesFrom,
} from "./layers.js";

/** Functions that make layers, like those of tf.layers. */
export interface TfjsLayers {
  /** As tf.layers.dropout, with a fresh mask at each training step. */
  dropout(args: DropoutLayerArgs): RateLayer;
  /** As tf.layers.alphaDropout, for networks of SELU; its constants are those of {@link Shapes.alphaDropout}. */
  alphaDropout(args: DropoutLayerArgs): RateLayer;
  /** As tf.layers.gaussianDropout: multiplies by 1 + sqrt(rate / (1 - rate)) z, z standard normal. */
  gaussianDropout(args: RateArgs): RateLayer;
  /** As tf.layers.gaussianNoise: adds stddev z, z standard normal. */
  gaussianNoise(args: GaussianNoiseLayerArgs): GaussianNoise;
  /** As tf.layers.spatialDropout1d: drops channels of [samples, steps, channels]. */
  spatialDropout1d(args: SpatialDropoutLayerArgs): RateLayer;
  /** Drops feature maps of [samples, height, width, channels], as Keras's SpatialDropout2D. */
  spatialDropout2d(args: SpatialDropoutLayerArgs): RateLayer;
  /** Drops feature maps of [samples, depth, height, width, channels], as Keras's SpatialDropout3D. */
  spatialDropout3d(args: SpatialDropoutLayerArgs): RateLayer;
  /** Drops whole samples, for the end of a residual branch: stochastic depth (Huang et al. 2016). */
  dropPath(args: RateArgs): RateLayer;
}

/** A class of layers. */
export interface LayerClass<A, L> {
  new (args: Stated<A>): L;
  readonly keys: Known;
}

/** The class of each factory of {@link TfjsLayers}. */
export const LAYERS = {
  dropout: Dropout,
  alphaDropout: AlphaDropout,
  gaussianDropout: GaussianDropout,
  gaussianNoise: GaussianNoise,
  spatialDropout1d: SpatialDropout1D,
  spatialDropout2d: SpatialDropout2D,
  spatialDropout3d: SpatialDropout3D,
  dropPath: DropPath,
} as const satisfies { [K in keyof TfjsLayers]: LayerClass<Parameters<TfjsLayers[K]>[0], ReturnType<TfjsLayers[K]>> };

/**
 * Makes the layers known to tfjs, for models that are loaded, and those that Keras has and tfjs lacks by Keras's names. Layers without a state take their
 * streams from `states`. Not done on import, which bundlers may leave out.
 */
export function registerLayers(states: StateOf): void {
  takeStatesFrom(states);
  for (const cls of Object.values(LAYERS))
    serialization.registerClass<RandomLayer>(cls as serialization.SerializableConstructor<RandomLayer>);
  for (const cls of [KerasSpatialDropout2D, KerasSpatialDropout3D]) {
    const known = serialization.SerializationMap.getMap().classNameMap[cls.className];
    if (known === undefined) serialization.registerClass<RandomLayer>(cls as serialization.SerializableConstructor<RandomLayer>);
  }
}

/** Loads what Keras saved, as a layer of this package. */
class KerasSpatialDropout2D extends SpatialDropout2D {
  static override readonly className = "SpatialDropout2D";
  static override fromConfig<T extends serialization.Serializable>(
    _: serialization.SerializableConstructor<T>,
    config: serialization.ConfigDict,
  ): T {
    return RandomLayer.fromConfig(SpatialDropout2D as never, config);
  }
}

/** Loads what Keras saved, as a layer of this package. */
class KerasSpatialDropout3D extends SpatialDropout3D {
  static override readonly className = "SpatialDropout3D";
  static override fromConfig<T extends serialization.Serializable>(
    _: serialization.SerializableConstructor<T>,
    config: serialization.ConfigDict,
  ): T {
    return RandomLayer.fromConfig(SpatialDropout3D as never, config);
  }
}
