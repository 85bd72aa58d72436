// The fused operations over one instance. What each does and checks is in the files that this class delegates to, one a group of them.

import { checkChoice, checkObject } from "../check.js";
import type { Context, DtypeOf, Like, Result } from "../dropout.js";
import { bindKernels } from "../kernels.js";
import type { Data, DataOf } from "../operand.js";
import {
  type ActivationOptions,
  type ActivationTicket,
  type BiasBackwardOptions,
  type BiasGradients,
  biasActivationDropout,
  biasBackward,
  biasDropoutResidual,
  type ResidualOptions,
  type ResidualTicket,
} from "./bias.js";
import { FUSED, type FusedKernels } from "./kernels.js";

const NO_OPTIONS = {};

// What goes back through each operation, by the `op` of its ticket.
const BACKWARD = {
  biasDropoutResidual: biasBackward,
  biasActivationDropout: biasBackward,
};
const OPS = Object.keys(BACKWARD) as (keyof typeof BACKWARD)[];

/**
 * Operations fused with dropout, each one pass over memory, over a {@link Dropout} instance: its memory, its streams. Made by {@link createFused}.
 *
 * A matrix is an array in row-major order. Every method takes ordinary typed arrays of any length, streamed through a small staging area, or
 * buffers, used where they lie; beside them a call needs memory for a row and, backward, for a row of f64.
 */
export class Fused {
  readonly #context: Context;
  readonly #kernels: FusedKernels;

  /** @internal */
  constructor(context: Context, exports: WebAssembly.Exports) {
    this.#context = context;
    this.#kernels = bindKernels<FusedKernels>(exports, FUSED);
  }

  /**
   * y = residual + dropout(x + bias): what ends a transformer's attention and feed-forward blocks (bias_dropout_add of Megatron-LM, Shoeybi et al. 2019).
   *
   *     y[r, c] = residual[r, c] + (keep ? (x[r, c] + bias[c]) * s : +0)        s = 1 / (1 - P(drop)), 1 in evaluation
   *
   * Each operation is rounded to the dtype. What x and bias hold where they are dropped never shows.
   *
   * @param x matrix [rows, columns] of f32 or f64; without a bias any data
   * @param p drop probability in [0, 1]
   * @param options see {@link ResidualOptions}
   * @returns `y`, in `out` or a new array like x, and `ticket` for {@link Fused.backward}
   * @throws TypeError for a wrong kind of argument; RangeError for a value out of range, lengths that do not fit, overlap or memory that cannot grow; in
   * all cases nothing was written and no stream number used
   * @example
   * import { createFused } from "wasm-dropout/fused";
   * const fused = await createFused(dropout);
   * const x = Float32Array.of(1, 2, 3, 4);
   * const { y, ticket } = fused.biasDropoutResidual(x, 0.5, { bias: Float32Array.of(10, 20), residual: Float32Array.of(0, 0, 1, 1) });
   * const { dx, dbias } = fused.backward(new Float32Array(4).fill(1), ticket); // dresidual is dy itself
   */
  biasDropoutResidual<X extends Data, Y extends DataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: ResidualOptions<X, Y>,
  ): { y: Result<Like<X>, Y>; ticket: ResidualTicket } {
    return biasDropoutResidual(this.#context, this.#kernels, x, p, options as ResidualOptions) as {
      y: Result<Like<X>, Y>;
      ticket: ResidualTicket;
    };
  }

  /**
   * y = dropout(act(x + bias)): what a feed-forward block does between its two matrices (fused_dropout_bias_activation of xFormers).
   *
   *     y[r, c] = keep ? act(x[r, c] + bias[c]) * s : +0        s = 1 / (1 - P(drop)), 1 in evaluation
   *
   * | activation | act(v) |
   * | --- | --- |
   * | "none" | v |
   * | "relu" | v < 0 ? 0 : v |
   * | "gelu" | v (1 + erf(v / sqrt 2)) / 2 (Hendrycks, Gimpel 2016) |
   * | "geluTanh" | v (1 + tanh(sqrt(2 / pi) (v + 0.044715 v^3))) / 2, the approximation of the same paper |
   * | "silu" | v / (1 + e^-v) |
   *
   * @param x matrix [rows, columns] of f32; without a bias any data
   * @param p drop probability in [0, 1]
   * @param options see {@link ActivationOptions}
   * @returns `y`, in `out` or a new array like x, and `ticket` for {@link Fused.backward}
   * @throws TypeError and RangeError as {@link Fused.biasDropoutResidual} does
   * @example
   * import { createFused } from "wasm-dropout/fused";
   * const fused = await createFused(dropout);
   * const [x, bias] = [Float32Array.of(1, -2, 3, -4), Float32Array.of(0.5, 0)];
   * const { y, ticket } = fused.biasActivationDropout(x, 0.5, { bias, activation: "gelu" });
   * const { dx, dbias } = fused.backward(new Float32Array(4).fill(1), ticket, { x, bias });
   */
  biasActivationDropout<X extends DataOf<"f32">, Y extends DataOf<"f32"> | undefined = undefined>(
    x: X,
    p: number,
    options: ActivationOptions<Y> = NO_OPTIONS,
  ): { y: Result<Like<X>, Y>; ticket: ActivationTicket } {
    return biasActivationDropout(this.#context, this.#kernels, x, p, options as ActivationOptions) as {
      y: Result<Like<X>, Y>;
      ticket: ActivationTicket;
    };
  }

  /**
   * The gradients of a forward call, its mask regenerated from the ticket.
   *
   *     dx[r, c] = keep ? dy[r, c] * act'(x[r, c] + bias[c]) * s : +0        dbias[c] = dx[0, c] + dx[1, c] + ...
   *
   * act' is 1 for {@link Fused.biasDropoutResidual}, whose gradient with respect to the residual is dy itself. A gradient behind "relu" passes where
   * x + bias > 0 and is +0 elsewhere. dbias is summed in f64 in the order of rows and rounded once.
   *
   * @param dy gradient with respect to y, as long as the ticket says
   * @param ticket of a forward call, here or elsewhere
   * @param options see {@link BiasBackwardOptions}
   * @throws TypeError and RangeError as the forward calls do
   * @example
   * import { createFused } from "wasm-dropout/fused";
   * const fused = await createFused(dropout);
   * const x = Float32Array.of(1, -2, 3, -4);
   * const { ticket } = fused.biasActivationDropout(x, 0.5, { activation: "silu" });
   * const { dx } = fused.backward(new Float32Array(4).fill(1), JSON.parse(JSON.stringify(ticket)), { x });
   */
  backward<X extends Data, Y extends DataOf<DtypeOf<X>> | undefined = undefined>(
    dy: X,
    ticket: ResidualTicket | ActivationTicket,
    options?: BiasBackwardOptions<X, Y>,
  ): BiasGradients<X, Y>;
  backward(dy: Data, ticket: { readonly op: keyof typeof BACKWARD }, options: object = NO_OPTIONS): object {
    checkObject(ticket, "ticket", "ticket");
    checkObject(options, "options", "object");
    const { op } = ticket;
    checkChoice(op, "ticket.op", OPS);
    return BACKWARD[op](this.#context, this.#kernels, dy, ticket as ResidualTicket | ActivationTicket, options);
  }
}
