// The kernels: <source>_<verb>_<dtype>, as in the table of src/engine/kernels.ts.
// Made by `npm run modules` (scripts/entries.ts); pointers are byte addresses, n counts elements.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.

import { Bits } from "../epilogue/bits";
import { Both } from "../epilogue/both";
import { Bytes } from "../epilogue/bytes";
import { Scale, Scaled, Select } from "../epilogue/select";
import { popcount } from "../simd/popcount";
import { Params } from "../stream/params";
import { philox } from "../stream/philox";
import { applyStored, FromBits, FromBytes } from "../stream/stored";
import { tile, tileOrUntied } from "../stream/tile";

export function tile_mask_bits(dst: usize, n: usize, params: Params): void {
  tileOrUntied<Bits>(0, 0, dst, n, params);
}

export function tile_mask_bytes(dst: usize, n: usize, params: Params): void {
  tileOrUntied<Bytes>(dst, 0, 0, n, params);
}

export function tile_mask_f32(dst: usize, n: usize, params: Params): void {
  tileOrUntied<Select<f32, Scale<f32>>>(dst, 0, 0, n, params);
}

export function philox_mask_bits(dst: usize, n: usize, params: Params): void {
  philox<Bits>(0, 0, dst, n, params);
}

export function philox_mask_bytes(dst: usize, n: usize, params: Params): void {
  philox<Bytes>(dst, 0, 0, n, params);
}

export function philox_mask_f32(dst: usize, n: usize, params: Params): void {
  philox<Select<f32, Scale<f32>>>(dst, 0, 0, n, params);
}

export function tile_dropout_f32(dst: usize, src: usize, n: usize, params: Params): void {
  tileOrUntied<Select<f32, Scaled<f32>>>(dst, src, 0, n, params);
}

export function tile_dropout_f64(dst: usize, src: usize, n: usize, params: Params): void {
  tileOrUntied<Select<f64, Scaled<f64>>>(dst, src, 0, n, params);
}

export function philox_dropout_f32(dst: usize, src: usize, n: usize, params: Params): void {
  philox<Select<f32, Scaled<f32>>>(dst, src, 0, n, params);
}

export function philox_dropout_f64(dst: usize, src: usize, n: usize, params: Params): void {
  philox<Select<f64, Scaled<f64>>>(dst, src, 0, n, params);
}

export function tile_dropoutbits_f32(dst: usize, src: usize, bits: usize, n: usize, params: Params): void {
  tileOrUntied<Both<Select<f32, Scaled<f32>>, Bits>>(dst, src, bits, n, params);
}

export function tile_dropoutbits_f64(dst: usize, src: usize, bits: usize, n: usize, params: Params): void {
  tile<Both<Select<f64, Scaled<f64>>, Bits>>(dst, src, bits, n, params);
}

export function philox_dropoutbits_f32(dst: usize, src: usize, bits: usize, n: usize, params: Params): void {
  philox<Both<Select<f32, Scaled<f32>>, Bits>>(dst, src, bits, n, params);
}

export function philox_dropoutbits_f64(dst: usize, src: usize, bits: usize, n: usize, params: Params): void {
  philox<Both<Select<f64, Scaled<f64>>, Bits>>(dst, src, bits, n, params);
}

export function bits_apply_f32(dst: usize, src: usize, mask: usize, n: usize, params: Params): void {
  applyStored<FromBits, f32, Scaled<f32>>(dst, src, mask, n, params);
}

export function bits_apply_f64(dst: usize, src: usize, mask: usize, n: usize, params: Params): void {
  applyStored<FromBits, f64, Scaled<f64>>(dst, src, mask, n, params);
}

export function bytes_apply_f32(dst: usize, src: usize, mask: usize, n: usize, params: Params): void {
  applyStored<FromBytes, f32, Scaled<f32>>(dst, src, mask, n, params);
}

export function bytes_apply_f64(dst: usize, src: usize, mask: usize, n: usize, params: Params): void {
  applyStored<FromBytes, f64, Scaled<f64>>(dst, src, mask, n, params);
}

export function bits_popcount_u32(mask: usize, n: usize): u32 {
  return popcount(mask, n);
}
