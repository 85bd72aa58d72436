// The fused operations over one instance. What each does and checks is in the files that this class delegates to, one a group of them.

import type { Context, DtypeOf, Like, Result } from "../core/dropout.js";
import { bindKernels } from "../engine/kernels.js";
import type { AnyData, AnyDataOf, DataOf } from "../engine/operand.js";
import { checkChoice, checkObject } from "../ground/check.js";
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
import {
  type NormBackwardOptions,
  type Normed,
  type NormGradients,
  type NormOptions,
  type NormTicket,
  normBackward,
  normForward,
} from "./norm.js";
import type { Rows } from "./rows.js";
import {
  type SoftmaxBackwardOptions,
  type SoftmaxGradients,
  type SoftmaxOptions,
  type SoftmaxTicket,
  softmaxBackward,
  softmaxForward,
} from "./softmax.js";

const NO_OPTIONS = {};

// What goes back through each operation, by the `op` of its ticket.
const BACKWARD = {
  biasDropoutResidual: biasBackward,
  biasActivationDropout: biasBackward,
  dropoutResidualLayerNorm: normBackward,
  softmaxDropout: softmaxBackward,
};
const OPS = Object.keys(BACKWARD) as (keyof typeof BACKWARD)[];

/**
 * Operations fused with dropout, each one pass over memory, over a {@link Dropout} instance: its memory, its streams. Made by {@link createFused}.
 *
 * A matrix is an array in row-major order. Every method takes ordinary typed arrays of any length, streamed through a small staging area, or
 * buffers, used where they lie; beside them a call needs memory for a row and, backward, for a row of f64.
 *
 * One dtype a call, but for layer norm's mean and rstd, which are f32. f16 and bf16 need {@link createHalf} of "wasm-dropout/half": they are computed with
 * in f32 and results rounded once more.
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
   * @param x matrix [rows, columns] of f32, f64, f16 or bf16; without a bias any data
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
  biasDropoutResidual<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: ResidualOptions<X, Y>,
  ): { y: Result<Like<X>, Y>; ticket: ResidualTicket } {
    return biasDropoutResidual(this.#context, this.#kernels, x, p, options) as {
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
   * @param x matrix [rows, columns] of f32, f16 or bf16; without a bias any data
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
  biasActivationDropout<X extends Rows, Y extends Rows | undefined = undefined>(
    x: X,
    p: number,
    options: ActivationOptions<Y> = NO_OPTIONS,
  ): { y: Result<Like<X>, Y>; ticket: ActivationTicket } {
    return biasActivationDropout(this.#context, this.#kernels, x, p, options) as {
      y: Result<Like<X>, Y>;
      ticket: ActivationTicket;
    };
  }

  /**
   * Dropout, residual and layer norm in one pass: what stands between the blocks of a transformer (dropout_add_layer_norm of flash-attention; layer norm
   * of Ba et al. 2016).
   *
   *     h[r, c] = residual[r, c] + (keep ? (x[r, c] + bias[c]) * s : +0)        s = 1 / (1 - P(drop)), 1 in evaluation
   *     y[r, c] = (h[r, c] - mean[r]) * rstd[r] * gamma[c] + beta[c]            rstd = 1 / sqrt(variance + epsilon)
   *
   * mean and variance are those of a row of h, the variance divided by the number of columns; both are found in f64, in two passes over the row while the
   * cache has it, and mean and rstd are rounded once. h is the residual stream for what follows.
   *
   * @param x matrix [rows, columns] of f32, f16 or bf16
   * @param p drop probability in [0, 1]
   * @param options see {@link NormOptions}
   * @returns y, h, mean and rstd, and `ticket` for {@link Fused.backward}, which needs the last four
   * @throws TypeError and RangeError as {@link Fused.biasDropoutResidual} does
   * @example
   * import { createFused } from "wasm-dropout/fused";
   * const fused = await createFused(dropout);
   * const [x, residual] = [Float32Array.of(1, 2, 3, 4), Float32Array.of(0, 1, 0, 1)];
   * const [gamma, beta] = [Float32Array.of(1, 1), Float32Array.of(0, 0)];
   * const { y, h, mean, rstd, ticket } = fused.dropoutResidualLayerNorm(x, 0.1, { residual, gamma, beta });
   * const dy = new Float32Array(4).fill(1);
   * const { dx, dresidual, dgamma, dbeta } = fused.backward(dy, ticket, { h, mean, rstd, gamma });
   */
  dropoutResidualLayerNorm<
    X extends Rows,
    Y extends Rows | undefined = undefined,
    H extends Rows | undefined = undefined,
    M extends DataOf<"f32"> | undefined = undefined,
    R extends DataOf<"f32"> | undefined = undefined,
  >(x: X, p: number, options: NormOptions<Y, H, M, R>): Normed<X, Y, H, M, R> {
    return normForward(this.#context, this.#kernels, x, p, options) as Normed<X, Y, H, M, R>;
  }

  /**
   * Softmax and dropout of attention scores in one pass, with their scale, causal order and an additive mask (Vaswani et al. 2017).
   *
   *     v[r, j] = scale * logits[r, j] + mask[r, j]
   *     y[r, j] = keep ? e^(v[r, j] - max v[r]) / sum of the same * s : +0        s = 1 / (1 - P(drop)), 1 in evaluation
   *
   * Where v is -Infinity the probability is 0, and a row where it is so everywhere is +0 everywhere, never NaN. A NaN or a positive infinity that is not left
   * out makes the rest of its row NaN. Probabilities below some 2^-126 times that of the maximum are 0. The sum is taken in f64.
   *
   * @param logits f32, f16 or bf16, of the shape that the options give
   * @param p drop probability in [0, 1]
   * @param options see {@link SoftmaxOptions}
   * @returns `y`, in `out` or a new array like the logits, and `ticket` for {@link Fused.backward}, which needs the logits
   * @throws TypeError and RangeError as {@link Fused.biasDropoutResidual} does
   * @example
   * import { createFused } from "wasm-dropout/fused";
   * const fused = await createFused(dropout);
   * const logits = Float32Array.from({ length: 2 * 3 * 4 }, (_, i) => i % 5); // two heads, three queries, four keys
   * const { y, ticket } = fused.softmaxDropout(logits, 0.1, { shape: [2, 3, 4], scale: 1 / Math.sqrt(64), causal: true });
   * const { dlogits } = fused.backward(new Float32Array(24).fill(1), ticket, { logits });
   */
  softmaxDropout<X extends Rows, Y extends Rows | undefined = undefined>(
    logits: X,
    p: number,
    options: SoftmaxOptions<Y>,
  ): { y: Result<Like<X>, Y>; ticket: SoftmaxTicket } {
    return softmaxForward(this.#context, this.#kernels, logits, p, options) as {
      y: Result<Like<X>, Y>;
      ticket: SoftmaxTicket;
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
   * Through {@link Fused.dropoutResidualLayerNorm}, with xhat = (h - mean) * rstd, g = dy * gamma and means over a row:
   *
   *     dresidual = (g - mean(g) - xhat * mean(g * xhat)) * rstd + dh        dx = keep ? dresidual * s : +0
   *     dgamma[c] = sum of dy * xhat        dbeta[c] = sum of dy        dbias[c] = sum of dx
   *
   * Through {@link Fused.softmaxDropout}, with the probabilities P computed anew from the logits:
   *
   *     dP = keep ? dy * s : +0        dlogits = scale * P * (dP - sum of dP * P)
   *
   * A row that was left out entirely gets +0 everywhere.
   *
   * @param dy gradient with respect to y, as long as the ticket says
   * @param ticket of a forward call, here or elsewhere
   * @param options see {@link BiasBackwardOptions}, {@link NormBackwardOptions} or {@link SoftmaxBackwardOptions}
   * @throws TypeError and RangeError as the forward calls do
   * @example
   * import { createFused } from "wasm-dropout/fused";
   * const fused = await createFused(dropout);
   * const x = Float32Array.of(1, -2, 3, -4);
   * const { ticket } = fused.biasActivationDropout(x, 0.5, { activation: "silu" });
   * const { dx } = fused.backward(new Float32Array(4).fill(1), JSON.parse(JSON.stringify(ticket)), { x });
   */
  backward<
    X extends AnyData,
    Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined,
    B extends AnyDataOf<DtypeOf<X>> | undefined = undefined,
  >(dy: X, ticket: ResidualTicket | ActivationTicket, options?: BiasBackwardOptions<X, Y, B>): BiasGradients<X, Y, B>;
  backward<
    X extends Rows,
    Y extends Rows | undefined = undefined,
    S extends Rows | undefined = undefined,
    G extends Rows | undefined = undefined,
  >(dy: X, ticket: NormTicket, options: NormBackwardOptions<Y, S, G>): NormGradients<X, Y, S, G>;
  backward<X extends Rows, Y extends Rows | undefined = undefined>(
    dy: X,
    ticket: SoftmaxTicket,
    options: SoftmaxBackwardOptions<Y>,
  ): SoftmaxGradients<X, Y>;
  backward(dy: AnyData, ticket: { readonly op: keyof typeof BACKWARD }, options: object = NO_OPTIONS): object {
    checkObject(ticket, "ticket", "ticket");
    checkObject(options, "options", "object");
    const { op } = ticket;
    checkChoice(op, "ticket.op", OPS);
    const backward: (context: Context, kernels: FusedKernels, dy: never, ticket: never, options: never) => object = BACKWARD[op];
    return backward(this.#context, this.#kernels, dy as never, ticket as never, options as never);
  }
}
