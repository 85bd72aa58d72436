// The transformer example in its tiny form: it trains with the fused operations, and interrupting it changes no bit. Takes seconds.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useBackend } from "../../examples/mnist/train/backend.js";
import { type Store, unpack } from "../../examples/transformer/checkpoint.js";
import { readPages } from "../../examples/transformer/pages.js";
import { conclusion } from "../../examples/transformer/report.js";
import { type News, type Point, readSettings, type Settings, usual } from "../../examples/transformer/settings.js";
import { makeText, Windows } from "../../examples/transformer/text.js";
import { train } from "../../examples/transformer/training.js";
import { expectDocumentAccessible } from "../support/axe.js";
import { expectBytes } from "../support/oracle.js";

const directory = mkdtempSync(join(tmpdir(), "transformer-"));
afterAll(() => rmSync(directory, { recursive: true }));

const TINY: Settings = {
  ...{ length: 12, width: 16, heads: 2, blocks: 2, windows: 3, validation: 4, every: 2, learningRate: 3e-3, text: 1000 },
  ...{ seed: 7, rate: 0.3, steps: 6 },
};
/** A place for a state, and what a training told. */
class Kept implements Store {
  state: Uint8Array | undefined;
  readonly news: News[] = [];
  readonly tell = (news: News) => void this.news.push(news);
  readonly read = async () => this.state;
  readonly write = async (state: Uint8Array) => {
    this.state = state;
  };
  get points(): Point[] {
    return this.news.flatMap((news) => (news.type === "point" ? [news.point] : []));
  }
}

describe("a training", () => {
  beforeAll(() => useBackend("wasm"));
  const pages = readPages();

  it("that was interrupted goes on with the same bits, and another seed, rate or text gives others", async () => {
    const whole = new Kept();
    const curve = await train(TINY, pages, whole, whole.tell);
    expect(whole.points).toEqual(curve);
    expect(curve.map(({ step }) => step)).toEqual([2, 4, 6]);
    expect(curve.at(-1)?.training).toBeLessThan(curve[0]?.training as number);
    expect(whole.news.flatMap((news) => (news.type === "step" ? [news.step] : []))).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const end = whole.news.at(-1) as News;
    expect(end.type === "end" && end.sample.length).toBe(240);

    const parts = new Kept();
    for (let runs = 0; runs < 3; ++runs) {
      const interruption = new AbortController();
      const part = await train(
        TINY,
        pages,
        parts,
        (news) => {
          parts.tell(news);
          if (news.type === "point" && news.point.step > 2 * runs) interruption.abort();
        },
        interruption.signal,
      );
      expect(part).toHaveLength(runs + 1);
    }
    expectBytes(parts.state as Uint8Array, whole.state as Uint8Array, "header, weights and moments");
    expect(parts.news.at(-1)).toEqual(end);

    const [without, other, elsewhere] = [new Kept(), new Kept(), new Kept()] as const;
    await train({ ...TINY, rate: 0, steps: 2 }, pages, without, without.tell);
    await train({ ...TINY, seed: 8, steps: 2 }, pages, other, other.tell);
    const turned = pages.map((page) => [...page].reverse().join(""));
    await train({ ...TINY, steps: 2 }, turned, elsewhere, elsewhere.tell);
    const texts = [whole, without, other, elsewhere].map(({ state }) => Buffer.from(unpack(state as Uint8Array).data).toString("base64"));
    expect(new Set(texts).size).toBe(4);
    for (const [settings, given] of [
      [{ ...TINY, seed: 9 }, pages],
      [TINY, turned],
    ] as const)
      await expect(train(settings, given, whole, whole.tell)).rejects.toThrow("other settings, or on another text");
  });
});

it("learns from one part of the text and is judged by another", async () => {
  const { alphabet, training, validation } = makeText(readPages(), 5000);
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

it("refuses what is no setting, by name", () => {
  for (const [setting, text, expected] of [
    ["steps", "1.5", "integer from 1 on"],
    ["seed", "", "integer from 0 on"],
    ["rate", "1", "number in (0, 1)"],
  ] as const)
    expect(() => readSettings({ ...usual(true), [setting]: text }, true)).toThrow(`${setting} expected ${expected}, got "${text}"`);
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
    await expect(run("--steps", "0")).rejects.toThrow('--steps expected integer from 1 on, got "0"');
  });
});
