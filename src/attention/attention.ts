// The API of attention over one instance.

import type { Engine } from "../engine/engine.js";
import type { DataOf } from "../engine/operand.js";
import { perform } from "../engine/pass.js";
import { attentionBackward } from "./backward.js";
import { attentionForward } from "./forward.js";
import type { AttentionKernels } from "./kernels.js";
import type { Attended, AttentionBackwardOptions, AttentionGradients, AttentionOptions, AttentionSaved, Rows } from "./options.js";
import type { AttentionTicket } from "./ticket.js";

const NO_OPTIONS = {};

/**
 * Attention with dropout over a {@link Dropout} instance: on its memory, with its streams. Made by {@link createAttention}.
 *
 * The scores are computed blockwise and never kept: beside operands and results a call needs memory for a block of queries and a block of keys, and
 * backward for a number a query, or for 16-bit data for dq of the heads that share keys in f32. Every method takes ordinary typed arrays of any length, streamed
 * through a small staging area, or buffers, used where they lie. f16 and bf16 need {@link createHalf} of "wasm-dropout/half": they are computed with in f32
 * and results rounded once.
 */
export class Attention {
  readonly #engine: Engine;
  readonly #operations;

  /** @internal */
  constructor(engine: Engine, kernels: AttentionKernels) {
    this.#engine = engine;
    this.#operations = { forward: attentionForward(kernels), backward: attentionBackward(kernels) };
  }

  /**
   * Computes scaled dot-product attention with dropout of its probabilities (Vaswani et al. 2017, sections 3.2.1 and 5.4), blockwise (Dao et al. 2022; Dao
   * 2023), for each batch entry and head:
   *
   *     s[i, j] = scale * q[i] . k[j] + attentionMask[i, j], or -Infinity where a boolean mask, keyLengths or causal order leave j out
   *     y[i] = sum over j of v[j] * (keep ? e^s[i, j] / sum of the same * f : +0)        f = 1 / (1 - P(drop)), 1 in evaluation
   *
   * The decisions are those that {@link Fused.softmaxDropout} draws for the whole matrix of scores, [batch, heads, queries, keys], from the same stream. A
   * query that sees no key gives +0 everywhere, never NaN, and log-sum-exp -Infinity. A NaN or a positive infinity among the scores that are not left
   * out makes y of its query NaN, unless all its keys are dropped. Keys that are left out or dropped take nothing of v, whatever stands there.
   *
   * @param q queries, f32, f16 or bf16, of the shape that the options give
   * @param p drop probability in [0, 1]
   * @param options see {@link AttentionOptions}
   * @returns `y`, in `out` or a new array like q; `logSumExp`; and `ticket` for {@link Attention.backward}, which reads q, k, v and both results again
   * @throws TypeError for a wrong kind of argument; RangeError for a value out of range, lengths or shapes that do not fit, overlap or memory that cannot
   * grow; in all cases nothing was written and no stream number used
   * @example
   * import { createAttention } from "wasm-dropout/attention";
   * const attention = await createAttention(dropout);
   * const numbers = (length) => Float32Array.from({ length }, (_, i) => Math.sin(i));
   * const [q, k, v] = [numbers(2 * 4 * 10 * 8), numbers(2 * 2 * 12 * 8), numbers(2 * 2 * 12 * 8)];
   * const { y, logSumExp, ticket } = attention.forward(q, 0.1, {
   *   ...{ k, v, shape: [2, 4, 10, 8], kShape: [2, 2, 12, 8] }, // [batch, heads, n, d]: two heads of q share one of k and v
   *   causal: true,
   * });
   */
  forward<X extends Rows, Y extends Rows | undefined = undefined, L extends DataOf<"f32"> | undefined = undefined>(
    q: X,
    p: number,
    options: AttentionOptions<Y, L>,
  ): Attended<X, Y, L> {
    return perform(this.#engine, this.#operations.forward, q, p, options) as Attended<X, Y, L>;
  }

  /**
   * Computes the gradients, with scores computed anew and the mask drawn again from the ticket. With P the probabilities, which logSumExp gives anew:
   *
   *     dP[i, j] = keep ? dy[i] . v[j] * f : +0        dS = P * (dP - dy[i] . y[i])
   *     dq[i] = scale * sum over j of dS[i, j] k[j]        dk[j] = scale * sum over i of dS[i, j] q[i]
   *     dv[j] = sum over i of (keep ? P[i, j] * f : +0) dy[i]
   *
   * dk and dv of heads that several heads of q share are sums over these. A query that sees no key gets +0 and gives +0.
   *
   * @param dy gradient with respect to y, as long as the ticket says
   * @param ticket of a forward call, here or elsewhere
   * @param saved what backward reads again, under the names of the forward call: see {@link AttentionSaved}
   * @param options see {@link AttentionBackwardOptions}
   * @returns `dq`, `dk` and `dv`, each in the array that the options name or in a new array, or buffer, like dy; undefined where the option is false
   * @throws TypeError and RangeError as {@link Attention.forward} does, and for a ticket of another operation or of a call that has overwritten q
   * @example
   * import { createAttention } from "wasm-dropout/attention";
   * const attention = await createAttention(dropout);
   * const [q, k, v] = [1, 2, 3].map((salt) => Float32Array.from({ length: 6 * 4 }, (_, i) => Math.sin(salt * i)));
   * const { y, logSumExp, ticket } = attention.forward(q, 0.1, { k, v, shape: [6, 4] });
   * const dy = new Float32Array(y.length).fill(1);
   * const { dq, dk, dv } = attention.backward(dy, JSON.parse(JSON.stringify(ticket)), { q, k, v, y, logSumExp });
   */
  backward<
    X extends Rows,
    DQ extends Rows | false | undefined = undefined,
    DK extends Rows | false | undefined = undefined,
    DV extends Rows | false | undefined = undefined,
  >(
    dy: X,
    ticket: AttentionTicket,
    saved: AttentionSaved,
    options: AttentionBackwardOptions<DQ, DK, DV> = NO_OPTIONS,
  ): AttentionGradients<X, DQ, DK, DV> {
    return perform(this.#engine, this.#operations.backward, dy, ticket, saved, options) as AttentionGradients<X, DQ, DK, DV>;
  }
}
