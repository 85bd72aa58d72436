// Adam (Kingma, Ba 2015) whose next step follows from its moments and the step's number alone, bit for bit: that of tfjs computes its corrections in another
// way after its weights are set.

import { add, div, mul, sqrt, square, sub, type Tensor, tidy, type Variable, variable, zerosLike } from "@tensorflow/tfjs-core";

const [FIRST, SECOND, EPSILON] = [0.9, 0.99, 1e-8];

export class Adam {
  readonly #weights: readonly Variable[];
  /** First and second moment of each weight. */
  readonly moments: readonly (readonly [Variable, Variable])[];

  constructor(weights: readonly Variable[]) {
    this.#weights = weights;
    this.moments = weights.map((weight) => [variable(zerosLike(weight)), variable(zerosLike(weight))]);
  }

  /** Applies the gradients of step `step`, from 0, one for each weight. */
  apply(gradients: readonly Tensor[], step: number, rate: number): void {
    const [first, second] = [1 - FIRST ** (step + 1), 1 - SECOND ** (step + 1)];
    this.#weights.forEach((weight, i) => {
      tidy(() => {
        const gradient = gradients[i] as Tensor;
        const [m, v] = this.moments[i] as readonly [Variable, Variable];
        m.assign(add(mul(m, FIRST), mul(gradient, 1 - FIRST)));
        v.assign(add(mul(v, SECOND), mul(square(gradient), 1 - SECOND)));
        weight.assign(sub(weight, mul(div(m, add(sqrt(div(v, second)), EPSILON)), rate / first)));
      });
    });
  }
}
