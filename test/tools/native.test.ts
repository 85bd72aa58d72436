// That the native yardsticks compute what they are measured for, and that their results have the one form. Takes some 15 s, of which
// PyTorch, where installed, loads most of the time.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { compile, Missing } from "../../bench/cpp/program.js";
import { readRun } from "../../bench/read-run.js";
import { scale, threshold } from "../../src/stream/probability.js";
import { HANG_MS } from "../support/limits.js";
import { missing } from "../support/missing.js";
import { chance, drop, expectSame, keepBits, keepBytes, PROBABILITIES, sample, uniforms } from "../support/oracle.js";
import vectors from "../vectors/keep-streams.json" with { type: "json" };

const cwd = fileURLToPath(new URL("../..", import.meta.url));
let directory: string;
let compiled: string | Missing;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "native-bench-"));
  compiled = compile(directory);
});

afterAll(() => rmSync(directory, { recursive: true }));

/** The compiled program; ends the test where there is none. */
function executable(context: TestContext): string {
  if (!(compiled instanceof Missing)) return compiled;
  if (process.arch !== "x64") return context.skip(compiled.reason);
  return missing(context, "g++", compiled.reason);
}

interface Draw {
  readonly seed: string;
  readonly stream: string;
  readonly p: number;
  readonly start: number;
}

/** The dropout of x by the C++ program, which has to be the same in place and to leave alone what lies around it. */
function dropoutOf(program: string, x: Float32Array, { seed, stream, p, start }: Draw): Float32Array {
  const t = threshold(p, "tile");
  const args = ["check", seed, stream, t, scale(t, "tile", "f32"), start].map(String);
  const { status, stderr, stdout } = spawnSync(program, args, { input: new Uint8Array(x.buffer), maxBuffer: 2 ** 26, timeout: HANG_MS });
  expect([status, stderr.toString()]).toEqual([0, ""]);
  const guard = 16;
  const length = x.length + 2 * guard;
  expect(stdout.length).toBe(2 * length * Float32Array.BYTES_PER_ELEMENT);
  const both = new Float32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.length));
  const [apart, inPlace] = [both.subarray(0, length), both.subarray(length)];
  expectSame(inPlace, apart, "in place");
  const around = new Float32Array(guard).fill(7);
  expectSame(apart.subarray(0, guard), around, "in front");
  expectSame(apart.subarray(guard + x.length), around, "behind");
  return apart.subarray(guard, guard + x.length);
}

/** The bit mask that the C++ program draws. */
function maskOf(program: string, draw: Draw, count: number): Uint8Array {
  const y = dropoutOf(program, new Float32Array(count).fill(1), draw);
  return keepBits(Uint8Array.from(y, (value) => Number(value !== 0)));
}

describe("C++", () => {
  const cases = vectors.cases.filter(({ stream_kind }) => stream_kind === "tile");
  const hashed = vectors.hashed.filter(({ stream_kind }) => stream_kind === "tile");

  it("draws the known masks", (context) => {
    const program = executable(context);
    expect(cases.length * hashed.length).toBeGreaterThan(0);
    for (const one of cases) expect(Buffer.from(maskOf(program, one, one.count)).toString("hex")).toBe(one.bits);
    for (const one of hashed) {
      expect(
        createHash("sha256")
          .update(maskOf(program, one, one.count))
          .digest("hex"),
      ).toBe(one.sha256);
    }
  });

  it("decides by the last bit", (context) => {
    const program = executable(context);
    // U of element 77 in the example of docs/keep-streams.md: it is kept with T = U and dropped with T one above.
    const u = 0x194255cde721;
    const kept = [u, u + 1].map((t) => maskOf(program, { seed: "42", stream: "0", p: t / 2 ** 48, start: 77 }, 1)[0]);
    expect(kept).toEqual([1, 0]);
  });

  it("leaves all bits alone at p = 0", (context) => {
    const signalling = Uint32Array.from({ length: 40 }, (_, i) => 0x7f800001 + i);
    const y = dropoutOf(executable(context), new Float32Array(signalling.buffer), { seed: "1", stream: "1", p: 0, start: 3 });
    expect(new Uint32Array(y.buffer, y.byteOffset, y.length)).toEqual(signalling);
  });

  it("computes the dropout of every kind of float, from any element to any other", (context) => {
    const program = executable(context);
    const seed = "42";
    const stream = "7";
    const all = uniforms("tile", BigInt(seed), BigInt(stream), 0, 8500);
    const slices = [
      [0, 0],
      [0, 1],
      [5, 3],
      [13, 40],
      [16, 63],
      [4095, 2],
      [4096, 4096],
      [4083, 4140],
      [1, 8499],
    ] as const;
    for (const p of PROBABILITIES) {
      for (const [start, count] of slices) {
        const x = sample("f32", count, start) as Float32Array;
        const keep = keepBytes(all.subarray(start, start + count), chance("tile", p));
        const expected = drop(x, keep, chance("tile", p));
        expectSame(dropoutOf(program, x, { seed, stream, p, start }), expected, `p = ${p}, elements ${start} to ${start + count - 1}`);
      }
    }
  });
});

/** Runs the benchmark at one small size. */
function bench(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  return spawnSync(process.execPath, ["--import", "tsx", "tools/native/run.ts", ...args], { cwd, env, encoding: "utf8", timeout: HANG_MS });
}

const SUBJECTS = {
  "c++": ["c++ memcpy f32", "c++ sse4.1 multiply f32", "c++ sse4.1 tile f32", "c++ sse4.1 tile f32 in place"],
  numpy: ["numpy copy f32", "numpy dropout f32"],
  torch: ["torch copy f32", "torch dropout f32", "torch dropout forward+backward f32"],
};

describe("results", () => {
  /** Throws unless every program was measured or is said to be missing; the names of the missing ones. */
  function expectResults(path: string, output: string, size: number): string[] {
    const { engine, results, missing: left } = readRun(path);
    expect(engine.name).toBe("native");
    const names = (left ?? []).map(({ name }) => name);
    for (const { name, reason } of left ?? []) expect(output).toContain(`Missing: ${name} (${reason})`);
    const there = Object.entries(SUBJECTS).filter(([name]) => !names.includes(name));
    expect(results.map(({ name }) => name)).toEqual(there.flatMap(([, subjects]) => subjects));
    for (const [name] of there) expect(engine.version).toContain(`${name}: `);
    for (const result of results) {
      expect([result.group, result.size]).toEqual(["native", size]);
      expect(results.map(({ name }) => name)).toContain(result.copy);
      for (const figure of [result.nsPerElement, result.gbPerSecond, result.ratio, ...result.ratioInterval]) {
        expect(figure > 0 && Number.isFinite(figure)).toBe(true);
      }
      expect(output).toContain(result.name);
    }
    return names;
  }

  it("holds all that is installed", (context) => {
    executable(context);
    const json = join(directory, "results.json");
    const { status, stdout, stderr } = bench(["--size", "6", "--rounds", "2", "--json", json]);
    expect([status, stderr]).toEqual([0, "measuring 2^6 elements\n"]);
    expect(expectResults(json, stdout, 64)).not.toContain("c++");
  });

  it("names what is not", () => {
    const json = join(directory, "missing.json");
    const { status, stdout } = bench(["--size", "4", "--rounds", "1", "--json", json], { ...process.env, PATH: directory });
    expect(status).toBe(0);
    expect(expectResults(json, stdout, 16)).toContain("c++");
  });

  it.each([
    [["--size", "99"], "--size expected integer in [4, 26]"],
    [["--p", "1"], '--p expected number between 0 and 1, got "1"'],
    [["--nosuchflag"], "nosuchflag"],
  ])("refuses %j", (args, message) => {
    const { status, stderr } = bench(args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});
