// The kernels of 16-bit data: those of assembly/core/index.ts, and conversion from and to f32, as in the table of src/half/kernels.ts.
// Made by `npm run modules` (scripts/entries.ts); pointers are byte addresses, n counts elements.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.

import { Bits } from "../epilogue/bits";
import { Both } from "../epilogue/both";
import { Select } from "../epilogue/select";
import { Params } from "../stream/params";
import { philox } from "../stream/philox";
import { applyStored, FromBits, FromBytes } from "../stream/stored";
import { tile } from "../stream/tile";
import { BF16, F16 } from "./formats";
import { narrow, ScaledHalf, widen } from "./values";

export function tile_dropout_f16(dst: usize, src: usize, n: usize, params: Params): void {
  tile<Select<u16, ScaledHalf<F16>>>(dst, src, 0, n, params);
}

export function tile_dropout_bf16(dst: usize, src: usize, n: usize, params: Params): void {
  tile<Select<u16, ScaledHalf<BF16>>>(dst, src, 0, n, params);
}

export function philox_dropout_f16(dst: usize, src: usize, n: usize, params: Params): void {
  philox<Select<u16, ScaledHalf<F16>>>(dst, src, 0, n, params);
}

export function philox_dropout_bf16(dst: usize, src: usize, n: usize, params: Params): void {
  philox<Select<u16, ScaledHalf<BF16>>>(dst, src, 0, n, params);
}

export function tile_dropoutbits_f16(dst: usize, src: usize, bits: usize, n: usize, params: Params): void {
  tile<Both<Select<u16, ScaledHalf<F16>>, Bits>>(dst, src, bits, n, params);
}

export function tile_dropoutbits_bf16(dst: usize, src: usize, bits: usize, n: usize, params: Params): void {
  tile<Both<Select<u16, ScaledHalf<BF16>>, Bits>>(dst, src, bits, n, params);
}

export function philox_dropoutbits_f16(dst: usize, src: usize, bits: usize, n: usize, params: Params): void {
  philox<Both<Select<u16, ScaledHalf<F16>>, Bits>>(dst, src, bits, n, params);
}

export function philox_dropoutbits_bf16(dst: usize, src: usize, bits: usize, n: usize, params: Params): void {
  philox<Both<Select<u16, ScaledHalf<BF16>>, Bits>>(dst, src, bits, n, params);
}

export function bits_apply_f16(dst: usize, src: usize, mask: usize, n: usize, params: Params): void {
  applyStored<FromBits, u16, ScaledHalf<F16>>(dst, src, mask, n, params);
}

export function bits_apply_bf16(dst: usize, src: usize, mask: usize, n: usize, params: Params): void {
  applyStored<FromBits, u16, ScaledHalf<BF16>>(dst, src, mask, n, params);
}

export function bytes_apply_f16(dst: usize, src: usize, mask: usize, n: usize, params: Params): void {
  applyStored<FromBytes, u16, ScaledHalf<F16>>(dst, src, mask, n, params);
}

export function bytes_apply_bf16(dst: usize, src: usize, mask: usize, n: usize, params: Params): void {
  applyStored<FromBytes, u16, ScaledHalf<BF16>>(dst, src, mask, n, params);
}

export function f16_convert_f32(dst: usize, src: usize, n: usize): void {
  widen<F16>(dst, src, n);
}

export function bf16_convert_f32(dst: usize, src: usize, n: usize): void {
  widen<BF16>(dst, src, n);
}

export function f32_convert_f16(dst: usize, src: usize, n: usize): void {
  narrow<F16>(dst, src, n);
}

export function f32_convert_bf16(dst: usize, src: usize, n: usize): void {
  narrow<BF16>(dst, src, n);
}
