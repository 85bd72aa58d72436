// The training example: its short form shows that dropout lowers the test error, and interrupting it changes no weight. Takes a minute of two
// cores.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { matMul, norm, type Tensor2D, tensor1d, tensor2d, variable } from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UsageError } from "../../bench/command-line.js";
import { useBackend } from "../../examples/mnist/train/backend.js";
import { readCheckpoint } from "../../examples/mnist/train/checkpoint.js";
import { batchOf, trainingExamples } from "../../examples/mnist/train/data.js";
import { type McNemar, mcnemar } from "../../examples/mnist/train/mcnemar.js";
import { makeModel } from "../../examples/mnist/train/model.js";
import { separation } from "../../examples/mnist/train/monte-carlo.js";
import { makeOptimizer } from "../../examples/mnist/train/optimizer.js";
import { readOptions } from "../../examples/mnist/train/options.js";
import { pathsOf, readOutcome } from "../../examples/mnist/train/outcome.js";
import { carryOutAll, type Listener } from "../../examples/mnist/train/pool.js";
import { RandomNumbers } from "../../examples/mnist/train/random.js";
import { conclusion, headline } from "../../examples/mnist/train/report.js";
import type { Results } from "../../examples/mnist/train/results.js";
import { both, DEFAULT, FULL, nameOf, type Run, runsOf, type Settings, SHORT } from "../../examples/mnist/train/settings.js";
import { trainStep, variablesOf } from "../../examples/mnist/train/step.js";
import { pairsOf } from "../../examples/mnist/train/summary.js";
import { learningRateAt, trainNetwork } from "../../examples/mnist/train/training.js";
import { expectDocumentAccessible } from "../support/axe.js";

const PROGRAM = fileURLToPath(new URL("../../examples/mnist/train/run.ts", import.meta.url));
const SEEDS = 3;
const INTERRUPTED = 130;

const directory = mkdtempSync(join(tmpdir(), "train-"));
afterAll(() => rmSync(directory, { recursive: true }));

interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the command; sends SIGINT once stderr matches `interruptAt`. */
function command(args: readonly string[], interruptAt?: RegExp): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--import", "tsx", PROGRAM, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    const result = { stdout: "", stderr: "" };
    let interrupted = false;
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        result[name] += text;
        if (!interrupted && interruptAt?.test(result.stderr)) interrupted = child.kill("SIGINT");
      });
    }
    child.on("error", reject).on("close", (code) => resolve({ code, ...result }));
  });
}

const silent: Listener = { status: () => {}, outcome: () => {} };

/** Carries out `runs` in a directory called `name`, uninterrupted. */
const carryOutIn = (name: string, runs: readonly Run[]) => {
  mkdirSync(join(directory, name), { recursive: true });
  return carryOutAll(runs, join(directory, name), 2, silent, new AbortController().signal);
};

/** The part of the last checkpoint of `run` that does not depend on the clock. */
const stateOf = (run: Run, name: string) => {
  const { header, data } = readCheckpoint(pathsOf(run, join(directory, name)).checkpoint);
  const { progress, ...rest } = header;
  return { ...rest, curve: progress.curve, bytes: Buffer.from(data).toString("base64") };
};

describe("the command, in its short form", () => {
  const out = join(directory, "short");
  const runs = runsOf(SHORT, SEEDS);
  let interrupted: Result;
  let resumed: Result;
  let page: string;

  beforeAll(async () => {
    interrupted = await command(["--short", "--out", out], /epoch 14 of 40/);
    resumed = await command(["--short", "--out", out]);
    page = readFileSync(join(out, "report.html"), "utf8");
  });

  test("keeps what it has done when interrupted, and goes on from there to the same weights", async () => {
    expect(interrupted.code).toBe(INTERRUPTED);
    expect(interrupted.stderr).toContain("the same command goes on");
    expect(interrupted.stdout).toBe("");
    expect(resumed.code).toBe(0);
    expect(readdirSync(out).filter((name) => name.endsWith(".part"))).toEqual([]);
    const name = /^(.*): epoch 14 of 40/m.exec(interrupted.stderr)?.[1] as string;
    const run = runs.find((candidate) => nameOf(candidate) === name) as Run;
    expect(resumed.stderr).not.toContain(`${name}: epoch 7 of 40`);
    expect(resumed.stderr).toContain(`${name}: epoch 35 of 40`);
    await carryOutIn("uninterrupted", [run]);
    expect(stateOf(run, "short")).toEqual(stateOf(run, "uninterrupted"));
  });

  test("gets fewer test images wrong with dropout than without, over the seeds", () => {
    const wrong = (dropout: boolean) =>
      runs.filter((run) => run.dropout === dropout).reduce((sum, run) => sum + readOutcome(run, out).testWrong, 0);
    expect(runs).toHaveLength(2 * SEEDS);
    expect(wrong(true)).toBeLessThan(wrong(false));
    // Both have learnt: guessing gets nine of ten wrong.
    expect(wrong(false)).toBeLessThan(0.3 * SEEDS * SHORT.testImages);
  });

  test("overfits: without dropout, the training images are learnt by heart", () => {
    for (const run of runs.filter(({ dropout }) => !dropout)) expect(readOutcome(run, out).curve.at(-1)?.trainingWrong).toBe(0);
  });

  test("averages over passes, which come near to weight scaling as they grow in number", () => {
    for (const run of runs.filter(({ dropout }) => dropout)) {
      const { monteCarlo, testWrong } = readOutcome(run, out);
      const wrong = monteCarlo?.wrong ?? [];
      expect(wrong).toHaveLength(SHORT.passes);
      const [first, last] = [wrong[0] as number, wrong.at(-1) as number];
      expect(last).toBeLessThan(first);
      expect(Math.abs(last - testWrong)).toBeLessThan(Math.abs(first - testWrong));
      for (const key of ["predictiveEntropy", "mutualInformation"] as const) {
        const histogram = monteCarlo?.[key];
        const total = (counts: readonly number[] = []) => counts.reduce((a, b) => a + b, 0);
        expect(total(histogram?.wrong)).toBe(last);
        expect(total(histogram?.right)).toBe(SHORT.testImages - last);
        expect(histogram?.separation).toBeGreaterThan(0.6);
      }
    }
  });

  test("writes a page that passes axe, on a phone and on a desk, in light and in dark", (context) =>
    expectDocumentAccessible(page, context));

  test("writes a page that needs nothing else, with the figures of the outcomes", () => {
    expect(page).not.toMatch(/<script|<link|<img|@import|src=|url\(/);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    const charts = [...page.matchAll(/<svg class="chart"[^>]*>\s*<title[^>]*>([^<]*)/g)].map(([, title]) => title);
    expect(charts).toEqual([
      "Training and test error",
      "Generalisation gap",
      "Monte-Carlo average against weight scaling",
      "Histogram of predictive entropy",
      "Histogram of mutual information",
      "Time of a training step",
    ]);
    for (const run of runs) expect(page).toContain(`>${((100 * readOutcome(run, out).testWrong) / SHORT.testImages).toFixed(2)}<`);
    const conclusion = resumed.stdout.split("\n")[0] as string;
    expect(conclusion).toMatch(/^Test error over 3 seeds: .* Dropout lowers it by /);
    expect(page).toContain(conclusion);
  });
});

describe("on the cpu backend", () => {
  const epochs = 4;
  const momentum = { ...SHORT.schedules.without, epochs };
  const settings: Settings = {
    ...SHORT,
    backend: "cpu",
    hidden: [64, 64],
    images: 200,
    warmUp: 1,
    schedules: { with: { ...momentum, optimizer: "adam", learningRate: 0.003 }, without: momentum },
    curveImages: 50,
    passes: 2,
    testImages: 100,
  };
  const runs = runsOf(settings, 1);

  test("the same seed gives the same weights, bit for bit, in other processes, whether or not it was interrupted", async () => {
    const once = await carryOutIn("once", runs);
    await useBackend("cpu");
    mkdirSync(join(directory, "interrupted"));
    for (const run of runs) {
      const { checkpoint } = pathsOf(run, join(directory, "interrupted"));
      const { progress } = await trainNetwork(run, checkpoint, () => {}, 2);
      expect(progress.curve).toHaveLength(2);
    }
    const resumed = await carryOutIn("interrupted", runs);
    for (const [i, run] of runs.entries()) {
      const state = stateOf(run, "once");
      expect(state.curve).toHaveLength(epochs);
      expect(state.masks).toHaveLength(run.dropout ? 3 : 0);
      expect(stateOf(run, "interrupted")).toEqual(state);
      const { seconds: _, ...found } = once[i] as (typeof once)[number];
      expect(resumed[i]).toMatchObject(found);
    }
    const [first, second] = runs.map((run) => stateOf(run, "once").bytes);
    expect(first).not.toBe(second);
  });
});

describe("parts", () => {
  test("both variants of a seed start from the same weights, and another seed from others", async () => {
    await useBackend("cpu");
    const weightsOf = async (run: Run) => {
      const model = await makeModel(run, await RandomNumbers.create(run.seed));
      return model.getWeights().map((weight) => Buffer.from(weight.dataSync().slice().buffer).toString("base64"));
    };
    const [one, two, three] = await Promise.all(
      runsOf({ ...SHORT, hidden: [16, 8] }, 2)
        .slice(0, 3)
        .map(weightsOf),
    );
    expect(one).toHaveLength(6);
    expect(two).toEqual(one);
    expect(three).not.toEqual(one);
  });

  test("orders of images are permutations, others for other epochs", async () => {
    const random = await RandomNumbers.create(1);
    const [first, second] = [random.order(1000, 0), random.order(1000, 1)];
    const all = Array.from({ length: 1000 }, (_, i) => i);
    for (const order of [first, second]) expect([...order].toSorted((a, b) => a - b)).toEqual(all);
    expect(first).not.toEqual(second);
    expect(new Set(random.subset(100, 60_000)).size).toBe(100);
  });

  test("the wasm backend multiplies transposed matrices as it should", async () => {
    await useBackend("wasm");
    const at = (x: Tensor2D, row: number, column: number) => x.arraySync()[row]?.[column] as number;
    const product = (transposeA: boolean, transposeB: boolean) => {
      const [a, b] = [
        tensor2d(
          Array.from({ length: 15 }, (_, i) => i - 7),
          transposeA ? [5, 3] : [3, 5],
        ),
        tensor2d(
          Array.from({ length: 20 }, (_, i) => 3 * i - 20),
          transposeB ? [4, 5] : [5, 4],
        ),
      ];
      const expected = Array.from({ length: 3 }, (_, i) =>
        Array.from({ length: 4 }, (_, j) =>
          [0, 1, 2, 3, 4].reduce((sum, k) => sum + (transposeA ? at(a, k, i) : at(a, i, k)) * (transposeB ? at(b, j, k) : at(b, k, j)), 0),
        ),
      );
      expect(matMul(a, b, transposeA, transposeB).arraySync()).toEqual(expected);
    };
    for (const transposeA of [false, true]) for (const transposeB of [false, true]) product(transposeA, transposeB);
  });

  test("images held out are none of those that are trained on, as long as there are others", async () => {
    const random = await RandomNumbers.create(1);
    const [chosen, heldOut] = [random.subset(50_000, 60_000), random.heldOut(10_000, 60_000)];
    expect(new Set([...chosen, ...heldOut]).size).toBe(60_000);
  });

  test("the learning rate rises over the warm-up and falls to 0 over the rest", () => {
    const run = { ...(runsOf({ ...SHORT, warmUp: 1 }, 1)[0] as Run), epochs: 3, learningRate: 8 };
    expect(Array.from({ length: 12 }, (_, step) => learningRateAt(run, step, 4))).toEqual([2, 4, 6, 8, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect([0, 1, 2, 3].map((step) => learningRateAt({ ...run, warmUp: 0, epochs: 1 }, step, 4))).toEqual([8, 6, 4, 2]);
  });

  test("after a step, no unit's weights exceed the max-norm, and those below it are as the optimizer left them", async () => {
    await useBackend("cpu");
    const [run] = runsOf({ ...SHORT, hidden: [16, 8] }, 1) as [Run];
    const norms = async (maxNorm: number) => {
      const model = await makeModel({ ...run, dropout: false }, await RandomNumbers.create(1));
      const variables = variablesOf(model);
      const chosen = Int32Array.from({ length: 20 }, (_, i) => i);
      const batch = batchOf(
        trainingExamples(() => chosen),
        chosen,
      );
      trainStep(model, makeOptimizer(run, variables), batch, { learningRate: 0.1, maxNorm, step: 1 });
      return variables.filter(({ rank }) => rank === 2).map((matrix) => [...norm(matrix, "euclidean", 0).dataSync()]);
    };
    const [free, limited] = [await norms(100), await norms(1.4)];
    expect(limited[2]).toEqual(free[2]);
    for (const layer of [0, 1]) {
      expect(free[layer]?.some((value) => value > 1.4)).toBe(true);
      free[layer]?.forEach((value, unit) => {
        expect(limited[layer]?.[unit]).toBeCloseTo(Math.min(value, 1.4), 5);
      });
    }
  });

  test.each([["momentum"], ["adam"]] as const)("optimizer %s moves as its paper says", async (optimizer) => {
    await useBackend("cpu");
    const weights = variable(tensor1d([1, -2]));
    const rule = makeOptimizer({ ...SHORT.schedules.with, optimizer, momentum: 0.5 }, [weights]);
    const gradients = [
      [0.5, -1],
      [0.25, 3],
    ];
    for (const [i, gradient] of gradients.entries()) rule.update([tensor1d(gradient)], 0.1, i + 1);
    const expected = [1, -2].map((start, unit) => {
      const [first, second] = gradients.map((gradient) => gradient[unit] as number) as [number, number];
      if (optimizer === "momentum") return start - 0.1 * first - 0.1 * (0.5 * first + second);
      // Kingma and Ba 2015, algorithm 1, with its corrected moments.
      const [m, v] = [0.9 * 0.1 * first + 0.1 * second, 0.999 * 0.001 * first ** 2 + 0.001 * second ** 2];
      return start - 0.1 * Math.sign(first) - (0.1 * (m / (1 - 0.9 ** 2))) / Math.sqrt(v / (1 - 0.999 ** 2));
    });
    [...weights.dataSync()].forEach((value, unit) => {
      expect(value).toBeCloseTo(expected[unit] as number, 5);
    });
  });

  test("McNemar's exact test is the binomial test of the errors that one alone makes", () => {
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
    // Twice the smaller tail in whole numbers.
    const exact = (b: number, c: number): number => {
      const n = BigInt(b + c);
      let [term, sum] = [1n, 0n];
      for (let k = 0n; k <= BigInt(Math.min(b, c)); ++k) {
        sum += term;
        term = (term * (n - k)) / (k + 1n);
      }
      return Math.min(1, Number((2n * sum * 10n ** 40n) / 2n ** n) / 1e40);
    };
    const test = (b: number, c: number): McNemar =>
      mcnemar([...range(0, b), ...range(9000, 9050)], [...range(5000, 5000 + c), ...range(9000, 9050)]);
    for (const [b, c] of [
      [10, 1],
      [1, 10],
      [40, 21],
      [150, 86],
      [700, 650],
      [5, 5],
      [0, 0],
      [0, 6],
    ] as const) {
      const found = test(b, c);
      expect(found).toMatchObject({ onlyFirst: b, onlySecond: c });
      expect(found.p).toBeCloseTo(exact(b, c), 12);
    }
    expect(test(10, 1).p).toBeCloseTo((2 * 12) / 2 ** 11, 15);
    expect(test(0, 6).p).toBeCloseTo(1 / 32, 15);
    // More tosses than a power of 1/2 can be a number of.
    expect(test(2000, 1500).p).toBeGreaterThan(0);
    expect(test(2000, 1500).p).toBeLessThan(1e-15);
  });

  test("separation is the share of pairs in order, ties counting half", () => {
    expect(separation([1, 2, 3], [4, 5])).toBe(1);
    expect(separation([4, 5], [1, 2, 3])).toBe(0);
    expect(separation([1, 2], [1, 2])).toBe(0.5);
    expect(separation([0, 1, 1, 3], [1, 2])).toBe((1 + 2 / 2 + 3) / 8);
  });
});

describe("the committed run of the whole training set", () => {
  const folder = new URL("../../examples/mnist/train/full/", import.meta.url);
  const results: Results = JSON.parse(readFileSync(new URL("results.json", folder), "utf8"));

  test("is that of the command with --full, to its end", () => {
    const { settings, seeds } = readOptions(["--full", "--seeds", `${results.seeds.length}`]);
    expect(results.settings).toEqual(settings);
    expect(results.outcomes.map(({ run }) => run)).toEqual(runsOf(settings, seeds));
    for (const { run, curve, wrong, testWrong } of results.outcomes) {
      expect(curve).toHaveLength(run.epochs);
      expect(new Set(wrong).size).toBe(testWrong);
    }
  });

  test("has errors and McNemar's test of the images that were classified wrong", () => {
    for (const { seed, without, with: withDropout, test: found } of results.seeds) {
      const [dropped, plain] = [true, false].map((dropout) =>
        results.outcomes.find(({ run }) => run.seed === seed && run.dropout === dropout),
      );
      expect([plain?.testWrong, dropped?.testWrong]).toEqual([without, withDropout].map((error) => Math.round(100 * error)));
      expect(found).toEqual(mcnemar(plain?.wrong ?? [], dropped?.wrong ?? []));
      expect(Math.max(without, withDropout)).toBeLessThanOrEqual(1.35);
      expect(withDropout).toBeLessThan(without);
      expect(found.p).toBeLessThan(0.05);
    }
  });

  test("is what the documentation says", () => {
    const docs = readFileSync(new URL("../../docs/tfjs.md", import.meta.url), "utf8");
    const page = readFileSync(new URL("report.html", folder), "utf8");
    for (const { without, with: withDropout, test: found } of results.seeds) {
      for (const text of [`${without.toFixed(2)}%`, `${withDropout.toFixed(2)}%`]) expect(docs).toContain(text);
      for (const text of [without.toFixed(2), withDropout.toFixed(2), `${found.onlyFirst}`, `${found.onlySecond}`])
        expect(page).toContain(`>${text}<`);
      expect(docs).toContain(`p = ${found.p.toPrecision(2)}`);
    }
    const pairs = pairsOf(results.outcomes);
    expect(page).toContain(conclusion(pairs));
    expect(readFileSync(new URL("../../docs/training.svg", import.meta.url), "utf8")).toContain(headline(pairs));
  });
});

describe("the command line", () => {
  test.each([
    [["--images", "9"], '"--images" expected integer in [10, 60000], got "9"'],
    [["--epochs", "1.5"], '"--epochs" expected integer in [1, 10000], got "1.5"'],
    [["--passes", "-"], '"--passes" expected integer in [2, 10000], got "-"'],
    [["--seeds", ""], '"--seeds" expected integer in [1, 1000], got ""'],
    [["--validation", "40000"], '"--validation" expected integer in [10, 30000], got "40000"'],
    [["--validation", "10000", "--images", "60000"], '"--images" expected integer in [10, 50000], got "60000"'],
    [["--momentum", "1"], '"--momentum" expected decimal number in [0, 1), got "1"'],
    [["--learning-rate", "1e-3"], '"--learning-rate" expected decimal number above 0, got "1e-3"'],
    [["--max-norm", "0"], '"--max-norm" expected decimal number above 0, got "0"'],
    [["--optimizer", "sgd"], '"--optimizer" expected momentum or adam, got "sgd"'],
    [["--backend", "webgl"], '"--backend" expected wasm or cpu, got "webgl"'],
    [["--short", "--full"], "expected --full or --short, got both"],
  ])("refuses %j", (args, message) => {
    expect(() => readOptions(args)).toThrow(new UsageError(message));
  });

  test("has settings of its own for the whole set and for the short form, which options change", () => {
    expect(readOptions([])).toMatchObject({ settings: DEFAULT, seeds: 3, help: false });
    expect(readOptions(["--full"])).toMatchObject({ settings: FULL, seeds: 1 });
    expect(FULL.images).toBe(60_000);
    expect(readOptions(["--short", "--epochs", "7", "--backend", "cpu"]).settings).toEqual({
      ...SHORT,
      schedules: both({ ...SHORT.schedules.with, epochs: 7 }),
      backend: "cpu",
    });
    const trial = [
      "--full",
      "--validation",
      "10000",
      "--optimizer",
      "momentum",
      "--learning-rate",
      ".1",
      "--momentum",
      "0.9",
      "--max-norm",
      "3",
    ];
    expect(readOptions([...trial, "--epochs", "8", "--hidden", "512"]).settings).toEqual({
      ...FULL,
      images: 50_000,
      validation: 10_000,
      hidden: [512, 512],
      schedules: both({ epochs: 8, learningRate: 0.1, optimizer: "momentum", momentum: 0.9, maxNorm: 3 }),
    });
  });

  test("explains itself, and ends with exit code 2 where it makes no sense", async () => {
    const [help, wrong] = await Promise.all([command(["--help"]), command(["--width", "3"])]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain("npm run example:train");
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toContain("Unknown option '--width'");
    expect(wrong.stderr).toContain(help.stdout.trim());
  });
});
