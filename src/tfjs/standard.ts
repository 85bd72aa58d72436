// Between the layers of this package and those of tfjs and Keras that compute the same in distribution.

import { layers } from "@tensorflow/tfjs-layers";
import { wrongValue } from "../ground/check.js";
import type { DropoutState } from "../stream/sequence.js";
import {
  AlphaDropout,
  Dropout,
  GaussianDropout,
  GaussianNoise,
  RandomLayer,
  SpatialDropout1D,
  SpatialDropout2D,
  SpatialDropout3D,
} from "./layers.js";
import { inputShapeOf, type Layer, type Layered, layersOf, swap } from "./swap.js";

/** The layers that have one of this package to take their place, by the names of their classes. */
const OURS = {
  Dropout: { Class: Dropout, fields: ["rate", "noiseShape", "seed"] },
  SpatialDropout1D: { Class: SpatialDropout1D, fields: ["rate", "seed"] },
  SpatialDropout2D: { Class: SpatialDropout2D, fields: ["rate", "dataFormat", "seed"] },
  SpatialDropout3D: { Class: SpatialDropout3D, fields: ["rate", "dataFormat", "seed"] },
  AlphaDropout: { Class: AlphaDropout, fields: ["rate", "noiseShape"] },
  GaussianDropout: { Class: GaussianDropout, fields: ["rate"] },
  GaussianNoise: { Class: GaussianNoise, fields: ["stddev"] },
} as const;

/** Returns a new layer of this package that does what `layer` of tfjs does, or does at another rate; undefined for a layer of another kind. */
export function oursOf(
  layer: Layer,
  state: (args: { seed: unknown; name: string }) => DropoutState,
  named: string = layer.name,
  rate?: unknown,
): RandomLayer | undefined {
  const name = layer.getClassName();
  if (layer instanceof RandomLayer || !Object.hasOwn(OURS, name)) return undefined;
  const { Class, fields } = OURS[name as keyof typeof OURS];
  const config = layer.getConfig();
  // tfjs leaves the noise shape of some layers out of their configuration.
  const own = layer as unknown as Record<string, unknown>;
  const values = Object.fromEntries(
    fields.map((field) => [field, (field === "rate" ? rate : undefined) ?? config[field] ?? own[field] ?? undefined]),
  );
  const args = { ...values, name: named, trainable: layer.trainable, state: state({ seed: values["seed"], name: named }) };
  const made = new (Class as new (args: object) => RandomLayer)(args);
  const shape = inputShapeOf(layer);
  if (shape !== undefined) made.build(shape as (number | null)[]);
  return made;
}

/** Puts layers of this package into the places of those of tfjs. All are made before the first takes its place. */
export function replaceAll(model: Layered, state: (args: { seed: unknown; name: string }) => DropoutState): void {
  const replacements = new Map<Layer, Layer>();
  for (const layer of layersOf(model)) {
    const ours = oursOf(layer, state);
    if (ours !== undefined) replacements.set(layer, ours);
  }
  swap(model, replacements);
}

const STANDARD: Record<string, (config: never) => Layer> = {
  Dropout: (config) => layers.dropout(config),
  AlphaDropout: (config) => layers.alphaDropout(config),
  GaussianDropout: (config) => layers.gaussianDropout(config),
  GaussianNoise: (config) => layers.gaussianNoise(config),
};

/**
 * Puts layers of tfjs, which Keras has too, into the places of those of this package in `model`, so that a model that is saved then loads where this
 * package is absent. Spatial dropout and drop path become Dropout with a noise shape. The layers have no seeds, as a seeded layer of tfjs draws the same
 * mask at every step.
 *
 * @param model a model of tfjs, which stays the same object with the same weights; layers of models within it, and wrapped ones, count too
 * @returns a function that puts the layers of this package back, with the places in their sequences of masks
 * @throws TypeError if model has no layers; RangeError, and changes nothing, for a layer that tfjs has none for: with a rate of 1, which tfjs takes for
 * none, with a shared mask, or alpha dropout with a noise shape, which tfjs does not save
 * @example
 * import "@tensorflow/tfjs-backend-cpu";
 * import { sequential } from "@tensorflow/tfjs-layers";
 * import { createTfjsDropout, toStandard } from "wasm-dropout/tfjs";
 * const { layers } = await createTfjsDropout({ seed: 42 });
 * const model = sequential({ layers: [layers.spatialDropout1d({ rate: 0.5, inputShape: [8, 4] })] });
 * const back = toStandard(model);
 * const saved = model.toJSON(); // or await model.save(...)
 * back();
 */
export function toStandard(model: Layered): () => void {
  const replacements = new Map<Layer, Layer>();
  for (const layer of layersOf(model)) {
    if (!(layer instanceof RandomLayer)) continue;
    const { className, config } = layer._standard();
    const { shareMask } = layer.getConfig();
    const refused =
      config["rate"] === 1
        ? "a rate of 1"
        : shareMask
          ? "a shared mask"
          : className === "AlphaDropout" && config["noiseShape"]
            ? "alpha dropout with a noise shape"
            : undefined;
    if (refused !== undefined) {
      throw wrongValue("model", "layers that tfjs has too", `layer ${JSON.stringify(layer.name)}, which has ${refused}`);
    }
    const make = STANDARD[className] as (config: object) => Layer;
    replacements.set(layer, make({ ...config, name: layer.name, trainable: layer.trainable }));
  }
  swap(model, replacements);
  return () => swap(model, new Map([...replacements].map(([ours, standard]) => [standard, ours])));
}
