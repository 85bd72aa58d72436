// The subjects of linear layers: every kernel of the table, n being the number of weights of a layer that a few examples go through,
// or of elements; the products also without decisions.

import { bindKernels, rowsOf } from "../../src/engine/kernels.js";
import type { Dtype } from "../../src/ground/dtypes.js";
import { LINEAR, type LinearKernels } from "../../src/linear/kernels.js";
import { P, type Placement, type Subject } from "./subject.js";

/** Examples that go through a layer: a product with n weights takes that many multiplications an element. */
const EXAMPLES = 4;
/** Inputs of a layer, or, where n has too few weights for them, of a small one. */
const INPUTS = 1024;
const FEW = 16;

export function subjects(exports: WebAssembly.Exports, place: Placement): Subject[] {
  const kernels = bindKernels<LinearKernels>(exports, LINEAR);
  const { memory, src, dst, n } = place;
  const inputs = n % INPUTS === 0 ? INPUTS : FEW;
  const outputs = n / inputs;
  // Room for the inputs or the outputs of all examples.
  const side = EXAMPLES * Math.max(inputs, outputs);
  const ones = (dtype: Dtype) => {
    const pointer = place.room(dtype, side);
    memory.view(dtype, pointer, side).fill(1);
    return pointer;
  };
  const ends = { f32: [ones("f32"), ones("f32")], f64: [ones("f64"), ones("f64")] } as const;
  const keep = place.room("bytes", EXAMPLES * n);
  memory.view("bytes", keep, EXAMPLES * n).forEach((_, k, bytes) => {
    bytes[k] = Number(Math.random() >= P);
  });

  const subjectsOf = ([verb, source, dtype]: ReturnType<typeof rowsOf<(typeof LINEAR)[number]>>[number]): Subject[] => {
    const type = dtype as Dtype;
    const [from, to, other] = [src[type], dst[type], ends[type][0]];
    const subject = (suffix: string, arrays: number, call: () => void): Subject => ({
      name: `${source}_${verb}_${dtype}${suffix}`,
      group: "kernel",
      copy: `copy_${type}`,
      bytes: arrays * place.bytes(type),
      call,
    });
    const products = (call: (mask: number) => void): Subject[] => [
      { ...subject("", 1, () => call(keep)), bytes: place.bytes(type) + EXAMPLES * n },
      subject(", all kept", 1, () => call(0)),
    ];
    switch (verb) {
      case "forward":
        return products((mask) => kernels.forward.bytes[type](ends[type][1], outputs, other, from, 0, mask, EXAMPLES, outputs, inputs, 1));
      case "inputgradient":
        return products((mask) => kernels[verb].bytes[type](ends[type][1], other, outputs, from, mask, EXAMPLES, outputs, inputs, 1));
      case "weightgradient":
        return products((mask) => kernels[verb].bytes[type](to, other, outputs, ends[type][1], mask, EXAMPLES, outputs, inputs, 1));
      case "biasgradient":
        return [subject("", 1, () => kernels.biasgradient.matrix[type](other, from, outputs, inputs, 1))];
      case "scale":
        return [subject("", 2, () => kernels.scale.matrix[type](to, from, n, 0.5))];
      case "square":
        return [subject("", 2, () => kernels.square.matrix[type](to, from, n))];
      case "sample":
        return [subject("", 5, () => kernels.sample[source as "none" | "relu"][type](to, from, from, from, n))];
    }
  };
  return rowsOf(LINEAR).flatMap(subjectsOf);
}
