// The subjects of Monte-Carlo dropout: the costs of a pass beside the model, every kernel of the table over n output elements.

import { bindKernels, rowsOf } from "../../src/engine/kernels.js";
import { byteLength, type Dtype } from "../../src/ground/dtypes.js";
import { MONTE_CARLO, type MonteCarloKernels } from "../../src/monte-carlo/kernels.js";
import type { Placement, Subject } from "./subject.js";

/** Classes of a row; n is a multiple of it. */
const CLASSES = 16;
/** Any count but 1 does: the divisions take the same time. */
const COUNT = 3;

export function subjects(exports: WebAssembly.Exports, { memory, src, n }: Placement): Subject[] {
  const kernels = bindKernels<MonteCarloKernels>(exports, MONTE_CARLO);
  const totals = () => {
    const pointer = memory.allocate("f64", n, "size");
    memory.view("f64", pointer, n).fill(0);
    return pointer;
  };
  const [mean, deviations] = [totals(), totals()];
  const rows = n / CLASSES;
  const [all, each] = [byteLength("f64", n), byteLength("f64", rows)];
  const subjectOf = ([verb, source, dtype]: ReturnType<typeof rowsOf<(typeof MONTE_CARLO)[number]>>[number]): Subject => {
    const type = dtype as Dtype;
    const from = src[type];
    const subject = (results: number, call: () => void): Subject => {
      return { name: `${source}_${verb}_${dtype}`, group: "kernel", copy: `copy_${type}`, bytes: byteLength(type, n) + results, call };
    };
    switch (verb) {
      case "welford":
        return subject(4 * all, () => kernels.welford.output[type](mean, deviations, from, n, COUNT));
      case "softmax":
        return subject(all, () => kernels.softmax.logits[type](mean, from, rows, CLASSES));
      case "entropy":
        return subject(2 * each, () => kernels.entropy.probabilities[type](mean, from, rows, CLASSES, COUNT));
      case "vote":
        return subject(2 * each, () => kernels.vote.probabilities[type](mean, from, rows, CLASSES));
    }
  };
  return rowsOf(MONTE_CARLO).map(subjectOf);
}
