// What is measured: every kernel of the table, the references beside it, and the API that a user calls, over n elements each.

import { Dropout } from "../src/dropout.js";
import { byteLength, DTYPES, type Dtype, type MaskFormat, type StoredFormat } from "../src/dtypes.js";
import { instantiate } from "../src/instantiate.js";
import { bindKernels, kernelRows, type StreamKind } from "../src/kernels.js";
import { type Draw, MAX_BYTES, Memory, PARAMS } from "../src/memory.js";
import { scale, threshold } from "../src/probability.js";
import { Words } from "../src/words.js";

/** The drop probability of every subject. */
export const P = 0.1;

/** One thing to measure. */
export interface Subject {
  readonly name: string;
  /** The name of the subject that its time is compared with: a copy of the data it serves. */
  readonly copy: string;
  /** Bytes that a call reads and writes. */
  readonly bytes: number;
  readonly call: () => void;
}

/** The exports of bench/assembly/reference.ts. */
interface Reference {
  copy_bytes: (dst: number, src: number, bytes: number) => void;
  multiply_f32: (dst: number, src: number, n: number, scale: number) => void;
}

type Table = Record<string, Record<string, Record<string, (...args: number[]) => number | undefined>>>;

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
    ...kernelSubjects(bindKernels(instantiate(kernels, memory.wasm)), place),
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
  const copies = DTYPES.map((dtype): Subject => {
    const [to, from, bytes] = [dst[dtype], src[dtype], byteLength(dtype, n)];
    return { name: `copy_${dtype}`, copy: `copy_${dtype}`, bytes: 2 * bytes, call: () => copy_bytes(to, from, bytes) };
  });
  const factor = scale(threshold(P, "tile"), "tile", "f32");
  const call = () => multiply_f32(dst.f32, src.f32, n, factor);
  return [...copies, { name: "multiply_f32", copy: "copy_f32", bytes: 2 * byteLength("f32", n), call }];
}

function kernelSubjects(kernels: Table, { memory, src, dst, mask, n }: Placement): Subject[] {
  const seed = new Words();
  const stream = new Words();
  const drawOf = (kind: StreamKind, dtype: Dtype): Draw => {
    const t = threshold(P, kind);
    return { seed, stream, threshold: t, scale: scale(t, kind, dtype) };
  };
  // Each call has a stream of its own: a branch predictor learns a mask that comes again.
  const prepare = (draw: Draw) => {
    stream.increment();
    memory.writeParams(draw, 0);
  };

  const subjectsOf = ([verb, source, dtype]: ReturnType<typeof kernelRows>[number]): Subject[] => {
    const name = `${source}_${verb}_${dtype}`;
    const kernel = kernels[verb]?.[source]?.[dtype];
    if (kernel === undefined) throw new TypeError(`no kernel ${name}`);
    switch (verb) {
      case "mask": {
        const draw = drawOf(source as StreamKind, "f32");
        const to = { ...mask, f32: dst.f32 }[dtype as MaskFormat];
        const call = () => {
          prepare(draw);
          kernel(to, n, PARAMS);
        };
        return [{ name, copy: "copy_f32", bytes: byteLength(dtype as MaskFormat, n), call }];
      }
      case "dropout": {
        const draw = drawOf(source as StreamKind, dtype as Dtype);
        const to = dst[dtype as Dtype];
        const subject = (suffix: string, from: number): Subject => {
          const call = () => {
            prepare(draw);
            kernel(to, from, n, PARAMS);
          };
          return { name: name + suffix, copy: `copy_${dtype}`, bytes: 2 * byteLength(dtype as Dtype, n), call };
        };
        // In place, the data soon is all zeros, which costs the kernels the same.
        return [subject("", src[dtype as Dtype]), subject(" in place", to)];
      }
      case "dropoutbits": {
        const draw = drawOf(source as StreamKind, dtype as Dtype);
        const [to, from] = [dst[dtype as Dtype], src[dtype as Dtype]];
        const call = () => {
          prepare(draw);
          kernel(to, from, mask.bits, n, PARAMS);
        };
        return [{ name, copy: `copy_${dtype}`, bytes: 2 * byteLength(dtype as Dtype, n) + byteLength("bits", n), call }];
      }
      case "apply": {
        const draw = drawOf("tile", dtype as Dtype);
        const [to, from, decisions] = [dst[dtype as Dtype], src[dtype as Dtype], mask[source as StoredFormat]];
        const call = () => {
          prepare(draw);
          kernel(to, from, decisions, n, PARAMS);
        };
        return [{ name, copy: `copy_${dtype}`, bytes: 2 * byteLength(dtype as Dtype, n) + byteLength(source as StoredFormat, n), call }];
      }
      case "popcount":
        return [{ name, copy: "copy_f32", bytes: byteLength("bits", n), call: () => kernel(mask.bits, n) }];
    }
  };
  const subjects = kernelRows().flatMap(subjectsOf);
  // So that stored masks hold decisions even where a filter leaves out what writes them.
  for (const { name, call } of subjects) if (name.includes("_mask_")) call();
  return subjects;
}

function apiSubjects(dropout: Dropout, n: number): Subject[] {
  const shared = { copy: "copy_f32", bytes: 2 * byteLength("f32", n) };
  const [x, y] = [dropout.alloc("f32", n), dropout.alloc("f32", n)];
  const [array, out] = [new Float32Array(n).fill(1), new Float32Array(n).fill(1)];
  x.array.fill(1);
  return [
    { ...shared, name: "Dropout.dropout(buffer)", call: () => dropout.dropout(x, P, { out: y }) },
    { ...shared, name: "Dropout.dropout(array)", call: () => dropout.dropout(array, P, { out }) },
  ];
}
