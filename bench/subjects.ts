// What is measured: every kernel of the table, the references beside it, and the API that a user calls, over n elements each.

import { Dropout } from "../src/dropout.js";
import { byteLength, DTYPES, type Dtype, type MaskFormat, type StoredFormat } from "../src/dtypes.js";
import { instantiate } from "../src/instantiate.js";
import { bindKernels, CORE, type Kernels, rowsOf, type StreamKind } from "../src/kernels.js";
import { type Draw, MAX_BYTES, Memory, PARAMS } from "../src/memory.js";
import { scale, threshold } from "../src/probability.js";
import { Words } from "../src/words.js";
import type { Description } from "./results.js";

/** The drop probability of the subjects whose names give none. */
export const P = 0.1;
/** Another, where branches on decisions would be mispredicted most. */
const EVEN = 0.5;

/** One thing to measure. */
export interface Subject extends Description {
  readonly call: () => void;
}

/** The exports of bench/assembly/reference.ts. */
interface Reference {
  copy_bytes: (dst: number, src: number, bytes: number) => void;
  multiply_f32: (dst: number, src: number, n: number, scale: number) => void;
}

type Kernel = (...args: number[]) => number | undefined;
type Table = Record<string, Record<string, Record<string, Kernel>>>;

/**
 * The subjects over `n` elements, in memories of their own, all pages of which have been touched.
 *
 * @param kernels build/simd.wasm or build/scalar.wasm
 * @param reference build/reference.wasm
 * @param n a multiple of 16
 */
export function makeSubjects(kernels: WebAssembly.Module, reference: WebAssembly.Module, n: number): Subject[] {
  const memory = new Memory(MAX_BYTES);
  const place = new Placement(memory, n);
  return [
    ...referenceSubjects(instantiate(reference, memory.wasm) as unknown as Reference, place),
    ...kernelSubjects(bindKernels<Kernels>(instantiate(kernels, memory.wasm), CORE), place),
    ...apiSubjects(new Dropout(kernels, { seed: 1 }), n),
  ];
}

/** Where the operands lie: data of ones to read, room for results, and a mask of each stored form. */
class Placement {
  readonly src: Record<Dtype, number>;
  readonly dst: Record<Dtype, number>;
  readonly mask: Record<StoredFormat, number>;

  constructor(
    readonly memory: Memory,
    readonly n: number,
  ) {
    const allocate = (dtype: Dtype | StoredFormat) => memory.allocate(dtype, n, "size");
    this.src = { f32: allocate("f32"), f64: allocate("f64") };
    this.dst = { f32: allocate("f32"), f64: allocate("f64") };
    this.mask = { bits: allocate("bits"), bytes: allocate("bytes") };
    for (const dtype of DTYPES) {
      for (const pointer of [this.src[dtype], this.dst[dtype]]) memory.view(dtype, pointer, n).fill(1);
    }
  }
}

function referenceSubjects({ copy_bytes, multiply_f32 }: Reference, { src, dst, n }: Placement): Subject[] {
  const group = "reference";
  const copies = DTYPES.map((dtype): Subject => {
    const [to, from, bytes] = [dst[dtype], src[dtype], byteLength(dtype, n)];
    const name = `copy_${dtype}`;
    return { name, group, copy: name, bytes: 2 * bytes, call: () => copy_bytes(to, from, bytes) };
  });
  const factor = scale(threshold(P, "tile"), "tile", "f32");
  const call = () => multiply_f32(dst.f32, src.f32, n, factor);
  return [...copies, { name: "multiply_f32", group, copy: "copy_f32", bytes: 2 * byteLength("f32", n), call }];
}

function kernelSubjects(kernels: Table, { memory, src, dst, mask, n }: Placement): Subject[] {
  const seed = new Words();
  const stream = new Words();
  const drawing = (kernel: Kernel, p: number, kind: StreamKind, dtype: Dtype, a: number, b?: number, c?: number) => {
    const t = threshold(p, kind);
    const draw: Draw = { seed, stream, threshold: t, scale: scale(t, kind, dtype) };
    // Each call has a stream of its own: a branch predictor learns a mask that comes again.
    const prepare = () => {
      stream.increment();
      memory.writeParams(draw, 0);
    };
    return () => {
      prepare();
      if (b === undefined) kernel(a, n, PARAMS);
      else if (c === undefined) kernel(a, b, n, PARAMS);
      else kernel(a, b, c, n, PARAMS);
    };
  };

  const subjectsOf = ([verb, source, dtype]: ReturnType<typeof rowsOf<(typeof CORE)[number]>>[number]): Subject[] => {
    const row = `${source}_${verb}_${dtype}`;
    const kernel = kernels[verb]?.[source]?.[dtype];
    if (kernel === undefined) throw new TypeError(`no kernel ${row}`);
    const subject = (suffix: string, type: Dtype, bytes: number, call: () => void): Subject => ({
      name: row + suffix,
      group: "kernel",
      copy: `copy_${type}`,
      bytes,
      call,
    });
    const both = (make: (p: number, suffix: string) => Subject[]) => [...make(P, ""), ...make(EVEN, `, p = ${EVEN}`)];
    switch (verb) {
      case "mask": {
        const to = { ...mask, f32: dst.f32 }[dtype as MaskFormat];
        const bytes = byteLength(dtype as MaskFormat, n);
        return both((p, suffix) => [subject(suffix, "f32", bytes, drawing(kernel, p, source as StreamKind, "f32", to))]);
      }
      case "dropout": {
        const type = dtype as Dtype;
        const bytes = 2 * byteLength(type, n);
        const call = (p: number, from: number) => drawing(kernel, p, source as StreamKind, type, dst[type], from);
        // In place, the data soon is all zeros, which costs the kernels the same.
        return both((p, suffix) => [
          subject(suffix, type, bytes, call(p, src[type])),
          subject(` in place${suffix}`, type, bytes, call(p, dst[type])),
        ]);
      }
      case "dropoutbits": {
        const type = dtype as Dtype;
        const bytes = 2 * byteLength(type, n) + byteLength("bits", n);
        return both((p, suffix) => [
          subject(suffix, type, bytes, drawing(kernel, p, source as StreamKind, type, dst[type], src[type], mask.bits)),
        ]);
      }
      case "apply": {
        const type = dtype as Dtype;
        const format = source as StoredFormat;
        const bytes = 2 * byteLength(type, n) + byteLength(format, n);
        return [subject("", type, bytes, drawing(kernel, P, "tile", type, dst[type], src[type], mask[format]))];
      }
      case "popcount":
        return [subject("", "f32", byteLength("bits", n), () => kernel(mask.bits, n))];
    }
  };
  const subjects = rowsOf(CORE).flatMap(subjectsOf);
  // So that stored masks hold decisions even where a filter leaves out what writes them, drawn at P.
  for (const { name, call } of subjects) if (name.includes("_mask_") && !name.includes(",")) call();
  return subjects;
}

function apiSubjects(dropout: Dropout, n: number): Subject[] {
  const shared = { group: "api", copy: "copy_f32", bytes: 2 * byteLength("f32", n) } as const;
  const [x, y] = [dropout.alloc("f32", n), dropout.alloc("f32", n)];
  const [array, out] = [new Float32Array(n).fill(1), new Float32Array(n).fill(1)];
  x.array.fill(1);
  const { ticket } = dropout.forward(x, P, { out: y });
  return [
    { ...shared, name: "Dropout.dropout(buffer)", call: () => dropout.dropout(x, P, { out: y }) },
    { ...shared, name: "Dropout.backward(buffer)", call: () => dropout.backward(x, ticket, { out: y }) },
    { ...shared, name: "Dropout.dropout(array)", call: () => dropout.dropout(array, P, { out }) },
  ];
}
