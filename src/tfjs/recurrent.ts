// Dropout within recurrent layers of tfjs, of their inputs and of their states: one mask a sequence and gate, which the cell makes by a function that can
// be put in its place.

import { dispose, type Tensor } from "@tensorflow/tfjs-core";
import { wrongValue } from "../ground/check.js";
import type { Layer } from "./swap.js";

type Masks = Tensor | Tensor[] | null;

/** The part of the cells of tfjs-layers that is used. */
interface Cell extends Layer {
  dropout?: number;
  recurrentDropout?: number;
  dropoutMask?: Masks;
  recurrentDropoutMask?: Masks;
  /** Makes a mask of ones. */
  dropoutFunc?: ((ones: Tensor, rate: number) => Tensor) | undefined;
}

/** The part of recurrent layers, and of what wraps them, that is read. */
interface Recurrent {
  readonly cell?: Cell & { readonly cells?: readonly Cell[] };
  readonly forwardLayer?: Layer;
  readonly backwardLayer?: Layer;
  readonly layer?: Layer;
}

const CELLS: readonly string[] = ["SimpleRNNCell", "GRUCell", "LSTMCell", "ConvLSTM2DCell"];
const DROPS = ["dropout", "recurrentDropout"] as const;

/** Returns the cells that a recurrent layer calls, those of each direction too. */
export function cellsOf(layer: Layer): Cell[] {
  const { cell, forwardLayer, backwardLayer } = layer as Recurrent;
  if (cell !== undefined) return [...(cell.cells ?? [cell])];
  return [forwardLayer, backwardLayer].flatMap((one) => (one === undefined ? [] : cellsOf(one)));
}

/** Returns the recurrent layer that `layer` is, or calls for each step. */
function recurrentOf(layer: Layer): Layer | undefined {
  if (cellsOf(layer).length > 0) return layer;
  const { layer: inner } = layer as Recurrent;
  return layer.getClassName() === "TimeDistributed" && inner !== undefined ? recurrentOf(inner) : undefined;
}

// As tfjs has it: a rate of 1 drops nothing.
const drops = (cell: Cell) => DROPS.some((name) => (cell[name] ?? 0) > 0 && (cell[name] ?? 0) < 1);

/** Returns the cells of a layer that drop in training. Throws RangeError, by the layer's name, for a layer that drops in a way of its own. */
export function droppingCells(layer: Layer): Cell[] {
  const recurrent = recurrentOf(layer);
  const cells = recurrent === undefined ? [] : cellsOf(recurrent).filter(drops);
  const unknown = cells.find((cell) => !CELLS.includes(cell.getClassName()));
  const { dropout: own } = layer as Cell;
  if (unknown === undefined && !(cells.length === 0 && typeof own === "number" && own > 0)) return cells;
  const shown = `layer ${JSON.stringify(layer.name)}, ${(unknown ?? layer).getClassName()}, which drops in a way of its own`;
  throw wrongValue("model", `model whose layers drop as ${CELLS.join(", ")} or layers of dropout do`, shown);
}

/** Runs `body`, in which cells drop by masks of ones from `draw`, which is called with the number of each mask. Leaves them as they were. */
export function withMasks<R>(cells: readonly Cell[], draw: (mask: string, ones: Tensor, rate: number) => Tensor, body: () => R): R {
  const before = cells.map(({ dropoutFunc, dropoutMask, recurrentDropoutMask }) => ({ dropoutFunc, dropoutMask, recurrentDropoutMask }));
  try {
    cells.forEach((cell, k) => {
      let masks = 0;
      Object.assign(cell, {
        dropoutMask: null,
        recurrentDropoutMask: null,
        dropoutFunc: (ones: Tensor, rate: number) => draw(`${k}#${masks++}`, ones, rate),
      });
    });
    return body();
  } finally {
    cells.forEach((cell, k) => {
      for (const mask of [cell.dropoutMask, cell.recurrentDropoutMask]) if (mask) dispose(mask);
      Object.assign(cell, before[k]);
    });
  }
}
