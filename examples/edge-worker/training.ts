// Stochastic gradient descent for the network: ReLU, inverted dropout on both hidden layers, cross-entropy. Dropout is this package's:
// forward gives a ticket, and backward makes the same mask from it.

import type { Dropout, Ticket, WasmBuffer } from "wasm-dropout";
import type { Layer } from "./model.js";
import { argmax, dense, P, relu, SIZES } from "./network.js";
import { shuffled } from "./random.js";

const MOMENTUM = 0.9;
const BATCH = 100;

/** Images as rows of values in [0, 1], and what they show. */
export interface Examples {
  readonly pixels: Float32Array;
  readonly labels: Uint8Array;
}

/** Layers with weights as He et al. (2015) start those before ReLU, uniform: within sqrt(6 / inputs). */
export function initialLayers(random: () => number): Layer[] {
  return SIZES.slice(1).map((outputs, l) => {
    const inputs = SIZES[l];
    const limit = Math.sqrt(6 / inputs);
    const weights = Float32Array.from({ length: inputs * outputs }, () => (2 * random() - 1) * limit);
    return { inputs, outputs, weights, biases: new Float32Array(outputs) };
  });
}

/** One layer, what of it a batch needs, and how its weights move. */
class Trained {
  readonly gradient: Float32Array;
  readonly biasGradient: Float32Array;
  readonly velocity: Float32Array;
  readonly biasVelocity: Float32Array;

  constructor(
    readonly layer: Layer,
    /** Inputs of a batch, an example a row, and the gradient with respect to them. */
    readonly x: WasmBuffer<"f32">,
    readonly dx: WasmBuffer<"f32">,
  ) {
    this.gradient = new Float32Array(layer.weights.length);
    this.velocity = new Float32Array(layer.weights.length);
    this.biasGradient = new Float32Array(layer.outputs);
    this.biasVelocity = new Float32Array(layer.outputs);
  }

  /** Adds an example's part of the gradients: x its inputs, dy its gradient with respect to the outputs. */
  accumulate(x: Float32Array, dy: Float32Array): void {
    const { gradient, biasGradient, layer } = this;
    const { outputs } = layer;
    for (let o = 0; o < outputs; ++o) biasGradient[o] += dy[o];
    for (let i = 0; i < x.length; ++i) {
      const value = x[i];
      if (value === 0) continue;
      for (let o = 0, k = i * outputs; o < outputs; ++o, ++k) gradient[k] += value * dy[o];
    }
  }

  /** Writes the gradient with respect to an example's inputs to `dx`; where ReLU or dropout made the input 0, it is 0. */
  propagate(x: Float32Array, dy: Float32Array, dx: Float32Array): void {
    const { weights, outputs } = this.layer;
    for (let i = 0; i < dx.length; ++i) {
      let sum = 0;
      if (x[i] !== 0) for (let o = 0, k = i * outputs; o < outputs; ++o, ++k) sum += weights[k] * dy[o];
      dx[i] = sum;
    }
  }

  descend(rate: number, count: number): void {
    const { layer, gradient, velocity, biasGradient, biasVelocity } = this;
    move(layer.weights, gradient, velocity, rate / count);
    move(layer.biases, biasGradient, biasVelocity, rate / count);
  }
}

function move(values: Float32Array, gradient: Float32Array, velocity: Float32Array, rate: number): void {
  for (let k = 0; k < values.length; ++k) {
    velocity[k] = MOMENTUM * velocity[k] - rate * gradient[k];
    values[k] += velocity[k];
  }
  gradient.fill(0);
}

/** Trains the layers in place, batch by batch. */
export class Trainer {
  readonly #dropout: Dropout;
  readonly #layers: readonly Trained[];
  readonly #logits: Float32Array;

  constructor(dropout: Dropout, layers: readonly Layer[]) {
    this.#dropout = dropout;
    this.#layers = layers.map(
      (layer) => new Trained(layer, dropout.alloc("f32", BATCH * layer.inputs), dropout.alloc("f32", BATCH * layer.inputs)),
    );
    this.#logits = new Float32Array(BATCH * SIZES[SIZES.length - 1]);
  }

  /** One pass over the examples in the order of `random`, at that learning rate; calls `progress` after each batch. */
  epoch({ pixels, labels }: Examples, random: () => number, rate: number, progress: () => void): void {
    const order = shuffled(labels.length, random);
    for (let first = 0; first + BATCH <= order.length; first += BATCH) {
      const [input] = this.#layers;
      const [size] = SIZES;
      const chosen = order.subarray(first, first + BATCH);
      chosen.forEach((example, row) => {
        input.x.array.set(pixels.subarray(example * size, (example + 1) * size), row * size);
      });
      const tickets = this.#forward();
      this.#backward(chosen, labels, tickets);
      for (const layer of this.#layers) layer.descend(rate, BATCH);
      progress();
    }
  }

  /** Computes the logits; returns the tickets of the hidden layers' masks. */
  #forward(): Ticket<"dropout">[] {
    const tickets: Ticket<"dropout">[] = [];
    this.#layers.forEach(({ layer, x }, l) => {
      const next = this.#layers[l + 1]?.x;
      const y = next?.array ?? this.#logits;
      eachRow(x.array, layer.inputs, y, layer.outputs, (input, output) => dense(layer, input, output));
      if (next === undefined) return;
      relu(next.array);
      tickets.push(this.#dropout.forward(next, P, { out: next }).ticket);
    });
    return tickets;
  }

  #backward(chosen: Uint32Array, labels: Uint8Array, tickets: readonly Ticket<"dropout">[]): void {
    const classes = SIZES[SIZES.length - 1];
    let dy: Float32Array = this.#logits;
    chosen.forEach((example, row) => {
      // The gradient of cross-entropy with respect to the logits: probabilities, less 1 at the label.
      const logits = dy.subarray(row * classes, (row + 1) * classes);
      softmax(logits);
      logits[labels[example]] -= 1;
    });
    for (let l = this.#layers.length - 1; l >= 0; --l) {
      const layer = this.#layers[l];
      const { inputs, outputs } = layer.layer;
      eachRow(layer.x.array, inputs, dy, outputs, (x, gradient) => layer.accumulate(x, gradient));
      if (l === 0) return;
      const dx = layer.dx.array;
      for (let row = 0; row < BATCH; ++row) {
        const of = (array: Float32Array, width: number) => array.subarray(row * width, (row + 1) * width);
        layer.propagate(of(layer.x.array, inputs), of(dy, outputs), of(dx, inputs));
      }
      this.#dropout.backward(layer.dx, tickets[l - 1], {}, { dx: layer.dx });
      dy = dx;
    }
  }
}

/** Calls `act` with each row of `a` and that of `b`. */
function eachRow(a: Float32Array, widthA: number, b: Float32Array, widthB: number, act: (a: Float32Array, b: Float32Array) => void): void {
  for (let row = 0; row * widthA < a.length; ++row) {
    act(a.subarray(row * widthA, (row + 1) * widthA), b.subarray(row * widthB, (row + 1) * widthB));
  }
}

/** The share of examples that the layers, without dropout, classify right. */
export function accuracy(layers: readonly Layer[], { pixels, labels }: Examples): number {
  const outputs = layers.map((layer) => new Float32Array(layer.outputs));
  let right = 0;
  labels.forEach((label, example) => {
    let x = pixels.subarray(example * SIZES[0], (example + 1) * SIZES[0]);
    layers.forEach((layer, l) => {
      dense(layer, x, outputs[l]);
      x = outputs[l];
      if (l < layers.length - 1) relu(x);
    });
    if (argmax(x) === label) ++right;
  });
  return right / labels.length;
}

/** Makes class probabilities of logits, in place. */
function softmax(logits: Float32Array): void {
  const most = Math.max(...logits);
  let sum = 0;
  for (let c = 0; c < logits.length; ++c) {
    logits[c] = Math.exp(logits[c] - most);
    sum += logits[c];
  }
  for (let c = 0; c < logits.length; ++c) logits[c] /= sum;
}
