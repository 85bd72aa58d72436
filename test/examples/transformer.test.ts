// The transformer example in its tiny form: it trains with the fused operations, and interrupting it changes no bit. Takes seconds.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useBackend } from "../../examples/mnist/train/backend.js";
import { conclusion } from "../../examples/transformer/report.js";
import { readText, Windows } from "../../examples/transformer/text.js";
import { type Point, readState, type Settings, train } from "../../examples/transformer/training.js";
import { expectDocumentAccessible } from "../support/axe.js";
import { expectBytes } from "../support/oracle.js";

const directory = mkdtempSync(join(tmpdir(), "transformer-"));
afterAll(() => rmSync(directory, { recursive: true }));

const TINY: Settings = {
  ...{ length: 12, width: 16, heads: 2, blocks: 2, windows: 3, validation: 4, every: 2, learningRate: 3e-3, text: 1000 },
  ...{ seed: 7, rate: 0.3, steps: 6 },
};
const bytesOf = (name: string) => new Uint8Array(readState(join(directory, name)).data);

describe("a training", () => {
  beforeAll(() => useBackend("wasm"));

  it("that was interrupted goes on with the same bits, and another seed or rate gives others", async () => {
    const points: Point[] = [];
    const curve = await train(TINY, join(directory, "whole"), (point) => points.push(point));
    expect(curve).toEqual(points);
    expect(curve.map(({ step }) => step)).toEqual([2, 4, 6]);
    expect(curve.at(-1)?.training).toBeLessThan(curve[0]?.training as number);

    for (let runs = 0; runs < 3; ++runs) {
      const interruption = new AbortController();
      const seen = readStateOrNothing("parts");
      const part = await train(TINY, join(directory, "parts"), ({ step }) => step > seen && interruption.abort(), interruption.signal);
      expect(part).toHaveLength(runs + 1);
    }
    expectBytes(bytesOf("parts"), bytesOf("whole"), "weights and moments");
    expect(readState(join(directory, "parts")).header).toEqual(readState(join(directory, "whole")).header);

    await train({ ...TINY, rate: 0, steps: 2 }, join(directory, "without"), () => {});
    await train({ ...TINY, seed: 8, steps: 2 }, join(directory, "other"), () => {});
    const texts = ["whole", "without", "other"].map((name) => Buffer.from(bytesOf(name)).toString("base64"));
    expect(new Set(texts).size).toBe(3);
    await expect(train({ ...TINY, seed: 9 }, join(directory, "whole"), () => {})).rejects.toThrow("other settings");
  });

  function readStateOrNothing(name: string): number {
    try {
      return readState(join(directory, name)).header.curve.at(-1)?.step ?? 0;
    } catch {
      return 0;
    }
  }
});

it("learns from one part of the text and is judged by another", async () => {
  const { alphabet, training, validation } = readText(5000);
  expect([training.length, validation.length]).toEqual([5000, 5000]);
  for (const text of [training, validation]) expect(text.every((number) => number >= 0 && number < alphabet.length)).toBe(true);
  const windows = await Windows.create(1, 10);
  const { inputs, targets } = windows.atRandom(training, 4, 3);
  expect(windows.atRandom(training, 4, 3)).toEqual({ inputs, targets });
  for (let row = 0; row < 4; ++row) expect(targets.slice(10 * row, 10 * row + 9)).toEqual(inputs.slice(10 * row + 1, 10 * row + 10));
});

it("says which loss is lower", () => {
  const point = (validation: number): Point => ({ step: 1, training: 1, validation });
  expect(conclusion({ with: [point(2)], without: [point(2.5), point(3)] })).toContain(
    "2.000 nats a character with dropout, 3.000 without, whose least was 2.500. With dropout it is lower",
  );
  expect(conclusion({ with: [point(2)], without: [point(1)] })).toContain("NOT lower");
});

describe("the command", () => {
  const program = fileURLToPath(new URL("../../examples/transformer/run.ts", import.meta.url));
  const run = (...args: string[]) => promisify(execFile)(process.execPath, ["--import", "tsx", program, ...args]);

  it("trains with and without, shows progress, and writes a report", async (context) => {
    const { stdout, stderr } = await run("--tiny", "--steps", "2", "--directory", join(directory, "command"));
    expect(stderr).toMatch(/100%.*dropout, step 2 of 2: training loss \d\.\d{3}, validation loss \d\.\d{3}/);
    expect(stdout).toContain("Validation loss after the last step");
    const html = readFileSync(join(directory, "command", "report.html"), "utf8");
    expect(html).toContain("<svg");
    await expectDocumentAccessible(html, context);
  });

  it("refuses what is no number of steps", async () => {
    await expect(run("--steps", "0")).rejects.toThrow("--steps expected integer from 1 on, got 0");
  });
});
