// Normal numbers in place of what DropBlock drops, as with_noise of drop_block_2d of timm (timm/layers/drop.py).
// Invariant: the number of a mask's element is that of its decision, [samples, channels, area] whatever the order of the data, so that elements which
// share a decision get the same number, and an element gets the same one in both orders.

import { BlockForm } from "../../src/ground/abi";
import { draw, VALUES } from "../noise/noise";
import { Normal } from "../noise/values";
import { WORDS } from "../stream/generator";
import { Params, workspace } from "../stream/params";
import { keeps } from "./runs";

/** Returns the number of the first multiple of `step` past `offset` from `at` on. */
// @ts-ignore: decorator
@inline
function countTo(at: u64, offset: u64, step: u64): u64 {
  return at > offset ? (at - offset + step - 1) / step : 0;
}

/**
 * Writes normal number start + k, as f64 if `wide`, else as f32, to each of elements first..first+n-1 whose decision k is to drop. The data are
 * [samples, channels, area], the mask is of the same order, and `form` says, in bits of BlockForm, what both look like.
 */
export function noiseDropped(
  wide: bool,
  dst: usize,
  mask: usize,
  n: usize,
  first: u64,
  channels: u64,
  area: u64,
  form: u32,
  params: Params,
): void {
  const last = (form & BlockForm.channelsLast) != 0;
  const masks: u64 = form & BlockForm.ownChannels ? channels : 1;
  const sample = channels * area;
  const values = workspace(params) + VALUES;
  const end = first + n;
  // The strides of one channel's places, in the data and in the mask.
  const stride: u64 = last ? channels : 1;
  const step: u64 = last ? masks : 1;
  let drawn: u64 = -1;
  for (let s = first / sample; s * sample < end; ++s) {
    const base = s * sample;
    const from = max<u64>(first, base) - base;
    const to = min<u64>(end - base, sample);
    const own: u64 = form & BlockForm.ownSamples ? s : 0;
    for (let c: u64 = last ? 0 : from / area; c < channels; ++c) {
      const origin = last ? c : c * area;
      const begin = countTo(from, origin, stride);
      const stop = min<u64>(countTo(to, origin, stride), area);
      if (begin >= stop && !last) break;
      const map = own * masks + (masks > 1 ? c : 0);
      const decision = params.start + map * area;
      const bits: u64 = last ? own * masks * area + (masks > 1 ? c : 0) : map * area;
      for (let a = begin; a < stop; ++a) {
        if (keeps(mask, bits + a * step)) continue;
        const index = decision + a;
        const block = index & ~(<u64>WORDS - 1);
        if (block != drawn) {
          draw<Normal>(params, block);
          drawn = block;
        }
        const z = load<f32>(values + ((<usize>index & (WORDS - 1)) << 2));
        const at = <usize>(base + origin + a * stride - first);
        if (wide) store<f64>(dst + (at << 3), z);
        else store<f32>(dst + (at << 2), z);
      }
    }
  }
}
