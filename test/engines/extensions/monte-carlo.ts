// Every operation of "wasm-dropout/monte-carlo", and the end of a run by a signal.

import type { Dropout } from "wasm-dropout";
import type { MonteCarlo, PassContext } from "wasm-dropout/monte-carlo";
import { sampleData } from "../data.js";
import { equal, rejectsWith, throwsWith } from "../expect.js";
import type { Entries } from "../extensions.js";
import type { Digest } from "./digest.js";
import { KINDS } from "./operands.js";

const SAMPLES = 3;
const FEATURES = 40;
const CLASSES = 4;

/** Positive numbers of each example and class, f32: sums of the values that two layers of dropout keep. */
function scores(x: Float32Array, { dropout }: PassContext): Float32Array {
  const h = dropout(dropout(x, 0.3), 0.4);
  const sums = new Float32Array(SAMPLES * CLASSES).fill(1);
  for (let i = 0; i < h.length; ++i) {
    const k = Math.floor(i / FEATURES) * CLASSES + (i % CLASSES);
    sums[k] = (sums[k] as number) + Math.abs(h[i] as number);
  }
  return sums;
}

/** The same as probabilities, f64. */
function probabilities(x: Float32Array, context: PassContext): Float64Array {
  const sums = Float64Array.from(scores(x, context));
  for (let row = 0; row < sums.length; row += CLASSES) {
    const own = sums.subarray(row, row + CLASSES);
    const total = own.reduce((sum, value) => sum + value, 0);
    own.forEach((value, k) => {
      own[k] = value / total;
    });
  }
  return sums;
}

export async function check(monteCarlo: MonteCarlo, dropout: Dropout, digest: Digest, entries: Entries): Promise<void> {
  const { streamOf: numberOf } = entries["monte-carlo"];
  const x = sampleData("f32", SAMPLES * FEATURES);
  for (const kind of KINDS) {
    for (const masks of ["perPass", "perExample"] as const) {
      const common = { kind, masks, seed: 41, samples: SAMPLES, passes: 20 };
      const classified = { ...common, classes: CLASSES };
      digest.add(await monteCarlo.predict(scores, x, common));
      digest.add(
        await monteCarlo.predict(async (input: Float32Array, context) => scores(input, context), x, { ...common, firstSample: 5 }),
      );
      digest.add(await monteCarlo.predict(scores, x, { ...classified, output: "logits" }));
      // A number in [0, 1] may be a label's probability too.
      digest.add(await monteCarlo.predict(probabilities, x, { ...classified, output: "sigmoids" }));
      const planes = { classes: SAMPLES, classAxis: 0, outputShape: [SAMPLES, 2, 2] };
      digest.add(await monteCarlo.predict(scores, x, { ...common, ...planes, output: "logits" }));
      const named = (input: Float32Array, { dropout: drop }: PassContext) =>
        drop(drop(input, 0.3, { layer: "first" }), 0.4, { layer: "second" });
      digest.add(await monteCarlo.predict(named, x, { ...common, until: { standardError: 0.7 } }));
      if (masks === "perPass") {
        const kept = await monteCarlo.predict(probabilities, x, { ...classified, keepPasses: true });
        digest.add(kept, monteCarlo.epig(kept, 1));
      }
      const first = await monteCarlo.predict(probabilities, x, classified);
      const rest = await monteCarlo.predict(probabilities, x, { ...classified, firstPass: 20 });
      digest.add(first, monteCarlo.merge([first, rest]), await monteCarlo.predict(probabilities, x, { ...classified, resume: first }));
    }
    const drawn = (_: undefined, context: PassContext) => dropout.mask(100, 0.5, { ...context.stream({ layer: 2 }), format: "f32" });
    digest.add(await monteCarlo.predict(drawn, undefined, { kind, seed: 42, passes: 5 }));
  }
  digest.add(numberOf(3, 2, 1), numberOf(2 ** 24 - 1, 2 ** 16 - 1), numberOf(5, "layer", 2 ** 24 - 1));
  throwsWith(RangeError, '"pass" expected integer in [0, 16777215], got -1', () => numberOf(-1, 0));
  await rejectsWith(RangeError, '"passes" expected', monteCarlo.predict(scores, x, { passes: 0 }));
  await rejectsWith(TypeError, '"model" expected', monteCarlo.predict({} as never, x, { passes: 1 }));
}

/** A timer ends a run that would take seconds and whose model never waits for anything. */
export async function checkAbort(monteCarlo: MonteCarlo): Promise<void> {
  const passes = 1e6;
  const controller = new AbortController();
  const reason = new RangeError("that will do");
  let done = 0;
  const model = (x: Float32Array, { dropout }: PassContext) => {
    // A timer set before might end the run before its first pass.
    if (++done === 1) setTimeout(() => controller.abort(reason));
    return dropout(x, 0.5);
  };
  await rejectsWith(RangeError, reason.message, monteCarlo.predict(model, new Float32Array(8), { passes, signal: controller.signal }));
  if (done === 0 || done === passes) throw new Error(`aborted after ${done} passes`);
  const { mean } = await monteCarlo.predict(model, new Float32Array(8), { passes: 2 });
  equal(mean.join(), "0,0,0,0,0,0,0,0", "mean of a run after an aborted one");
}
