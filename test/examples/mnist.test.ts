// The examples: the program says what the package computes, and the data it reads is checked.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { createDropout } from "wasm-dropout";
import { DataError, mnistDirectory, parseImages, parseLabels, readImages, readLabels, readTrainingSet } from "../../examples/mnist/idx.mjs";
import { showProof } from "../../examples/mnist/proof.mjs";

const PROGRAM = fileURLToPath(new URL("../../examples/mnist/show.mjs", import.meta.url));

interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

function run(...args: string[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    const result = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        result[name] += text;
      });
    }
    child.on("error", reject).on("close", (code) => resolve({ code, ...result }));
  });
}

const groups = (text: string, pattern: RegExp): string[] => {
  const match = pattern.exec(text);
  if (match === null) throw new Error(`${pattern} not found in:\n${text}`);
  return match.slice(1);
};
const integer = (text: string | undefined): number => Number(text?.replaceAll(",", ""));
const keptOf = (mask: Uint8Array, length: number): boolean[] =>
  Array.from({ length }, (_, i) => (((mask[i >> 3] as number) >> (i & 7)) & 1) === 1);

describe("show.mjs", () => {
  const seed = 18446744073709551557n;
  const digit = 4;
  let result: Result;
  let sections: string[];

  beforeAll(async () => {
    result = await run("--seed", `${seed}`, "--digit", `${digit}`, "--p", "0.25");
    sections = result.stdout.split(/^── .*$/m);
  });

  test("succeeds, quietly, within 80 columns", () => {
    expect(result.stderr).toBe("");
    expect(result.code).toBe(0);
    expect(sections).toHaveLength(6);
    expect(result.stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(result.stdout).not.toContain("\x1b");
  });

  test("draws the digit that was asked for, and the mask that the package draws", async () => {
    const section = sections[1] as string;
    const [image, label, printedSeed, stream] = groups(section, /Training image (\d+), label (\d); seed (\d+), stream (\d+)\./);
    expect([image, label, printedSeed]).toEqual(["4", "9", `${seed}`]);
    const lines = section.split("\n").filter((line) => line.includes("│"));
    const [before, after] = [1, 3].map((part) => lines.flatMap((line) => [...(line.split("│")[part] as string)]));

    const { pixels } = readTrainingSet(mnistDirectory()).images;
    const x = pixels.subarray(digit * 784, (digit + 1) * 784);
    expect(before?.map((shade) => shade === "█")).toEqual(Array.from(x, (grey) => grey / 255 >= 7 / 8));
    expect(before?.map((shade) => shade === " ")).toEqual(Array.from(x, (grey) => grey / 255 < 1 / 8));

    const dropout = await createDropout({ seed });
    const mask = dropout.mask(784, 0.25, { stream: BigInt(stream as string) });
    expect(after?.map((shade) => shade !== "·")).toEqual(keptOf(mask, 784));
    expect(section).toContain(`dropped, ${784 - dropout.countKept(mask, 784)} of 784 pixels`);
  });

  test("shows the historical example as the package computes it", async () => {
    const section = sections[2] as string;
    const [level, printedSeed, stream] = groups(section, /level = ([\d.]+); seed (\d+), stream (\d+)\./);
    expect([level, printedSeed]).toEqual(["0.4", `${seed}`]);
    const row = (name: string): number[] =>
      (groups(section, new RegExp(`^  ${name} (.*)$`, "m"))[0] as string).trim().split(/ +/).map(Number);

    const x = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    const mask = new Uint8Array(2);
    const y = (await createDropout({ seed })).dropout(x, 0.4, { stream: BigInt(stream as string), mask });
    expect(row("x")).toEqual([...x]);
    expect(row("mask")).toEqual(keptOf(mask, 10).map(Number));
    expect(row("y")).toEqual(Array.from(y, (value) => Number(value.toFixed(3))));
    for (const [i, value] of row("y").entries()) expect(value).toBeCloseTo(row("mask")[i] === 0 ? 0 : (i + 1) / 0.6, 3);
    expect(section).toContain("[0, 1)");
  });

  test("realises the drop probabilities", () => {
    const section = sections[3] as string;
    const [images, pixels, mean] = groups(section, /([\d,]+) images, ([\d,]+) pixels, mean grey level ([\d.]+)/);
    const n = integer(pixels);
    expect([integer(images), n, mean]).toEqual([60_000, 47_040_000, "33.318"]);
    const rows = [...section.matchAll(/^ +(0\.\d+) +([\d,]+) +([\d.]+) +([-+][\d.]+) +([-+][\d.]+) +([\d.]+)$/gm)];
    expect(rows.map(([, p]) => p)).toEqual(["0.05", "0.1", "0.2", "0.5", "0.8", "0.95"]);
    for (const [, p, dropped, realised, , sigmas, meanOfY] of rows) {
      const error = integer(dropped) / n - Number(p);
      const expected = error / Math.sqrt((Number(p) * (1 - Number(p))) / n);
      expect(Math.abs(expected)).toBeLessThan(5);
      expect(Number(sigmas)).toBeCloseTo(expected, 1);
      expect(Number(realised)).toBeCloseTo(integer(dropped) / n, 6);
      expect(Number(meanOfY) / Number(mean)).toBeCloseTo(1, 2);
    }
  });

  test("proves that backward regenerates the mask, with a ticket that others can use", async () => {
    const section = sections[4] as string;
    const ticket = JSON.parse(groups(section, /(\{[^}]*\})/)[0] as string);
    expect(ticket).toMatchObject({ version: 1, kind: "tile", seed: `${seed}`, start: 0, p: 0.3, length: 784_000 });
    const dropout = await createDropout({ seed: 0 });
    const dropped = ticket.length - dropout.countKept(dropout.replay(ticket), ticket.length);
    expect(integer(groups(section, /dropped by forward, in its bit mask +([\d,]+)/)[0])).toBe(dropped);
    expect(integer(groups(section, /dropped by backward, from the ticket +([\d,]+)/)[0])).toBe(dropped);
    expect(section).toMatch(/^ {2}elements that differ +0$/m);
    expect(section).toMatch(/bytes equal to backward from the bit mask +yes$/m);
    expect(section).toContain("The mask was regenerated bit for bit.");
  });

  test("times every contender at every size", () => {
    const section = sections[5] as string;
    for (const name of [
      "memory.copy",
      "dropout, buffers",
      "backward from ticket, buffers",
      "dropout, Float32Array",
      "plain JavaScript loop",
    ]) {
      expect(section).toMatch(new RegExp(`^ {2}${name}( +\\d+\\.\\d{3} +\\d+\\.\\dx){3}$`, "m"));
    }
    expect(section).toContain("npm run bench");
  });
});

test("show.mjs finds the proof failing if the ticket is that of another mask", async () => {
  const printed = vi.spyOn(console, "log").mockReturnValue();
  const dropout = await createDropout({ seed: 3 });
  const forward = dropout.forward.bind(dropout);
  vi.spyOn(dropout, "forward").mockImplementation((x, p, options) => {
    const { y, ticket } = forward(x, p, options);
    return { y, ticket: { ...ticket, start: 1 } };
  });
  const held = await showProof(dropout, readTrainingSet(mnistDirectory()).images);
  expect(held).toBe(false);
  expect(printed).toHaveBeenLastCalledWith(expect.stringContaining("FAILED"));
  vi.restoreAllMocks();
});

test.each([
  ["--digit", "60000", '"--digit" expected integer in [0, 59999], got "60000"'],
  ["--digit", "1.5", '"--digit" expected integer in [0, 59999], got "1.5"'],
  ["--digit", "", '"--digit" expected integer in [0, 59999], got ""'],
  ["--p", "1.5", '"--p" expected number in [0, 1], got "1.5"'],
  ["--p", "half", '"--p" expected number in [0, 1], got "half"'],
  ["--p", "", '"--p" expected number in [0, 1], got ""'],
  ["--seed", "18446744073709551616", '"--seed" expected integer in [0, 18446744073709551615], got "18446744073709551616"'],
  ["--rate", "0.5", "Unknown option '--rate'"],
])("show.mjs refuses %s %j", async (flag, value, message) => {
  const { code, stdout, stderr } = await run(flag, value);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain(message);
  expect(stderr).toContain("usage: ");
});

test("show.mjs --help says what there is", async () => {
  const { code, stdout } = await run("--help");
  expect(code).toBe(0);
  for (const flag of ["--digit", "--p", "--seed"]) expect(stdout).toContain(flag);
});

describe("IDX files", () => {
  const imageHeader = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3];
  const labelHeader = [0, 0, 8, 1, 0, 0, 0, 2];

  test("are read", () => {
    expect(parseImages(Uint8Array.of(...imageHeader, 1, 2, 3, 4, 5, 6), "images")).toEqual({
      count: 2,
      rows: 1,
      columns: 3,
      pixels: Uint8Array.of(1, 2, 3, 4, 5, 6),
    });
    expect(parseLabels(Uint8Array.of(...labelHeader, 7, 2), "labels")).toEqual(Uint8Array.of(7, 2));
  });

  test("are read where they lie in a larger array", () => {
    const bytes = Uint8Array.of(9, 9, 9, ...labelHeader, 7, 2, 9);
    expect(parseLabels(bytes.subarray(3, -1), "labels")).toEqual(Uint8Array.of(7, 2));
  });

  test.each([
    ["another magic number", () => parseImages(Uint8Array.of(0, 0, 8, 1, ...imageHeader.slice(4), 1, 2, 3, 4, 5, 6), "f"), "0x00000801"],
    ["labels for images", () => parseLabels(Uint8Array.of(...imageHeader), "f"), "f: expected magic number 0x00000801, got 0x00000803"],
    ["no bytes at all", () => parseImages(new Uint8Array(0), "f"), "f: expected a header of 16 bytes, got 0 bytes in all"],
    ["half a header", () => parseLabels(Uint8Array.of(0, 0, 8, 1), "f"), "f: expected a header of 8 bytes, got 4 bytes in all"],
    ["truncated data", () => parseImages(Uint8Array.of(...imageHeader, 1, 2, 3, 4, 5), "f"), "f: expected 2 x 1 x 3 bytes of data, got 5"],
    ["bytes too many", () => parseLabels(Uint8Array.of(...labelHeader, 1, 2, 3), "f"), "f: expected 2 bytes of data, got 3"],
    ["a missing file", () => readTrainingSet(join(mnistDirectory(), "nowhere")), "cannot be read"],
  ])("with %s are refused", (_, read, message) => {
    expect(read).toThrow(DataError);
    expect(read).toThrow(message);
  });

  test("of MNIST hold what is known of them", () => {
    const { images, labels } = readTrainingSet(mnistDirectory());
    expect([images.count, images.rows, images.columns, images.pixels.length]).toEqual([60_000, 28, 28, 47_040_000]);
    expect([...labels.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9]);

    const testImages = readImages(join(mnistDirectory(), "t10k-images-idx3-ubyte"));
    const testLabels = readLabels(join(mnistDirectory(), "t10k-labels-idx1-ubyte"));
    expect([testImages.count, testImages.rows, testImages.columns, testImages.pixels.length]).toEqual([10_000, 28, 28, 7_840_000]);
    expect([testLabels.length, testLabels[0]]).toEqual([10_000, 7]);
  });
});
