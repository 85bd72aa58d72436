// The API of variants of dropout over one instance.

import type { DtypeOf, Like, Result } from "../core/options.js";
import type { Engine } from "../engine/engine.js";
import type { AnyData, AnyDataOf } from "../engine/operand.js";
import { perform } from "../engine/pass.js";
import { variantsBackward } from "./backward.js";
import { concreteDropout } from "./concrete.js";
import { exactDropout } from "./exact.js";
import type { VariantsKernels } from "./kernels.js";
import type {
  ConcreteDropoutOptions,
  ExactDropoutOptions,
  PatchDropoutOptions,
  RestoreOptions,
  SavedInput,
  VariantsBackwardOptions,
  ZoneoutOptions,
} from "./options.js";
import { patchDropout, restore } from "./patch.js";
import type { ConcreteDropoutTicket, ExactDropoutTicket, PatchDropoutTicket, VariantsTicket, ZoneoutTicket } from "./ticket.js";
import { zoneout } from "./zoneout.js";

const NO_OPTIONS = {};

/**
 * Variants of dropout for tokens, sequences and learned rates over a {@link Dropout} instance: on its memory, with its seed and its sequence of streams.
 * Made by {@link createVariants}.
 *
 * f16 and bf16 need {@link createHalf} of "wasm-dropout/half": they are computed with in f32 and rounded once more.
 *
 * @example
 * import { createVariants } from "wasm-dropout/variants";
 * const variants = await createVariants(dropout);
 * const { y, ticket } = variants.exactDropout(Float32Array.of(1, 2, 3, 4), 0.5); // two of four are 0, the others doubled
 * const { dx } = variants.backward(Float32Array.of(1, 1, 1, 1), ticket);
 */
export class Variants {
  readonly #engine: Engine;
  readonly #operations;

  /** @internal */
  constructor(engine: Engine, kernels: VariantsKernels) {
    this.#engine = engine;
    this.#operations = {
      exactDropout: exactDropout(kernels),
      patchDropout: patchDropout(kernels),
      restore: restore(kernels),
      zoneout: zoneout(kernels),
      concreteDropout: concreteDropout(kernels),
      backward: variantsBackward(kernels),
    };
  }

  /**
   * Dropout with an exact count: of each row of n elements round(p n) are 0, and the k others are multiplied by n / k. Each set of k is equally likely; as
   * they are those with the largest words of a stream, what is dropped at p is dropped at every larger p too. p = 0 and `training: false` copy x.
   *
   * @param x data of f32, f64, f16 or bf16
   * @param p share to drop in [0, 1]; for f16 so that n / k is below 65520
   * @param options see {@link ExactDropoutOptions}
   * @returns `y`: `out`, or a new array, or buffer, like x; and `ticket` for {@link Variants.backward}, which is plain JSON
   * @throws TypeError for a wrong kind of argument, a freed buffer or a detached array; RangeError for a value out of range, unequal lengths, overlap
   * or memory that cannot grow; in all cases nothing was written and no stream number used
   * @example
   * import { createVariants } from "wasm-dropout/variants";
   * const variants = await createVariants(dropout);
   * const { y } = variants.exactDropout(new Float32Array(12).fill(1), 0.25, { shape: [3, 4] }); // one 0 in each row
   */
  exactDropout<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: ExactDropoutOptions<Y> = NO_OPTIONS,
  ): { y: Result<Like<X>, Y>; ticket: ExactDropoutTicket } {
    return perform(this.#engine, this.#operations.exactDropout, x, p, options) as { y: Result<Like<X>, Y>; ticket: ExactDropoutTicket };
  }

  /**
   * PatchDropout: keeps max(1, floor(n (1 - p))) of the n tokens of each sample, chosen at random, and leaves out the others, so that what follows has less
   * to do. Kept tokens stay in their order and are not scaled (Liu et al. 2023; timm, PatchDropout with `ordered`). `training: false` keeps all.
   *
   * @param x data of f32, f64, f16 or bf16, [samples, tokens, features]
   * @param p share of tokens to leave out, in [0, 1)
   * @param options see {@link PatchDropoutOptions}
   * @returns `y`: the kept tokens, [samples, prefix + kept, features]; its `shape`; `indices`: the place of each in its sample, a Uint32Array
   * [samples, prefix + kept], for position embeddings; and `ticket`
   * @throws TypeError and RangeError as {@link Variants.exactDropout} does
   * @example
   * import { createVariants } from "wasm-dropout/variants";
   * const variants = await createVariants(dropout);
   * const x = Float32Array.from({ length: 2 * 5 * 3 }, (_, i) => i);
   * const { y, shape, indices, ticket } = variants.patchDropout(x, 0.5, { shape: [2, 5, 3], prefix: 1 }); // shape is [2, 3, 3]
   * const whole = variants.restore(y, ticket); // [2, 5, 3], 0 where tokens were left out
   */
  patchDropout<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: PatchDropoutOptions<Y>,
  ): { y: Result<Like<X>, Y>; shape: number[]; indices: Uint32Array<ArrayBuffer>; ticket: PatchDropoutTicket } {
    return perform(this.#engine, this.#operations.patchDropout, x, p, options) as {
      y: Result<Like<X>, Y>;
      shape: number[];
      indices: Uint32Array<ArrayBuffer>;
      ticket: PatchDropoutTicket;
    };
  }

  /**
   * Puts tokens back at their places, with +0 where others were left out.
   *
   * @param y the tokens that {@link Variants.patchDropout} kept, or what a network has made of them, [samples, prefix + kept, features]
   * @param ticket of that call
   * @param options see {@link RestoreOptions}
   * @returns `out`, or a new array, or buffer, like y: [samples, tokens, features]
   * @throws TypeError and RangeError as {@link Variants.exactDropout} does
   * @example
   * import { createVariants } from "wasm-dropout/variants";
   * const variants = await createVariants(dropout);
   * const { y, ticket } = variants.patchDropout(Float32Array.of(1, 2, 3, 4), 0.5, { shape: [1, 4, 1] });
   * const whole = variants.restore(y, ticket);
   */
  restore<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    y: X,
    ticket: PatchDropoutTicket,
    options: RestoreOptions<Y> = NO_OPTIONS,
  ): Result<Like<X>, Y> {
    return perform(this.#engine, this.#operations.restore, y, ticket, options) as Result<Like<X>, Y>;
  }

  /**
   * Zoneout: y[i] = keep(i) ? x[i] : previous[i], so that each element of a recurrent state stays as it was with probability p; outside training the mean,
   * (1 - p) x[i] + p previous[i] (Krueger et al. 2017). The decisions are those of {@link Dropout.dropout} of the same stream.
   *
   * @param x the new state, f32, f64, f16 or bf16
   * @param p probability to keep the state before, in [0, 1]
   * @param options see {@link ZoneoutOptions}
   * @returns `y`: `out`, or a new array, or buffer, like x; and `ticket`
   * @throws TypeError and RangeError as {@link Variants.exactDropout} does
   * @example
   * import { createVariants } from "wasm-dropout/variants";
   * const variants = await createVariants(dropout);
   * const { y, ticket } = variants.zoneout(Float32Array.of(1, 2), 0.1, { previous: Float32Array.of(3, 4) });
   * const { dx, dprevious } = variants.backward(Float32Array.of(1, 1), ticket);
   */
  zoneout<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: ZoneoutOptions<AnyDataOf<DtypeOf<X>>, Y>,
  ): { y: Result<Like<X>, Y>; ticket: ZoneoutTicket } {
    return perform(this.#engine, this.#operations.zoneout, x, p, options) as { y: Result<Like<X>, Y>; ticket: ZoneoutTicket };
  }

  /**
   * Concrete dropout: y[i] = x[i] m[i] / (1 - p), with a soft decision m[i] = sigmoid(-(logit p + logit u[i]) / t) of a uniform number u[i], so that p has a
   * gradient and can be learned (Gal, Hron, Kendall 2017, equation 5). `training: false` copies x. Its loss needs {@link concreteRegularizer}.
   *
   * @param x data of f32, f16 or bf16
   * @param p drop probability in [2^-20, 1 - 2^-20]
   * @param options see {@link ConcreteDropoutOptions}
   * @returns `y`: `out`, or a new array, or buffer, like x; and `ticket`
   * @throws TypeError and RangeError as {@link Variants.exactDropout} does
   * @example
   * import { createVariants } from "wasm-dropout/variants";
   * const variants = await createVariants(dropout);
   * const x = Float32Array.of(1, 2, 3, 4);
   * const { y, ticket } = variants.concreteDropout(x, 0.1);
   * const { dx, dp } = variants.backward(Float32Array.of(1, 1, 1, 1), ticket, { x });
   */
  concreteDropout<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: ConcreteDropoutOptions<Y> = NO_OPTIONS,
  ): { y: Result<Like<X>, Y>; ticket: ConcreteDropoutTicket } {
    return perform(this.#engine, this.#operations.concreteDropout, x, p, options) as {
      y: Result<Like<X>, Y>;
      ticket: ConcreteDropoutTicket;
    };
  }

  /**
   * Computes the gradient of a forward call, its decisions drawn again from the ticket.
   *
   * @param dy gradient with respect to y, of the dtype of x, as long as y
   * @param ticket of the forward call, here or elsewhere
   * @param saved `{ x }` of Concrete dropout; of the others nothing
   * @param options see {@link VariantsBackwardOptions}
   * @returns `dx`, in `options.dx` or a new array, or buffer, like dy; of zoneout also `dprevious`; of Concrete dropout also `dp`, a number
   * @throws TypeError and RangeError as {@link Variants.exactDropout} does
   * @example
   * import { createVariants } from "wasm-dropout/variants";
   * const variants = await createVariants(dropout);
   * const { y, ticket } = variants.exactDropout(Float32Array.of(1, 2, 3, 4), 0.5);
   * const { dx } = variants.backward(y, JSON.parse(JSON.stringify(ticket)));
   */
  backward<X extends AnyData, T extends VariantsTicket, DX extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    dy: X,
    ticket: T,
    saved: SavedInput<AnyDataOf<DtypeOf<X>>> = NO_OPTIONS,
    options: VariantsBackwardOptions<DX> = NO_OPTIONS,
  ): { dx: Result<Like<X>, DX> } & (T extends ZoneoutTicket ? { dprevious: Result<Like<X>, DX> } : unknown) &
    (T extends ConcreteDropoutTicket ? { dp: number } : unknown) {
    return perform(this.#engine, this.#operations.backward, dy, ticket, saved, options) as never;
  }
}
