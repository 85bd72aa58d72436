// The layers of a model, found wherever they are and put in each other's places without a new model: weights, optimizers and references stay.

import type { layers } from "@tensorflow/tfjs-layers";
import { wrongKind } from "../ground/check.js";

export type Layer = layers.Layer;

/** The part of a node of tfjs-layers that names layers. */
interface Node {
  outboundLayer: Layer;
  inboundLayers: Layer[];
  readonly outputTensors: { sourceLayer: Layer }[];
  readonly inputShapes: (number | null)[] | (number | null)[][];
}

/** A model of tfjs, or one within it. */
export interface Layered {
  readonly layers: readonly object[];
}

/** The part of models and wrappers that refers to layers. */
interface Holder {
  layers?: Layer[];
  /** The model that a Sequential keeps beside its list. */
  model?: Holder | null;
  /** The layer that a wrapper wraps. */
  layer?: Layer;
  inputLayers?: Layer[];
  outputLayers?: Layer[];
  layersByDepth?: Record<string, Layer[]>;
}

interface Linked {
  inboundNodes: Node[];
  outboundNodes: Node[];
}
const linksOf = (layer: Layer) => layer as unknown as Linked;

/** Returns all layers of a model, those of models within it and wrapped ones too, each once, and what refers to them. Throws TypeError for no model. */
function everything(model: Layered): { layers: Layer[]; holders: Holder[] } {
  if (!Array.isArray(model?.layers)) throw wrongKind("model", "model with layers", model);
  const found = new Set<Layer>();
  const holders = new Set<Holder>();
  const search = (object: object) => {
    const holder = object as Holder;
    if (holders.has(holder)) return;
    if (Array.isArray(holder.layers) || holder.layer) holders.add(holder);
    for (const layer of [...(holder.layers ?? []), ...(holder.layer ? [holder.layer] : [])]) {
      found.add(layer);
      search(layer);
    }
    if (holder.model && Array.isArray(holder.model.layers)) search(holder.model);
  };
  search(model);
  return { layers: [...found], holders: [...holders] };
}

/** Returns all layers of a model, those of models within it and wrapped ones too, each once. Throws TypeError for no model. */
export function layersOf(model: Layered): Layer[] {
  return everything(model).layers;
}

/** Returns the shape that a layer was built for, if it stands in a graph. */
export function inputShapeOf(layer: Layer): (number | null)[] | (number | null)[][] | undefined {
  return linksOf(layer).inboundNodes[0]?.inputShapes;
}

/** Puts layers into the places of others, keys of `replacements`, with their names and connections. */
export function swap(model: Layered, replacements: ReadonlyMap<Layer, Layer>): void {
  if (replacements.size === 0) return;
  const { holders } = everything(model);
  const newOf = (layer: Layer) => replacements.get(layer) ?? layer;
  const inPlace = (list: Layer[] | undefined) => {
    list?.forEach((layer, k) => {
      list[k] = newOf(layer);
    });
  };
  for (const holder of holders) {
    inPlace(holder.layers);
    inPlace(holder.inputLayers);
    inPlace(holder.outputLayers);
    for (const list of Object.values(holder.layersByDepth ?? {})) inPlace(list);
    if (holder.layer) holder.layer = newOf(holder.layer);
  }
  for (const [old, made] of replacements) {
    const [from, to] = [linksOf(old), linksOf(made)];
    to.inboundNodes = from.inboundNodes;
    to.outboundNodes = from.outboundNodes;
    made.name = old.name;
    made.built = old.built;
    const { batchInputShape } = old as { batchInputShape?: unknown };
    if (batchInputShape !== undefined) Object.assign(made, { batchInputShape });
    for (const node of to.inboundNodes) {
      node.outboundLayer = made;
      for (const tensor of node.outputTensors) tensor.sourceLayer = made;
    }
    for (const node of to.outboundNodes) inPlace(node.inboundLayers);
  }
}
