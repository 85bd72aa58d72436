// The benchmark of TensorFlow.js: its command line, that it measures both backends, and what --gate makes of it.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../../bench/command-line.js";
import { createTfjsDropout } from "../../src/tfjs/index.js";
import { mobileNet } from "../../tools/tfjs/mobile-net.js";
import { readOptions } from "../../tools/tfjs/options.js";
import { COPIES, OURS, subjects, TFJS } from "../../tools/tfjs/subjects.js";
import { HANG_MS } from "../support/limits.js";
import { leftBy, useBackend } from "../tfjs/setup.js";

describe("the command line", () => {
  it("has defaults, and takes sizes, rounds and --gate", () => {
    const parts = ["operations", "prediction", "gpu"];
    expect(readOptions([])).toEqual({ parts, sizes: [12, 14, 16, 18, 20, 22].map((k) => 2 ** k), rounds: 9, gate: false, help: false });
    expect(readOptions(["--part", "gpu", "--size", "4,5", "--rounds", "2", "--gate"])).toEqual({
      parts: ["gpu"],
      sizes: [16, 32],
      rounds: 2,
      gate: true,
      help: false,
    });
  });

  it.each([["--size", "3"], ["--rounds", "0"], ["--part", "all"], ["--what"]])("refuses %s %s", (...args) => {
    expect(() => readOptions(args)).toThrow(UsageError);
  });
});

describe("the subjects", () => {
  beforeAll(() => useBackend("cpu"));

  it("are dropout, theirs and ours, and copies; they leave no tensor behind", async () => {
    const wd = await createTfjsDropout({ seed: 1 });
    const left = leftBy(() => {
      const { timed, free } = subjects(wd, 4096, 0.5, "gradient");
      expect(timed.map(({ name }) => name)).toEqual([TFJS, OURS, COPIES]);
      for (const { call } of timed) call();
      free();
    });
    expect(left).toBe(0);
    expect(tf.getBackend()).toBe("cpu");
  });

  it("are refused unless they are dropout", async () => {
    const wd = await createTfjsDropout({ seed: 1 });
    expect(() => subjects(Object.assign(Object.create(wd), { dropout: (x: tf.Tensor) => tf.mul(x, 2) }), 4096, 0.5, "forward")).toThrow(
      "wasm-dropout is not dropout: it kept a share of 1",
    );
  });
});

it("measures both backends; --gate without the size of the bars fails", () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const args = ["--import", "tsx", "tools/tfjs/run.ts", "--part", "operations", "--size", "8", "--rounds", "1", "--gate"];
  const { stdout, status } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", timeout: HANG_MS });
  expect(stdout).toMatch(/backend cpu\n.+\nforward +2\^8 .+both +2\^8 .+backend wasm\n.+\nforward +2\^8 .+both +2\^8 /s);
  expect(status).toBe(1);
});

it("predicts by a network like MobileNetV2 that drops behind its pooling only", () => {
  const { layers } = mobileNet(32, 10);
  expect(layers.length).toBeGreaterThan(150);
  const names = layers.map((layer) => layer.getClassName());
  expect(names.slice(names.indexOf("GlobalAveragePooling2D"))).toEqual(["GlobalAveragePooling2D", "Dropout", "Dense", "Dropout", "Dense"]);
});
