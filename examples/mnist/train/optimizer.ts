// Optimizers whose state is tensors alone, so that a training that goes on from a checkpoint has the same bits: tfjs's Adam computes the powers of
// its decays anew when it is restored, which rounds otherwise.

import { add, div, mul, sqrt, square, sub, type Tensor, tidy, type Variable, variable, zerosLike } from "@tensorflow/tfjs-core";
import type { Schedule } from "./settings.js";

/** A rule that moves variables against their gradients. */
export interface Optimizer {
  /** Tensors beside the variables, to be saved and restored. */
  readonly state: readonly Variable[];
  /** Moves the variables by their `gradients`, in the same order; `step` counts from 1. */
  update(gradients: readonly Tensor[], learningRate: number, step: number): void;
}

/** The optimizer of a schedule for `variables`. */
export function makeOptimizer({ optimizer, momentum }: Schedule, variables: readonly Variable[]): Optimizer {
  return optimizer === "adam" ? new Adam(variables) : new Momentum(variables, momentum);
}

/** Gradient descent with momentum (Polyak 1964): v = momentum v + g, w = w - rate v. */
class Momentum implements Optimizer {
  readonly state: readonly Variable[];
  readonly #variables: readonly Variable[];
  readonly #momentum: number;

  constructor(variables: readonly Variable[], momentum: number) {
    this.#variables = variables;
    this.#momentum = momentum;
    this.state = zerosOf(variables);
  }

  update(gradients: readonly Tensor[], learningRate: number): void {
    tidy(() => {
      this.#variables.forEach((weights, i) => {
        const velocity = this.state[i] as Variable;
        velocity.assign(add(mul(velocity, this.#momentum), gradients[i] as Tensor));
        weights.assign(sub(weights, mul(velocity, learningRate)));
      });
    });
  }
}

/** Adam (Kingma and Ba 2015, algorithm 1 in the order of the end of section 2), with the decays and epsilon that the paper recommends. */
class Adam implements Optimizer {
  static readonly #DECAY = 0.9;
  static readonly #SQUARE_DECAY = 0.999;
  static readonly #EPSILON = 1e-8;

  readonly state: readonly Variable[];
  readonly #variables: readonly Variable[];

  constructor(variables: readonly Variable[]) {
    this.#variables = variables;
    this.state = [...zerosOf(variables), ...zerosOf(variables)];
  }

  update(gradients: readonly Tensor[], learningRate: number, step: number): void {
    const rate = (learningRate * Math.sqrt(1 - Adam.#SQUARE_DECAY ** step)) / (1 - Adam.#DECAY ** step);
    const count = this.#variables.length;
    tidy(() => {
      this.#variables.forEach((weights, i) => {
        const [mean, uncentred, gradient] = [this.state[i] as Variable, this.state[count + i] as Variable, gradients[i] as Tensor];
        mean.assign(add(mul(mean, Adam.#DECAY), mul(gradient, 1 - Adam.#DECAY)));
        uncentred.assign(add(mul(uncentred, Adam.#SQUARE_DECAY), mul(square(gradient), 1 - Adam.#SQUARE_DECAY)));
        weights.assign(sub(weights, mul(div(mean, add(sqrt(uncentred), Adam.#EPSILON)), rate)));
      });
    });
  }
}

function zerosOf(variables: readonly Variable[]): Variable[] {
  return tidy(() => variables.map((weights) => variable(zerosLike(weights), false)));
}
