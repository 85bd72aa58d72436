// Outputs of passes that are kept, and the expected predictive information gain, against its definition in plain double precision.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout } from "../../src/core/index.js";
import { type ClassPrediction, createMonteCarlo, type Model, type MonteCarlo, type Prediction } from "../../src/monte-carlo/index.js";

let monteCarlo: MonteCarlo;
beforeAll(async () => {
  monteCarlo = await createMonteCarlo(await createDropout({ seed: 5 }));
});

const FEATURES = 6;
const inputs = (rows: number, salt: number) => Float32Array.from({ length: rows * FEATURES }, (_, i) => 2 * Math.sin(i * 1.7 + salt));

/** Logits of a layer behind dropout, [rows, classes], that pass and mask decide. */
const scores =
  (classes: number): Model<Float32Array> =>
  (x, { dropout }) => {
    const rows = x.length / FEATURES;
    const dropped = dropout(x, 0.5, { samples: rows });
    return Float64Array.from({ length: rows * classes }, (_, k) => {
      const [row, c] = [Math.floor(k / classes), k % classes];
      let sum = 0;
      for (let f = 0; f < FEATURES; ++f) sum += (dropped[row * FEATURES + f] as number) * Math.cos(3 * f + 5 * c + 1);
      return sum;
    });
  };

/** Equation 6 of Bickford Smith et al. 2023 by its definition: KL of the joint distribution from the product of its marginals, over [passes][rows][classes]. */
function plain(pool: number[][][], targets: number[][][]): number[] {
  const passes = pool.length;
  const rows = (pool[0] as number[][]).length;
  const aims = (targets[0] as number[][]).length;
  const classes = pool[0]?.[0]?.length ?? 0;
  const at = (values: number[][][], pass: number, row: number, c: number) => values[pass]?.[row]?.[c] as number;
  const mean = (of: (pass: number) => number) => {
    let sum = 0;
    for (let pass = 0; pass < passes; ++pass) sum += of(pass);
    return sum / passes;
  };
  return Array.from({ length: rows }, (_, row) => {
    let gain = 0;
    for (let aim = 0; aim < aims; ++aim) {
      for (let c = 0; c < classes; ++c) {
        for (let d = 0; d < classes; ++d) {
          const joint = mean((pass) => at(pool, pass, row, c) * at(targets, pass, aim, d));
          if (joint === 0) continue;
          gain += joint * Math.log(joint / (mean((pass) => at(pool, pass, row, c)) * mean((pass) => at(targets, pass, aim, d))));
        }
      }
    }
    return gain / aims;
  });
}

/** The outputs of passes as [passes][rows][classes]. */
function nested({ passOutputs = new Float64Array(), passes, classes }: ClassPrediction): number[][][] {
  const rows = passOutputs.length / passes / classes;
  return Array.from({ length: passes }, (_, t) =>
    Array.from({ length: rows }, (_, r) => [...passOutputs.subarray((t * rows + r) * classes, (t * rows + r + 1) * classes)]),
  );
}

function expectNear(got: ArrayLike<number>, expected: readonly number[]): void {
  expect(got.length).toBe(expected.length);
  expected.forEach((value, i) => {
    if (!(Math.abs((got[i] as number) - value) < 1e-13)) throw new Error(`${i}: ${got[i]} instead of ${value}`);
  });
}

const common = { passes: 20, output: "logits", keepPasses: true } as const;
const run = (classes: number, rows: number, salt: number, options: object = {}) =>
  monteCarlo.predict(scores(classes), inputs(rows, salt), { ...common, classes, samples: rows, ...options });

describe("outputs of passes", () => {
  it("are those that statistics are of, and none where nobody asked for them", async () => {
    for (const output of ["logits", "sigmoids", "probabilities", undefined] as const) {
      for (const [samples, classes] of [
        [3, 4],
        [2, 9000],
      ] as const) {
        const length = samples * classes;
        const stored: number[][] = [];
        const model: Model<null> = (_, { pass }) => {
          const values = Array.from({ length }, (_, i) =>
            output === "probabilities" ? Number(i % classes === (pass + i) % 2) : ((i + pass) % 7) / 7,
          );
          if (output === "probabilities")
            for (let r = 0; r < samples; ++r) for (let c = 0; c < classes; ++c) values[r * classes + c] = Number(c === pass % 3);
          stored.push(values);
          return values;
        };
        const options = { passes: 4, ...(output && { classes, samples, output }) };
        const kept = await monteCarlo.predict(model, null, { ...options, keepPasses: true });
        const expected = stored.flatMap((values) => (output === "logits" ? softmaxes(values, classes) : values));
        expectNear(kept.passOutputs as Float64Array, expected);
        const { passOutputs, ...others } = kept;
        const bare = await monteCarlo.predict(model, null, options);
        expect(bare).toEqual(others);
        expect(Object.keys(bare)).not.toContain("passOutputs");
      }
    }
  });

  it("have the layout of outputs", async () => {
    const model: Model<null> = (_, { pass }) => Float64Array.of(1 - pass / 4, 1, pass / 4, 0);
    const options = { passes: 3, classes: 2, samples: 2, classAxis: 0, keepPasses: true };
    const { passOutputs } = await monteCarlo.predict(model, null, options);
    expect([...(passOutputs as Float64Array)]).toEqual([1, 1, 0, 0, 0.75, 1, 0.25, 0, 0.5, 1, 0.5, 0]);
  });

  it("are those of the run in one where it was resumed or merged, in whatever order, and from JSON", async () => {
    const whole = await run(3, 4, 0);
    const part = (firstPass: number, passes: number) => run(3, 4, 0, { firstPass, passes });
    const parts = await Promise.all([part(14, 6), part(0, 5), part(5, 9)]);
    const posted = JSON.parse(JSON.stringify(parts)) as typeof parts;
    for (const some of [parts, posted]) expect(monteCarlo.merge(some).passOutputs).toEqual(whole.passOutputs);
    const [last, ...others] = parts as [ClassPrediction, ...ClassPrediction[]];
    for (const keepPasses of [true, undefined]) {
      const resumed = await run(3, 4, 0, { resume: last, firstPass: 5, passes: 9, keepPasses });
      expect((await run(3, 4, 0, { resume: resumed, firstPass: 0, passes: 5 })).passOutputs).toEqual(whole.passOutputs);
    }
    expect(await run(3, 4, 0, { resume: last, firstPass: 0, passes: 2, keepPasses: false })).not.toHaveProperty("passOutputs");
    const bare = await run(3, 4, 0, { passes: 5, keepPasses: false });
    await expect(run(3, 4, 0, { resume: bare })).rejects.toThrow(
      '"resume.passOutputs" expected outputs of its passes (keepPasses: true), got none',
    );
    expect(() => monteCarlo.merge([last, bare])).toThrow('"predictions[1].passOutputs" expected outputs');
    expect(() => monteCarlo.merge([bare, last])).toThrow('"predictions[0].passOutputs" expected outputs');
    expect(() => monteCarlo.merge([{ ...last, passOutputs: new Float64Array(3) }, ...others])).toThrow(
      '"predictions[0].passOutputs" expected length 72',
    );
    await expect(run(3, 4, 0, { keepPasses: 1 })).rejects.toThrow('"keepPasses" expected boolean, got 1');
  });
});

function softmaxes(values: number[], classes: number): number[] {
  const result: number[] = [];
  for (let at = 0; at < values.length; at += classes) {
    const powers = values.slice(at, at + classes).map(Math.exp);
    const sum = powers.reduce((a, b) => a + b);
    result.push(...powers.map((power) => power / sum));
  }
  return result;
}

describe("expected predictive information gain", () => {
  it.each([
    [1, 5, 3],
    [2, 7, 4],
    [5, 3, 1],
    // More targets than are joined at once.
    [90, 2, 5],
  ])("is that of the definition: %i classes, %i rows, %i targets", async (classes, rows, aims) => {
    const [pool, targets] = [await run(classes, rows, 0), await run(classes, aims, 9)];
    const gains = monteCarlo.epig(pool, targets);
    expectNear(gains, plain(nested(pool), nested(targets)));
    if (classes > 1) expect(Math.min(...gains)).toBeGreaterThan(1e-4);
    const both = Float32Array.of(...inputs(rows, 0), ...inputs(aims, 9));
    const one = await monteCarlo.predict(scores(classes), both, { ...common, classes, samples: rows + aims });
    expect(monteCarlo.epig(one, aims)).toEqual(gains);
    expect(monteCarlo.epig(JSON.parse(JSON.stringify(pool)), JSON.parse(JSON.stringify(targets)))).toEqual(gains);
  });

  it("knows what tells of a target and what does not", async () => {
    // Example 0 says what the target says, example 1 the opposite, example 2 what has nothing to do with it, example 3 always the same.
    const bit = (pass: number, k: number) => (pass >> k) & 1;
    const model: Model<null> = (_, { pass }) =>
      [bit(pass, 0), 1 - bit(pass, 0), bit(pass, 1), 1, bit(pass, 0)].flatMap((value) => [value, 1 - value]);
    const prediction = await monteCarlo.predict(model, null, { passes: 8, classes: 2, samples: 5, keepPasses: true });
    expectNear(monteCarlo.epig(prediction, 1), [Math.LN2, Math.LN2, 0, 0]);
    expectNear(prediction.mutualInformation, [Math.LN2, Math.LN2, Math.LN2, 0, Math.LN2]);
  });

  it("takes rows whose sum is 1 to rounding only, and classes along another axis", async () => {
    const model: Model<null> = () => Float32Array.of(0.333, 0.25, 0.333, 0.25, 0.333, 0.5);
    const options = { passes: 5, classes: 3, samples: 2, classAxis: 0, keepPasses: true };
    expectNear(monteCarlo.epig(await monteCarlo.predict(model, null, options), 1), [0]);
    const [pool, targets] = [await run(3, 4, 0), await run(3, 2, 9)];
    const turned = (rows: number): Model<Float32Array> => {
      const model = scores(3);
      return (x, context) => {
        const y = model(x, context) as Float64Array;
        return Float64Array.from({ length: 3 * rows }, (_, k) => y[(k % rows) * 3 + Math.floor(k / rows)] as number);
      };
    };
    const along = (rows: number, salt: number) =>
      monteCarlo.predict(turned(rows), inputs(rows, salt), { ...common, classes: 3, samples: rows, classAxis: 0 });
    expect(monteCarlo.epig(await along(4, 0), await along(2, 9))).toEqual(monteCarlo.epig(pool, targets));
  });

  it("of nothing is nothing, and of no targets not a number", async () => {
    const [some, none] = [await run(3, 2, 0), await run(3, 0, 0)];
    expect(monteCarlo.epig(none, some)).toEqual(new Float64Array());
    expect(monteCarlo.epig(some, none)).toEqual(new Float64Array(2).fill(Number.NaN));
  });

  it("is refused by name where passes are not the same model", async () => {
    const pool = await run(3, 4, 0);
    const drawn: Model<null> = () => Float64Array.of(0.5, 0.5);
    const unseeded = await monteCarlo.predict(drawn, null, { passes: 2, classes: 2, keepPasses: true });
    const values = await monteCarlo.predict(() => [1], null, { passes: 2, keepPasses: true });
    for (const [targets, message] of [
      [await run(3, 4, 0, { keepPasses: false }), '"targets.passOutputs" expected outputs of its passes (keepPasses: true), got none'],
      [await run(3, 4, 0, { masks: "perExample" }), '"targets.masks" expected "perPass"'],
      [await run(3, 4, 0, { seed: 1 }), '"targets.seed" expected "5", got "1"'],
      [await run(3, 4, 0, { firstPass: 1 }), '"targets.ranges" expected the passes of "pool", [[0,20]], got [[1,21]]'],
      [await run(2, 4, 0), '"targets.classes" expected 3, got 2'],
      [values, '"targets.classes" expected number of classes'],
      [0, '"targets" expected integer in [1, 4], got 0'],
      [5, '"targets" expected integer in [1, 4], got 5'],
      ["x", '"targets" expected prediction'],
    ] as const) {
      expect(() => monteCarlo.epig(pool, targets as ClassPrediction)).toThrow(message);
    }
    const labels = await monteCarlo.predict(drawn, null, { passes: 2, classes: 2, output: "sigmoids", keepPasses: true });
    expect(() => monteCarlo.epig(labels, 1)).toThrow('"pool.output" expected "probabilities" or "logits"');
    expect(() => monteCarlo.epig(unseeded, unseeded)).toThrow('"pool.seedUsed" expected true');
    expect(() => monteCarlo.epig(values as Prediction as ClassPrediction, 1)).toThrow('"pool.classes" expected number of classes');
  });
});
