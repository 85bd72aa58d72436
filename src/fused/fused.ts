// The API of the fused operations over one instance.

import type { DtypeOf, Like, Result } from "../core/options.js";
import type { Engine } from "../engine/engine.js";
import type { AnyData, AnyDataOf, Data } from "../engine/operand.js";
import { type Operation, perform } from "../engine/pass.js";
import { activationBackward, biasActivationDropout, biasDropoutResidual, residualBackward } from "./bias.js";
import { gatedBackward, gatedForward } from "./gated.js";
import type { FusedKernels } from "./kernels.js";
import { normBackward, normForward } from "./norm.js";
import type {
  ActivationBackwardOptions,
  ActivationGradients,
  ActivationOptions,
  ActivationSaved,
  GatedBackwardOptions,
  GatedGradients,
  GatedOptions,
  GatedSaved,
  LayerNormed,
  LayerNormOptions,
  LayerNormSaved,
  NormBackwardOptions,
  NormGradients,
  ResidualBackwardOptions,
  ResidualGradients,
  ResidualOptions,
  RMSNormed,
  RMSNormOptions,
  RMSNormSaved,
  SoftmaxBackwardOptions,
  Softmaxed,
  SoftmaxGradients,
  SoftmaxOptions,
  SoftmaxSaved,
} from "./options.js";
import { softmaxBackward, softmaxForward } from "./softmax.js";
import {
  type ActivationTicket,
  type FusedOp,
  type GatedTicket,
  type NormTicket,
  type ResidualTicket,
  readTicket,
  type SoftmaxTicket,
  type StoredTicket,
} from "./ticket.js";

const NO_OPTIONS = {};

type BackwardArgs = [dy: AnyData, ticket: StoredTicket, saved: unknown, options: unknown];

/**
 * Operations fused with dropout, each one pass over memory, over a {@link Dropout} instance: its memory, its streams. Made by {@link createFused}.
 *
 * A matrix is an array in row-major order. Every method takes ordinary typed arrays of any length, streamed through a small staging area, or
 * buffers, used where they lie; beside them a call needs memory for a row and, backward, for a row of f64.
 *
 * One dtype a call, but for norms of 16-bit data: their statistics are f32, and residual, h and parameters may be. f16 and bf16 need {@link createHalf} of "wasm-dropout/half": they are computed with
 * in f32 and results rounded once more.
 */
export class Fused {
  readonly #engine: Engine;
  readonly #operations;
  readonly #backward: Readonly<Record<FusedOp, (...args: BackwardArgs) => object>>;

  /** @internal */
  constructor(engine: Engine, kernels: FusedKernels) {
    this.#engine = engine;
    this.#operations = {
      biasDropoutResidual: biasDropoutResidual(kernels),
      biasActivationDropout: biasActivationDropout(kernels),
      dropoutResidualLayerNorm: normForward(kernels, "dropoutResidualLayerNorm"),
      dropoutResidualRMSNorm: normForward(kernels, "dropoutResidualRMSNorm"),
      softmaxDropout: softmaxForward(kernels),
      gluDropout: gatedForward(kernels),
    };
    const through =
      <Plan>(operation: Operation<BackwardArgs, Plan, object>) =>
      (...args: BackwardArgs) =>
        perform(engine, operation, ...args);
    this.#backward = {
      biasDropoutResidual: through(residualBackward(kernels)),
      biasActivationDropout: through(activationBackward(kernels)),
      dropoutResidualLayerNorm: through(normBackward(kernels, "dropoutResidualLayerNorm")),
      dropoutResidualRMSNorm: through(normBackward(kernels, "dropoutResidualRMSNorm")),
      softmaxDropout: through(softmaxBackward(kernels)),
      gluDropout: through(gatedBackward(kernels)),
    };
  }

  /**
   * Computes residual + dropout(x + bias), the end of a transformer's attention and feed-forward blocks (bias_dropout_add of Megatron-LM, Shoeybi et
   * al. 2019).
   *
   *     y[r, c] = residual[r, c] + (keep ? (x[r, c] + bias[c]) * s : +0)        s = 1 / (1 - P(drop)), 1 in evaluation
   *
   * Each operation is rounded to the dtype. NaN and infinities of x and bias show only where they are kept; those of the residual always.
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
   * const { dx, dbias, dresidual } = fused.backward(new Float32Array(4).fill(1), ticket);
   */
  biasDropoutResidual<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: ResidualOptions<X, Y>,
  ): { y: Result<Like<X>, Y>; ticket: ResidualTicket } {
    return perform(this.#engine, this.#operations.biasDropoutResidual, x, p, options) as {
      y: Result<Like<X>, Y>;
      ticket: ResidualTicket;
    };
  }

  /**
   * Computes dropout(act(x + bias)), the step between the two matrices of a feed-forward block (fused_dropout_bias_activation of xFormers).
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
   * A dropped NaN or infinity gives +0; a kept NaN gives NaN, forward and back. At infinity the activations are what they tend to: Infinity at Infinity,
   * and 0 at -Infinity, but for "none".
   *
   * @param x matrix [rows, columns] of f32, f64, f16 or bf16; without a bias any data
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
  biasActivationDropout<X extends AnyData, Y extends AnyData | undefined = undefined>(
    x: X,
    p: number,
    options: ActivationOptions<Y> = NO_OPTIONS,
  ): { y: Result<Like<X>, Y>; ticket: ActivationTicket } {
    return perform(this.#engine, this.#operations.biasActivationDropout, x, p, options) as {
      y: Result<Like<X>, Y>;
      ticket: ActivationTicket;
    };
  }

  /**
   * Computes the layer norm of residual + dropout(x + bias), the step between the blocks of a transformer (dropout_add_layer_norm of flash-attention; layer
   * norm of Ba et al. 2016). All parts but the norm may be left out: without a residual, a bias and dropout it is layer norm alone.
   *
   *     b[r, c] = (x[r, c] + bias[c]) * layerScale[c]
   *     h[r, c] = residual[r, c] + (keep ? b[r, c] * f[r] : +0) + (keep2 ? parallel[r, c] * s : +0)        s = 1 / (1 - P(drop)), 1 in evaluation
   *     y[r, c] = (h[r, c] - mean[r]) * rstd[r] * gamma[c] + beta[c]        rstd = 1 / sqrt(variance + epsilon)
   *
   * f[r] = s * rowScale[r] / (1 - P(path drop)), rounded once; where the path of a sample is dropped, its rows have no branch x: h = residual + (+0) there,
   * whatever x is. What is left out of the options takes no part: no factor is 1 and no addend 0 that would be there without it.
   *
   * mean and variance are those of a row of h, the variance divided by the number of columns; both are found in f64, in two passes over the row while the
   * cache has it, and mean and rstd are rounded once. h is the residual stream for the next block. A NaN or infinity in a row of h makes that row of y NaN.
   *
   * The decisions of `parallel` follow in the stream on those of x, so that the ticket's length is twice that of x. The decision of sample k is that of
   * element 2^52 + start / (elements a sample) + k: parts of a batch, each with its `start`, leave out what the whole batch does.
   *
   * @param x matrix [rows, columns] of f32, f64, f16 or bf16
   * @param p drop probability in [0, 1]
   * @param options see {@link LayerNormOptions}
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
    X extends AnyData,
    Y extends AnyData | undefined = undefined,
    H extends AnyData | undefined = undefined,
    M extends Data | undefined = undefined,
    R extends Data | undefined = undefined,
    S extends AnyData | undefined = X,
  >(x: X, p: number, options: LayerNormOptions<Y, H, M, R, S>): LayerNormed<X, Y, H, M, R, S> {
    return perform(this.#engine, this.#operations.dropoutResidualLayerNorm, x, p, options) as LayerNormed<X, Y, H, M, R, S>;
  }

  /**
   * Computes the RMS norm of residual + dropout(x + bias), as {@link Fused.dropoutResidualLayerNorm} does with layer norm (Zhang, Sennrich 2019; the norm of
   * LLaMA and T5): no mean is taken away.
   *
   *     y[r, c] = h[r, c] * rstd[r] * gamma[c] + beta[c]        rstd = 1 / sqrt(mean of squares + epsilon)
   *
   * @param x matrix [rows, columns] of f32, f64, f16 or bf16
   * @param p drop probability in [0, 1]
   * @param options see {@link RMSNormOptions}
   * @returns y, h and rstd, and `ticket` for {@link Fused.backward}, which needs the last three
   * @throws TypeError and RangeError as {@link Fused.biasDropoutResidual} does
   * @example
   * import { createFused } from "wasm-dropout/fused";
   * const fused = await createFused(dropout);
   * const [x, residual, gamma] = [Float32Array.of(1, 2, 3, 4), Float32Array.of(0, 1, 0, 1), Float32Array.of(1, 1)];
   * const { y, h, rstd, ticket } = fused.dropoutResidualRMSNorm(x, 0.1, { residual, gamma, dropPath: 0.2 });
   * const { dx, dresidual, dgamma } = fused.backward(new Float32Array(4).fill(1), ticket, { h, rstd, gamma });
   */
  dropoutResidualRMSNorm<
    X extends AnyData,
    Y extends AnyData | undefined = undefined,
    H extends AnyData | undefined = undefined,
    R extends Data | undefined = undefined,
    S extends AnyData | undefined = X,
  >(x: X, p: number, options: RMSNormOptions<Y, H, R, S>): RMSNormed<X, Y, H, R, S> {
    return perform(this.#engine, this.#operations.dropoutResidualRMSNorm, x, p, options) as RMSNormed<X, Y, H, R, S>;
  }

  /**
   * Computes dropout(softmax(scale * logits + mask)) of attention scores, in causal order or not (Vaswani et al. 2017).
   *
   *     v[r, j] = scale * logits[r, j] + attentionMask[r, j], or -Infinity where a boolean mask, keyLengths or causal order leave j out
   *     y[r, j] = keep ? e^(v[r, j] - max v[r]) / sum of the same * s : +0        s = 1 / (1 - P(drop)), 1 in evaluation
   *
   * If v is -Infinity the probability is 0, and a row where it is so everywhere is +0 everywhere, never NaN. A NaN or a positive infinity that is not left
   * out makes the rest of its row NaN. Probabilities below some 2^-126 (of f64 2^-1022) times that of the maximum are 0. The sum is as near as one of f64.
   *
   * With the products before and behind it, and without the matrix of scores: {@link Attention.forward} of "wasm-dropout/attention".
   *
   * @param logits f32, f64, f16 or bf16, of the shape that the options give
   * @param p drop probability in [0, 1]
   * @param options see {@link SoftmaxOptions}
   * @returns `y`, in `out` or a new array like the logits, `probabilities` if they are asked for, and `ticket` for {@link Fused.backward}, which needs the
   * logits
   * @throws TypeError and RangeError as {@link Fused.biasDropoutResidual} does
   * @example
   * import { createFused } from "wasm-dropout/fused";
   * const fused = await createFused(dropout);
   * const logits = Float32Array.from({ length: 2 * 3 * 4 }, (_, i) => i % 5); // two heads, three queries, four keys
   * const { y, ticket } = fused.softmaxDropout(logits, 0.1, { shape: [2, 3, 4], scale: 1 / Math.sqrt(64), causal: true });
   * const { dlogits } = fused.backward(new Float32Array(24).fill(1), ticket, { logits });
   */
  softmaxDropout<X extends AnyData, Y extends AnyData | undefined = undefined, const P extends AnyData | boolean | undefined = undefined>(
    logits: X,
    p: number,
    options: SoftmaxOptions<Y, P>,
  ): Softmaxed<X, Y, P> {
    return perform(this.#engine, this.#operations.softmaxDropout, logits, p, options) as Softmaxed<X, Y, P>;
  }

  /**
   * Computes dropout(act(gate) * value), a gated linear unit (GLU variants of Shazeer 2020: SwiGLU, GEGLU), the step between the matrices of a feed-forward
   * block of today's transformers.
   *
   *     y[i] = keep ? act(gate[i]) * value[i] * s : +0        s = 1 / (1 - P(drop)), 1 in evaluation
   *
   * Gate and value are two arrays, or the halves of the rows of one, as a single matrix product gives them. A dropped NaN or infinity gives +0.
   *
   * @param x the gate, or gate and value [rows, 2 * columns], of f32, f64, f16 or bf16
   * @param p drop probability in [0, 1]
   * @param options see {@link GatedOptions}
   * @returns `y`, as long as the gate, in `out` or a new array like x, and `ticket` for {@link Fused.backward}, which needs gate and value
   * @throws TypeError and RangeError as {@link Fused.biasDropoutResidual} does
   * @example
   * import { createFused } from "wasm-dropout/fused";
   * const fused = await createFused(dropout);
   * const x = Float32Array.of(1, -2, 3, 4, 0.5, -1, 2, 1); // two rows: a gate of two columns, and a value
   * const { y, ticket } = fused.gluDropout(x, 0.1, { columns: 2, activation: "silu" });
   * const { dx } = fused.backward(new Float32Array(4).fill(1), ticket, { x });
   */
  gluDropout<X extends AnyData, Y extends AnyData | undefined = undefined>(
    x: X,
    p: number,
    options: GatedOptions<Y>,
  ): { y: Result<Like<X>, Y>; ticket: GatedTicket } {
    return perform(this.#engine, this.#operations.gluDropout, x, p, options) as { y: Result<Like<X>, Y>; ticket: GatedTicket };
  }

  /**
   * Computes the gradients of a forward call, with its mask drawn again from the ticket. Of {@link Fused.biasDropoutResidual} and
   * {@link Fused.biasActivationDropout}:
   *
   *     dx[r, c] = keep ? dy[r, c] * act'(x[r, c] + bias[c]) * s : +0        dbias[c] = dx[0, c] + dx[1, c] + ...        dresidual = dy
   *
   * act' is 1 without an activation. A gradient behind "relu" passes where x + bias > 0 and is +0 elsewhere. dbias is summed in f64 in the order of rows and
   * rounded once.
   *
   * Of {@link Fused.dropoutResidualLayerNorm}, with xhat = (h - mean) * rstd, g = dy * gamma and means over a row:
   *
   *     dresidual = (g - mean(g) - xhat * mean(g * xhat)) * rstd + dh        dx = keep ? dresidual * f * layerScale : +0
   *     dgamma[c] = sum of dy * xhat        dbeta[c] = sum of dy        dbias[c] = sum of dx
   *     dlayerScale[c] = sum of keep ? dresidual * f * (x + bias) : +0        dparallel = keep2 ? dresidual * s : +0
   *
   * Of {@link Fused.dropoutResidualRMSNorm} the same, with xhat = h * rstd and nothing in place of mean(g).
   *
   * Of {@link Fused.softmaxDropout}, with the probabilities P computed anew from the logits:
   *
   *     dP = keep ? dy * s : +0        dlogits = scale * P * (dP - sum of dP * P)
   *
   * A row in which every key is left out gets +0 everywhere.
   *
   * Of {@link Fused.gluDropout}, with d = keep ? dy * s : +0; in halves of one array where gate and value were:
   *
   *     dx = d * value * act'(gate)        dvalue = d * act(gate)
   *
   * @param dy gradient with respect to y, as long as the ticket says
   * @param ticket of a forward call, here or elsewhere
   * @param saved what backward reads again, under the names of the forward call: see {@link ActivationSaved}, {@link LayerNormSaved}, {@link RMSNormSaved}, {@link SoftmaxSaved},
   * {@link GatedSaved};
   * nothing for {@link Fused.biasDropoutResidual}
   * @param options see {@link ResidualBackwardOptions}, {@link ActivationBackwardOptions}, {@link NormBackwardOptions}, {@link SoftmaxBackwardOptions}
   * @returns the gradients, each in the array that `options` name or in a new array, or buffer, like dy; see {@link ResidualGradients},
   * {@link ActivationGradients}, {@link NormGradients}, {@link SoftmaxGradients}
   * @throws TypeError and RangeError as the forward calls do, and for a ticket of another operation or of a call that has overwritten what is read again
   * @example
   * import { createFused } from "wasm-dropout/fused";
   * const fused = await createFused(dropout);
   * const x = Float32Array.of(1, -2, 3, -4);
   * const { ticket } = fused.biasActivationDropout(x, 0.5, { activation: "silu" });
   * const { dx } = fused.backward(new Float32Array(4).fill(1), JSON.parse(JSON.stringify(ticket)), { x });
   */
  backward<
    X extends AnyData,
    DX extends AnyDataOf<DtypeOf<X>> | undefined = undefined,
    DB extends AnyDataOf<DtypeOf<X>> | false | undefined = undefined,
    DR extends AnyDataOf<DtypeOf<X>> | false | undefined = undefined,
  >(
    dy: X,
    ticket: ResidualTicket,
    saved?: ActivationSaved,
    options?: ResidualBackwardOptions<X, DX, DB, DR>,
  ): ResidualGradients<X, DX, DB, DR>;
  backward<X extends AnyData, DX extends AnyData | undefined = undefined, DB extends AnyData | false | undefined = undefined>(
    dy: X,
    ticket: ActivationTicket,
    saved?: ActivationSaved,
    options?: ActivationBackwardOptions<DX, DB>,
  ): ActivationGradients<X, DX, DB>;
  backward<
    X extends AnyData,
    H extends AnyData,
    G extends AnyData,
    DX extends AnyData | undefined = undefined,
    DR extends AnyData | false | undefined = undefined,
    DG extends AnyData | false | undefined = undefined,
    DE extends AnyData | false | undefined = undefined,
    DB extends AnyData | false | undefined = undefined,
    DL extends AnyData | false | undefined = undefined,
    DP extends AnyData | false | undefined = undefined,
  >(
    dy: X,
    ticket: NormTicket<"dropoutResidualLayerNorm">,
    saved: LayerNormSaved<H, G>,
    options?: NormBackwardOptions<DX, DR, DG, DE, DB, DL, DP>,
  ): NormGradients<X, DX, DR, DG, DE, DB, DL, DP, H, G>;
  backward<
    X extends AnyData,
    H extends AnyData,
    G extends AnyData,
    DX extends AnyData | undefined = undefined,
    DR extends AnyData | false | undefined = undefined,
    DG extends AnyData | false | undefined = undefined,
    DE extends AnyData | false | undefined = undefined,
    DB extends AnyData | false | undefined = undefined,
    DL extends AnyData | false | undefined = undefined,
    DP extends AnyData | false | undefined = undefined,
  >(
    dy: X,
    ticket: NormTicket<"dropoutResidualRMSNorm">,
    saved: RMSNormSaved<H, G>,
    options?: NormBackwardOptions<DX, DR, DG, DE, DB, DL, DP>,
  ): NormGradients<X, DX, DR, DG, DE, DB, DL, DP, H, G>;
  backward<X extends AnyData, DL extends AnyData | undefined = undefined>(
    dy: X,
    ticket: SoftmaxTicket,
    saved: SoftmaxSaved,
    options?: SoftmaxBackwardOptions<DL>,
  ): SoftmaxGradients<X, DL>;
  backward<X extends AnyData, DX extends AnyData | undefined = undefined, DV extends AnyData | undefined = undefined>(
    dy: X,
    ticket: GatedTicket,
    saved: GatedSaved,
    options?: GatedBackwardOptions<DX, DV>,
  ): GatedGradients<X, DX, DV>;
  backward(dy: AnyData, ticket: unknown, saved: unknown = NO_OPTIONS, options: unknown = NO_OPTIONS): object {
    const stored = readTicket(ticket);
    return this.#backward[stored.op](dy, stored, saved, options);
  }
}
