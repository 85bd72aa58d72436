// The subjects of noise: every kernel of the table, and a loop in plain JavaScript.

import { bindKernels, rowsOf } from "../../src/engine/kernels.js";
import type { Dtype } from "../../src/ground/dtypes.js";
import { NOISE, type NoiseKernels } from "../../src/noise/kernels.js";
import { type Kernel, P, type Placement, type Subject } from "./subject.js";

/** Any standard deviation but 0 does, which copies. */
const SIGMA = Math.sqrt(P / (1 - P));

export function subjects(exports: WebAssembly.Exports, place: Placement): Subject[] {
  const kernels = bindKernels<NoiseKernels>(exports, NOISE);
  const { memory, src, dst, n } = place;
  const subjectOf = ([verb, source, dtype]: ReturnType<typeof rowsOf<(typeof NOISE)[number]>>[number]): Subject => {
    const type = dtype as Dtype;
    const subject = (arrays: number, kernel: Kernel, ...addresses: number[]): Subject => ({
      name: `${source}_${verb}_${dtype}`,
      group: "kernel",
      copy: `copy_${type}`,
      bytes: arrays * place.bytes(type),
      call: place.drawing(kernel, P, "philox", type, ...addresses),
    });
    if (verb === "fill") {
      const kernel = kernels.fill[source as "normal" | "uniform"].f32;
      return subject(1, (to = 0, count = 0, params = 0) => kernel(to, count, 0, 1, params), dst.f32);
    }
    const kernel = kernels[verb].normal[type];
    return subject(2, (to = 0, from = 0, count = 0, params = 0) => kernel(to, from, count, SIGMA, params), dst[type], src[type]);
  };
  const boxMuller = (): void => {
    const out = memory.view("f32", dst.f32, n);
    for (let i = 0; i < n; i += 2) {
      const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
      const angle = 2 * Math.PI * Math.random();
      out[i] = radius * Math.cos(angle);
      out[i + 1] = radius * Math.sin(angle);
    }
  };
  const loop: Subject = {
    name: "normal, Math.random loop",
    group: "reference",
    copy: "copy_f32",
    bytes: place.bytes("f32"),
    call: boxMuller,
  };
  return [...rowsOf(NOISE).map(subjectOf), loop];
}
