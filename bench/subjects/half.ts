// 16-bit data: the core's operations on them at their own byte rate, and conversion from and to f32.

import { bindKernels, HALF, type HalfKernels, rowsOf } from "../../src/engine/kernels.js";
import type { DataDtype } from "../../src/ground/dtypes.js";
import { CONVERT, type ConvertKernels } from "../../src/half/kernels.js";
import { coreSubjects } from "./core.js";
import { copyOf, type Placement, type Subject } from "./subject.js";

export function subjects(exports: WebAssembly.Exports, place: Placement): Subject[] {
  const convert = bindKernels<ConvertKernels>(exports, CONVERT);
  const { src, dst, n } = place;
  const conversions = rowsOf(CONVERT).map(([verb, source, dtype]): Subject => {
    const [from, to] = [source, dtype] as [DataDtype, DataDtype];
    const kernel = (convert[verb] as Record<string, Record<string, (dst: number, src: number, n: number) => undefined>>)[from]?.[to];
    if (kernel === undefined) throw new TypeError(`no kernel ${source}_${verb}_${dtype}`);
    const bytes = place.bytes(from) + place.bytes(to);
    return { name: `${source}_${verb}_${dtype}`, group: "kernel", copy: copyOf(to), bytes, call: () => kernel(dst[to], src[from], n) };
  });
  return [...coreSubjects(bindKernels<HalfKernels>(exports, HALF), rowsOf(HALF), place), ...conversions];
}
