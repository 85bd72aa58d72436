// The core's kernels over every dtype, the references beside them, and the API that a user calls.

import type { ExtensionName } from "../../modules.mjs";
import { Dropout } from "../../src/core/dropout.js";
import type { CORE, HalfKernels, Kernels, rowsOf } from "../../src/engine/kernels.js";
import { byteLength, type DataDtype, type MaskFormat, type StoredFormat } from "../../src/ground/dtypes.js";
import type { StreamKind } from "../../src/stream/kinds.js";
import { scale, threshold } from "../../src/stream/probability.js";
import { COPIED, copyOf, EVEN, type Kernel, P, type Placement, type Subject } from "./subject.js";

/** The exports of bench/assembly/reference.ts. */
export interface Reference {
  copy_bytes: (dst: number, src: number, bytes: number) => void;
  multiply_f32: (dst: number, src: number, n: number, scale: number) => void;
  matmul_f32: (
    dst: number,
    a: number,
    b: number,
    rows: number,
    depth: number,
    columns: number,
    down: number,
    jump: number,
    corner: number,
  ) => void;
}

/** Modules beside an extension's own, over the same memory. */
export interface Others {
  readonly reference: Reference;
  readonly exportsOf: (name: ExtensionName) => WebAssembly.Exports;
}

export function referenceSubjects({ copy_bytes, multiply_f32 }: Reference, { src, dst, n }: Placement): Subject[] {
  const group = "reference";
  const copies = COPIED.map((dtype): Subject => {
    const [to, from, bytes] = [dst[dtype], src[dtype], byteLength(dtype, n)];
    const name = copyOf(dtype);
    return { name, group, copy: name, bytes: 2 * bytes, call: () => copy_bytes(to, from, bytes) };
  });
  const factor = scale(threshold(P, "tile"), "tile", "f32");
  const call = () => multiply_f32(dst.f32, src.f32, n, factor);
  return [...copies, { name: "multiply_f32", group, copy: "copy_f32", bytes: 2 * byteLength("f32", n), call }];
}

type Row = ReturnType<typeof rowsOf<(typeof CORE)[number]>>[number];

/** Subjects for `rows` of `kernels`: those of the core's table, or of 16-bit data. */
export function coreSubjects(kernels: Kernels | HalfKernels, rows: readonly Row[], place: Placement): Subject[] {
  const { src, dst, mask, n } = place;
  const subjectsOf = ([verb, source, dtype]: Row): Subject[] => {
    const row = `${source}_${verb}_${dtype}`;
    const kernel = (kernels as unknown as Record<string, Record<string, Record<string, Kernel>>>)[verb]?.[source]?.[dtype];
    if (kernel === undefined) throw new TypeError(`no kernel ${row}`);
    const subject = (suffix: string, type: DataDtype, bytes: number, call: () => void): Subject => ({
      name: row + suffix,
      group: "kernel",
      copy: copyOf(type),
      bytes,
      call,
    });
    const both = (make: (p: number, suffix: string) => Subject[]) => [...make(P, ""), ...make(EVEN, `, p = ${EVEN}`)];
    const type = dtype as DataDtype;
    switch (verb) {
      case "mask": {
        const to = { ...mask, f32: dst.f32 }[dtype as MaskFormat];
        const bytes = place.bytes(dtype as MaskFormat);
        return both((p, suffix) => [subject(suffix, "f32", bytes, place.drawing(kernel, p, source as StreamKind, "f32", to))]);
      }
      case "dropout": {
        const bytes = 2 * place.bytes(type);
        const call = (p: number, from: number) => place.drawing(kernel, p, source as StreamKind, type, dst[type], from);
        // In place, the data soon is all zeros, which costs the kernels the same.
        return both((p, suffix) => [
          subject(suffix, type, bytes, call(p, src[type])),
          subject(` in place${suffix}`, type, bytes, call(p, dst[type])),
        ]);
      }
      case "dropoutbits": {
        const bytes = 2 * place.bytes(type) + place.bytes("bits");
        const call = (p: number) => place.drawing(kernel, p, source as StreamKind, type, dst[type], src[type], mask.bits);
        return both((p, suffix) => [subject(suffix, type, bytes, call(p))]);
      }
      case "apply": {
        const format = source as StoredFormat;
        const bytes = 2 * place.bytes(type) + place.bytes(format);
        return [subject("", type, bytes, place.drawing(kernel, P, "tile", type, dst[type], src[type], mask[format]))];
      }
      case "popcount":
        return [subject("", "f32", place.bytes("bits"), () => kernel(mask.bits, n))];
    }
  };
  const subjects = rows.flatMap(subjectsOf);
  // Stored masks hold decisions drawn at P, even where a filter leaves out the subjects that write them.
  for (const { name, call } of subjects) if (name.includes("_mask_") && !name.includes(",")) call();
  return subjects;
}

export function apiSubjects(kernels: WebAssembly.Module, n: number): Subject[] {
  const dropout = new Dropout(kernels, { seed: 1 });
  const shared = { group: "api", copy: "copy_f32", bytes: 2 * byteLength("f32", n) } as const;
  const [x, y] = [dropout.alloc("f32", n), dropout.alloc("f32", n)];
  const [array, out] = [new Float32Array(n).fill(1), new Float32Array(n).fill(1)];
  x.array.fill(1);
  const { ticket } = dropout.forward(x, P, { out: y });
  // Made once: garbage is collected, and its memory asked for again, at times that have nothing to do with the calls.
  const [intoBuffer, intoArray, gradient] = [{ out: y }, { out }, { dx: y }];
  return [
    { ...shared, name: "Dropout.dropout(buffer)", call: () => dropout.dropout(x, P, intoBuffer) },
    { ...shared, name: "Dropout.backward(buffer)", call: () => dropout.backward(x, ticket, undefined, gradient).dx },
    { ...shared, name: "Dropout.dropout(array)", call: () => dropout.dropout(array, P, intoArray) },
  ];
}
