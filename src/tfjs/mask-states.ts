// The places of a model's layers in their sequences of masks, as plain JSON.

import { wrongKind, wrongValue } from "../ground/check.js";
import { type DropoutState, Sequence } from "../stream/sequence.js";
import { RandomLayer } from "./layers.js";
import { type Layered, layersOf } from "./swap.js";

const randomLayers = (model: Layered) => layersOf(model).filter((layer) => layer instanceof RandomLayer);

/**
 * The place of each layer of this package in its sequence of masks, in the order of the model's layers. Saved with the weights, and given to
 * {@link restoreMasks}, it has a training that is resumed go on with the masks of one that was not interrupted. A model saved by its `save` has them in
 * its topology.
 *
 * @param model a model of tfjs; layers of models within it, and wrapped ones, count too
 * @throws TypeError if model has no layers
 * @example
 * import { sequential } from "@tensorflow/tfjs-layers";
 * import { createTfjsDropout, maskStates, restoreMasks } from "wasm-dropout/tfjs";
 * const { layers } = await createTfjsDropout({ seed: 42 });
 * const model = sequential({ layers: [layers.dropout({ rate: 0.5, inputShape: [8] })] });
 * const saved = JSON.stringify(maskStates(model));
 * restoreMasks(model, JSON.parse(saved));
 */
export function maskStates(model: Layered): DropoutState[] {
  return randomLayers(model).map((layer) => layer.state);
}

/**
 * Puts each layer of this package in `model` where {@link maskStates} found the layers of it, or of one made in the same way.
 *
 * @param model a model of tfjs
 * @param states what {@link maskStates} gave
 * @throws TypeError or RangeError, and changes nothing, unless there is a state for each layer, of this version and of the layer's kind
 * @example
 * import { sequential } from "@tensorflow/tfjs-layers";
 * import { createTfjsDropout, maskStates, restoreMasks } from "wasm-dropout/tfjs";
 * const { layers } = await createTfjsDropout({ seed: 42 });
 * const model = sequential({ layers: [layers.dropout({ rate: 0.5, inputShape: [8] })] });
 * restoreMasks(model, maskStates(model));
 */
export function restoreMasks(model: Layered, states: readonly DropoutState[]): void {
  const layers = randomLayers(model);
  if (!Array.isArray(states)) throw wrongKind("states", "array of states", states);
  if (states.length !== layers.length) throw wrongValue("states", `${layers.length} states`, `${states.length}`);
  layers.forEach((layer, k) => {
    // A copy of the sequence is asked first, so that a state that does not fit leaves all layers where they are.
    Sequence.from(layer.state).restore(states[k]);
  });
  layers.forEach((layer, k) => {
    layer.restore(states[k] as DropoutState);
  });
}
