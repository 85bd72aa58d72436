// 16-bit data: an instance that knows f16 and bf16, and conversions.

import { Dropout } from "../core/dropout.js";
import type { Result } from "../core/options.js";
import type { BufferOf, WasmBuffer } from "../engine/buffer.js";
import type { Engine } from "../engine/engine.js";
import type { HalfKernels } from "../engine/kernels.js";
import type { AnyDataOf } from "../engine/operand.js";
import { type Operation, perform } from "../engine/pass.js";
import { parts } from "../engine/pieces.js";
import { checkChoice } from "../ground/check.js";
import { type Arrays, type BufferDtype, type Float16, HALF_DTYPES, type HalfDtype } from "../ground/dtypes.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import type { ConvertKernels } from "./kernels.js";

/** Options of a conversion, with an output of type Y: undefined for one that the call makes. */
export interface ConvertOptions<Y> {
  /** The array to write to: as long as the input, and apart from it. By default a new array, or a buffer if the input is one. */
  out?: Y;
}
const CONVERT_KEYS: Known = /* @__PURE__ */ known("out");

/** 16-bit data: their bits in a Uint16Array or a buffer, or a Float16Array. */
export type HalfData = Uint16Array | Float16 | WasmBuffer<HalfDtype>;

const NO_OPTIONS = {};

/** The checked arguments of a conversion. */
interface ConvertPlan {
  readonly x: unknown;
  readonly from: BufferDtype;
  readonly to: BufferDtype;
  readonly out: unknown;
  readonly kernel: (dst: number, src: number, n: number) => undefined;
}

const CONVERT: Operation<[ConvertPlan], ConvertPlan, unknown> = {
  read: (plan) => plan,
  take(pass, { x, from, to, out, kernel }) {
    const input = pass.ofDtype(x, "x", from);
    const output = pass.output(out, "out", to, input.length, x);
    const [src, dst] = [pass.stageStored(input), pass.stageStored(output)];
    return () => {
      for (const { at, count } of parts(input.length)) {
        kernel(dst.enter(at, count), src.enter(at, count), count);
        dst.leave(at, count);
      }
      return output.array;
    };
  },
};

/**
 * 16-bit data in two formats, "f16" (IEEE 754 binary16) and "bf16" (bfloat16: the upper half of an f32): conversion to and from f32, and an instance
 * that takes such data. Made by {@link createHalf}. Decisions do not depend on the dtype; arithmetic is f32, rounded once more to the dtype, to
 * nearest and ties to even. Arithmetic on a NaN gives the quiet NaN without a sign.
 */
export class Half {
  /**
   * The instance that was extended, over the same memory and the same sequence of streams, that also takes f16 and bf16: buffers of these dtypes,
   * Float16Arrays, and Uint16Arrays with option `dtype`. The extensions of this instance take them too: those of "wasm-dropout/shapes", "/noise",
   * "/fused" and "/monte-carlo", and the weight scaling of "/linear".
   */
  readonly dropout: Dropout;
  readonly #engine: Engine;
  readonly #kernels: ConvertKernels;

  /** @internal */
  constructor(engine: Engine, kernels: HalfKernels & ConvertKernels) {
    const { convert } = kernels;
    const conversions = HALF_DTYPES.map((dtype) => ({ dtype, widen: convert[dtype].f32, narrow: convert.f32[dtype] }));
    this.#engine = engine;
    this.#kernels = kernels;
    this.dropout = Dropout._over(engine.withHalf(kernels, conversions));
  }

  /**
   * Converts 16-bit data to f32: exact, subnormals and infinities too; the payload of a NaN is kept.
   *
   * @param x a Uint16Array with the bits, a buffer of `dtype`, or, of "f16", a Float16Array
   * @param dtype format of x
   * @param options see {@link ConvertOptions}
   * @returns `out`, or a new Float32Array, or an "f32" buffer for a buffer
   * @throws TypeError for a wrong kind of argument; RangeError for an unknown dtype, unequal lengths, overlap or memory that cannot grow
   * @example
   * import { createHalf } from "wasm-dropout/half";
   * const half = await createHalf(dropout);
   * const x = half.toFloat32(Uint16Array.of(0x3c00, 0xc000), "f16"); // 1 and -2
   */
  toFloat32<X extends HalfData, Y extends Float32Array | WasmBuffer<"f32"> | undefined = undefined>(
    x: X,
    dtype: HalfDtype,
    options: ConvertOptions<Y> = NO_OPTIONS,
  ): Result<X extends WasmBuffer ? WasmBuffer<"f32"> : Arrays<ArrayBuffer>["f32"], Y> {
    checkChoice(dtype, "dtype", HALF_DTYPES);
    return this.#convert(x, dtype, "f32", options, this.#kernels.convert[dtype].f32) as never;
  }

  /**
   * Converts f32 data to 16 bits: rounded to nearest, ties to even, subnormals included; beyond the largest number infinite. Every NaN becomes the quiet NaN
   * without a sign.
   *
   * @param x a Float32Array or a buffer of "f32"
   * @param dtype the format to convert to
   * @param options see {@link ConvertOptions}
   * @returns `out`, or a new Uint16Array with the bits, or a buffer of `dtype` for a buffer
   * @throws TypeError and RangeError as {@link Half.toFloat32} does
   * @example
   * import { createHalf } from "wasm-dropout/half";
   * const half = await createHalf(dropout);
   * const bits = half.fromFloat32(Float32Array.of(1, -2), "bf16"); // 0x3f80 and 0xc000
   */
  fromFloat32<X extends Float32Array | WasmBuffer<"f32">, D extends HalfDtype, Y extends AnyDataOf<D> | undefined = undefined>(
    x: X,
    dtype: D,
    options: ConvertOptions<Y> = NO_OPTIONS,
  ): Result<X extends WasmBuffer ? BufferOf<D> : Arrays<ArrayBuffer>[D], Y> {
    checkChoice(dtype, "dtype", HALF_DTYPES);
    return this.#convert(x, "f32", dtype, options, this.#kernels.convert.f32[dtype]) as never;
  }

  #convert(x: unknown, from: BufferDtype, to: BufferDtype, options: ConvertOptions<unknown>, kernel: ConvertPlan["kernel"]): unknown {
    checkOptions(options, CONVERT_KEYS);
    const { out } = options;
    return perform(this.#engine, CONVERT, { x, from, to, out, kernel });
  }
}
