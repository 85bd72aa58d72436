// 16-bit data: teaches an instance f16 and bf16, and converts.

import type { Context, Result } from "../core/dropout.js";
import type { BufferOf, WasmBuffer } from "../engine/buffer.js";
import { framed, parts } from "../engine/frame.js";
import { bindKernels } from "../engine/kernels.js";
import type { AnyDataOf, Operand } from "../engine/operand.js";
import { checkChoice, checkObject } from "../ground/check.js";
import { type Arrays, DTYPES, type Float16, HALF_DTYPES, type HalfDtype } from "../ground/dtypes.js";
import { CONVERT, type ConvertKernels, HALF } from "./kernels.js";

/** Where a conversion writes, with an output of type Y: undefined for one that the call makes. */
export interface ConvertOptions<Y> {
  /** As long as the input, and apart from it. By default a new array, or a buffer if the input is one. */
  out?: Y;
}

/** 16-bit data: their bits in a Uint16Array or a buffer, or a Float16Array. */
export type HalfData = Uint16Array | Float16 | WasmBuffer<HalfDtype>;

const NO_OPTIONS = {};

/**
 * Conversion between f32 and the two 16-bit formats, "f16" (IEEE 754 binary16) and "bf16" (bfloat16: the upper half of an f32). Made by
 * {@link createHalf}, which also has the instance take such data in `dropout`, `forward` and `backward`, and in the operations of "wasm-dropout/shapes",
 * "/noise", "/fused" and "/monte-carlo" and the weight scaling of "/linear". They compute in f32 and round once; a NaN that is computed with becomes the
 * quiet NaN without a sign.
 */
export class Half {
  readonly #context: Context;
  readonly #kernels: ConvertKernels;

  /** @internal */
  constructor(context: Context, exports: WebAssembly.Exports) {
    this.#context = context;
    this.#kernels = bindKernels<ConvertKernels>(exports, CONVERT);
    bindKernels(exports, HALF, context.kernels as never);
    const { convert } = this.#kernels;
    context.call.dtypes = [...DTYPES, ...HALF_DTYPES];
    context.call.conversions = HALF_DTYPES.map((dtype) => ({ dtype, widen: convert[dtype].f32, narrow: convert.f32[dtype] }));
  }

  /**
   * 16-bit data as f32: exact, subnormals and infinities too; the payload of a NaN is kept.
   *
   * @param x a Uint16Array with the bits, a buffer of `dtype`, or, of "f16", a Float16Array
   * @param dtype what they are
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
   * f32 data in 16 bits: rounded to nearest, ties to even, subnormals included; beyond the largest number infinite. Every NaN becomes the quiet NaN
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

  #convert(
    x: unknown,
    from: HalfDtype | "f32",
    to: HalfDtype | "f32",
    options: ConvertOptions<unknown>,
    kernel: (dst: number, src: number, n: number) => undefined,
  ): unknown {
    return framed(this.#context, (frame) => {
      checkObject(options, "options", "object");
      const { out } = options;
      const { length } = Object(x) as { length: number };
      const input: Operand = frame.input(x, "x", from, length);
      const { operand: output, array } = frame.output(out, "out", to, length, x);
      // The kernels convert by themselves.
      for (const operand of [input, output]) operand.convert(undefined);
      frame.stage(input);
      frame.stage(output);
      for (const { at, count } of parts(length)) {
        kernel(output.enter(at, count), input.enter(at, count), count);
        output.leave(at, count);
      }
      return array;
    });
  }
}
