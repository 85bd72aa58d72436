// Monte-Carlo predictions. They are promised: what they read lies outside of wasm memory, as the buffers of a case end with its call.

import { type Call, near, type Row, some } from "./call.js";

const predict: Row = {
  name: "monteCarlo.predict",
  make(setting) {
    const { world, random, places } = setting;
    const [samples, features] = [random.pick([1, 2, 5]), random.pick([1, 7, 33])];
    const length = samples * features;
    const x = places.place("f32", length, false, random.pick(["plain", "shared", "subclass"]));
    const p = random.pick([0, 0.3, 1]);
    const outputs: number[][] = [];
    const model = (input: Float32Array, context: { dropout: (x: Float32Array, p: number, options?: object) => Float32Array }) => {
      const y = context.dropout(input, p, random.chance(0.5) ? { layer: "only" } : {});
      outputs.push([...y]);
      return y;
    };
    const passes = random.pick([1, 2, 5]);
    const options = {
      passes,
      samples,
      seed: random.pick([undefined, 0, 7]),
      kind: random.pick([undefined, "tile", "philox"]),
      masks: random.pick([undefined, "perPass", "perExample"]),
      firstPass: random.pick([undefined, 0, 100]),
      firstSample: random.pick([undefined, 3]),
      sliceMs: Number.POSITIVE_INFINITY,
    };
    return {
      args: [model, x.value, options],
      call: (...args) => (world.monteCarlo.predict as (...args: never[]) => unknown)(...args),
      results: [],
      check(result: { mean: Float64Array; variance: Float64Array; passes: number }) {
        if (result.passes !== passes || outputs.length !== passes) throw new Error(`${result.passes} passes of ${outputs.length}`);
        for (const i of some(setting, length)) {
          const values = outputs.map((output) => output[i] as number);
          const mean = values.reduce((a, b) => a + b, 0) / passes;
          const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, passes - 1);
          near(result.mean[i], mean, Math.abs(mean) * 1e-9 + 1e-9, `mean[${i}]`);
          if (passes > 1) near(result.variance[i], variance, variance * 1e-9 + 1e-9, `variance[${i}]`);
        }
      },
    } as Call;
  },
};

export const PASS_ROWS: readonly Row[] = [predict];
