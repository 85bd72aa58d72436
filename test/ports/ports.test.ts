// Ports of the keep streams in docs/ports against the known answers that the package itself is tested with: each by a program of its own
// language, which shares nothing with src/ or assembly/.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, type TestContext } from "vitest";
import { PHILOX_WGSL } from "../../src/tfjs/philox-wgsl.js";
import { MissingBrowser } from "../support/browsers.js";
import { missing } from "../support/missing.js";
import { comparable, NORMAL_QUESTIONS, QUESTIONS, type Question } from "./questions.js";
import { askWebGpu, NO_ADAPTER } from "./webgpu.js";

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const PORTS = pathOf("../../docs/ports");
const LINES = QUESTIONS.map(({ line }) => line);

// Outside of what streams are defined for: a port that computes says what it refuses, and writes nothing.
const REFUSED = [
  "mask tile 1 0 1.5 0 8",
  "mask tile 1 0 -0.1 0 8",
  "mask philox 1 0 nan 0 8",
  "mask tile 1 0 0.5 9007199254740992 8",
  "mask philox 1 0 0.5 9007199254740990 8",
  "mask other 1 0 0.5 0 8",
];

/** The lines that a program writes for those it is given. */
function ask(command: readonly string[], lines: readonly string[]): string[] {
  const [program, ...args] = command as [string, ...string[]];
  const { error, status, signal, stdout, stderr } = spawnSync(program, args, {
    input: `${lines.join("\n")}\n`,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (error) throw error;
  expect([status ?? signal, stderr]).toEqual([0, ""]);
  return stdout.trimEnd().split("\n");
}

function expectKnown(answers: readonly string[], questions: readonly Question[] = QUESTIONS): void {
  expect(answers.length).toBe(questions.length);
  questions.forEach((question, k) => {
    expect(comparable(question, answers[k] as string), question.line).toBe(question.answer ?? question.sha256);
  });
}

function expectRefused(answers: readonly string[]): void {
  expect(answers.length).toBe(REFUSED.length);
  REFUSED.forEach((line, k) => {
    expect(answers[k], line).toMatch(/^refused(?! after)/);
  });
}

it("asks for every mask and every generator of the files", () => {
  const count = (start: string) => QUESTIONS.filter(({ line }) => line.startsWith(start)).length;
  expect([count("mask tile"), count("mask philox")]).toEqual([12 + 3 + 8, 12 + 3 + 4]);
  expect([count("philox 7"), count("philox 10"), count("xoshiro")]).toEqual([3, 3, 1]);
  expect(NORMAL_QUESTIONS.length).toBe(22);
});

describe("NumPy", () => {
  it("gives the known answers, and refuses the rest", (context) => {
    const command = [pythonWithNumpy(context), "-B", "-W", "error", pathOf("driver.py"), PORTS];
    expectKnown(ask(command, LINES));
    expectRefused(ask(command, REFUSED));
    expectKnown(
      ask(
        command,
        NORMAL_QUESTIONS.map(({ line }) => line),
      ),
      NORMAL_QUESTIONS,
    );
  });
});

/** Debian's packages belong to its own Python, which need not be the first in PATH. */
function pythonWithNumpy(context: TestContext): string {
  const found = ["/usr/bin/python3", "python3"].find((python) => spawnSync(python, ["-c", "import numpy"]).status === 0);
  return found ?? missing(context, "NumPy", "no Python that imports numpy");
}

describe("C", () => {
  it("gives the known answers, and refuses the rest", (context) => {
    if (spawnSync("gcc", ["--version"]).error) missing(context, "gcc", "not installed");
    const directory = mkdtempSync(join(tmpdir(), "port-"));
    try {
      const program = join(directory, "driver");
      // A finding of the sanitizers ends the program.
      const flags = [
        "-std=c99",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover",
      ];
      const { status, stderr } = spawnSync("gcc", [...flags, "-I", PORTS, pathOf("driver.c"), "-o", program], { encoding: "utf8" });
      expect([status, stderr]).toEqual([0, ""]);
      expectKnown(ask([program], LINES));
      expectRefused(ask([program], REFUSED));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe("WGSL", () => {
  it("has the generator that GPUs of tfjs run", () => {
    expect(readFileSync(join(PORTS, "keep-streams.wgsl"), "utf8")).toContain(PHILOX_WGSL);
  });

  it("gives the known answers in Chromium", async (context) => {
    const answers = await askWebGpu(LINES).catch((error) => {
      if (error instanceof MissingBrowser || error.message.includes(NO_ADAPTER))
        return missing(context, "WebGPU in Chromium", error.message);
      throw error;
    });
    expectKnown(answers);
  });
});
