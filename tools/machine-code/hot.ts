// The table of hot loops, and the number of elements that a pass of each serves. Compilers unroll, so elements are counted by marks: instructions that
// stand in a loop once for so many elements and nowhere else.

import type { Instruction } from "./assembly.js";

/** The hot loop of some functions. */
export interface Hot {
  /** The functions, by names of wat.ts. */
  readonly functions: RegExp;
  readonly mark: RegExp;
  /** A second instruction that the loop has, where other loops have the mark too. */
  readonly beside?: RegExp;
  /** Elements that a mark stands for. */
  readonly elements: number;
  /** The unit to count in place of elements. */
  readonly unit?: string;
}

/** An instruction as marks see it. */
export function textOf({ mnemonic, operands }: Instruction): string {
  return `${mnemonic} ${operands}`;
}

// An instruction that spills a register is no store, see classes.ts.
const STORE = /^v?mov\w+ XMMWORD PTR \[(?!r[bs]p[-+]0x[0-9a-f]+\])/;
const MULTIPLY_F32 = /^v?mulps/;
const MULTIPLY_F64 = /^v?mulpd/;
const DIVIDE_F64 = /^v?divpd/;

/** The rotation by 11 in xoshiro128's step, beside the comparison with the threshold. */
export const GENERATOR = { mark: /^v?psrld .*,0x15$/, beside: /^v?p(min|max)ub/, elements: 16 } as const;

/** All of them; a function that fits several has the first. */
export const HOT: readonly Hot[] = [
  // The loop that takes two tiles, 4,096 elements apart, at once.
  { functions: /^stream\/tile\/tile(OrUntied)?<epilogue\/(bytes\/Bytes|bits\/Bits)>/, ...GENERATOR, beside: /\+0x(1000|200)\]/ },
  { functions: /^stream\/tile\/tile(OrUntied)?</, ...GENERATOR },
  { functions: /^stream\/philox\/philox</, mark: /^v?pminud/, elements: 4 },
  // Ten rounds for 32 words, each with eight multiplications.
  { functions: /^stream\/generator\/philox8$/, mark: /^v?pmuludq/, elements: 32 / 80 },
  { functions: /^stream\/stored\/stored<.*,f32,.*Scaled/, mark: STORE, elements: 4 },
  { functions: /^stream\/stored\/stored<.*,f64,.*Scaled/, mark: STORE, elements: 2 },
  { functions: /^stream\/stored\/stored<.*,u16,.*Scaled/, mark: STORE, elements: 8 },
  { functions: /^simd\/popcount\//, mark: /^v?pmaddubsw/, elements: 128 },

  { functions: /^half\/index\/bf16_convert_f32$|^half\/values\/widen</, mark: STORE, elements: 4 },
  { functions: /^half\/values\/narrow</, mark: STORE, elements: 8 },

  { functions: /^fused\/bytes\/bytes<.*<f32,/, mark: STORE, beside: /^v?(punpckhbw|pmovsxbw)/, elements: 4 },
  { functions: /^fused\/bytes\/bytes<.*<f64,/, mark: STORE, beside: /^v?(punpckhbw|pmovsxbw)/, elements: 2 },
  { functions: /^fused\/passes\/\w+#first$/, mark: /^v?minps/, elements: 4 },
  { functions: /^fused\/passes\/\w+#middle$/, mark: /^v?divps/, elements: 4 },
  { functions: /^fused\/passes\/\w+#last$/, mark: /^v?pslld/, elements: 4 },
  { functions: /^fused\/gated\/overGate<f32,.*Product</, mark: STORE, elements: 4 },
  { functions: /^fused\/gated\/overGate<f32,.*Slopes</, mark: STORE, elements: 2 },
  { functions: /^fused\/sum\/addRows<f64>$/, mark: /^v?addpd/, elements: 2 },
  { functions: /^fused\/sum\/addRows<f32>$/, mark: /^v?cvtps2pd/, elements: 2 },
  { functions: /^fused\/rows\/overColumns<f32,.*Join<.*ByMask,.*(Plus|Affine)>/, mark: STORE, elements: 4 },
  { functions: /^fused\/statistics\/deviation<f32>$/, mark: /^v?cvtps2pd/, elements: 2 },
  { functions: /^fused\/rows\/overColumns<f32,.*(Normalise|Branch)>/, mark: STORE, elements: 4 },
  // Two sums.
  { functions: /^fused\/rows\/overColumns<f32,.*Project</, mark: /^v?cvtps2pd/, elements: 1 },
  // Two results in f32, two sums in f64.
  { functions: /^fused\/rows\/overColumns<f32,.*Gradients<.*ByMask,.*Plus>/, mark: STORE, elements: 4 / 6 },
  { functions: /^fused\/powers\/peak<f32,.*Unscaled>$/, mark: /^v?maxps/, elements: 4 },
  { functions: /^fused\/powers\/narrow<.*Unscaled>/, mark: /^v?maxps/, elements: 4 },
  { functions: /^fused\/powers\/raise$/, mark: /^v?pslld/, elements: 4 },
  { functions: /^fused\/rows\/overColumns<f32,.*(softmax\/Finish|Weigh<.*ByMask|Slopes)/, mark: STORE, elements: 4 },

  { functions: /^attention\/products\/sums<.*FourByEight>/, mark: MULTIPLY_F32, elements: 4, unit: "product" },
  // Sums in f64 of half a vector each.
  { functions: /^attention\/forward\/powers<.*v128.*Drawn>/, mark: /^v?cvtps2pd/, elements: 2 },
  { functions: /^attention\/gradient\/slope<.*v128/, mark: STORE, elements: 2 },

  { functions: /^noise\/noise\/draw</, mark: STORE, elements: 4 },
  { functions: /^noise\/noise\/noise<.*Epilogue<f32,/, mark: STORE, elements: 4 },
  { functions: /^noise\/noise\/noise<.*Epilogue<f64,/, mark: STORE, elements: 2 },

  { functions: /^shapes\/runs\/(separate|shared)Run<f32,/, mark: STORE, elements: 4 },
  { functions: /^shapes\/runs\/(separate|shared)Run<f64,/, mark: STORE, elements: 2 },

  {
    functions: /^linear\/forward\/(dots4<f32,.*Bytes>|dots8<f32>)$|^linear\/gradients\/add4<f32,.*Bytes/,
    mark: MULTIPLY_F32,
    elements: 4,
    unit: "product",
  },
  {
    functions: /^linear\/forward\/(dots4<f64,.*Bytes>|dots8<f64>)$|^linear\/gradients\/add4<f64,.*Bytes/,
    mark: MULTIPLY_F64,
    elements: 2,
    unit: "product",
  },
  { functions: /^linear\/index\/matrix_\w+_f32$/, mark: STORE, elements: 4 },
  { functions: /^linear\/index\/matrix_\w+_f64$/, mark: STORE, elements: 2 },
  { functions: /^linear\/(index\/none_sample_f32$|sample\/sample<f32,)/, mark: STORE, elements: 4 },
  { functions: /^linear\/(index\/none_sample_f64$|sample\/sample<f64,)/, mark: STORE, elements: 2 },

  { functions: /^variants\/index\/\w+_(scale|choose|mix)_f32$|^variants\/concrete\/soften$/, mark: STORE, elements: 4 },
  { functions: /^variants\/index\/\w+_(scale|choose|mix)_f64$/, mark: STORE, elements: 2 },

  { functions: /^monte-carlo\/(welford\/welford|rows\/entropy)</, mark: DIVIDE_F64, elements: 2 },
  // Powers, not the division by their sum.
  { functions: /^monte-carlo\/rows\/softmax</, mark: /^v?roundpd/, elements: 2 },
];
