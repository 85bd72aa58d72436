// The programs that stand beside wasm-dropout: what each needs, how it is made ready, and how its times are read.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { scale, threshold } from "../../src/stream/probability.js";
import { leastInvocation, ROUND, WARMUP_MS } from "../measure.js";
import type { Description } from "../results.js";

/** As wide as WebAssembly's vectors, so no AVX. */
export const COMPILE = ["g++", "-std=c++17", "-O3", "-msse4.1"] as const;

/** What a program prints. */
export interface Measured {
  /** Version of the compiler or the library. */
  readonly version: string;
  /** How it was built, as far as it knows. */
  readonly build: string;
  readonly subjects: readonly (Omit<Description, "group"> & {
    /** Milliseconds that a call took in each round. */
    readonly times: readonly number[];
  })[];
}

/** A program that is ready to run. */
export interface Program {
  readonly name: string;
  /** Measures its subjects over `size` elements, a multiple of 16, at drop probability `p`. */
  measure(size: number, rounds: number, p: number): Measured;
}

/** What cannot run here, and why. */
export class Missing {
  constructor(
    readonly name: string,
    readonly reason: string,
  ) {}
}

/** All of them; what is compiled goes to `directory`. */
export function preparePrograms(directory: string): (Program | Missing)[] {
  return [prepareCpp(directory), preparePython("numpy"), preparePython("torch")];
}

/** The executable of dropout.cpp, compiled into `directory`. */
export function compile(directory: string): string | Missing {
  const missing = (reason: string) => new Missing("c++", reason);
  const { arch, platform } = process;
  if (arch !== "x64" || (platform !== "linux" && platform !== "darwin")) {
    return missing(`needs Linux or macOS on x86-64, this is ${platform} on ${arch}`);
  }
  const [compiler, ...flags] = COMPILE;
  if (spawnSync(compiler, ["--version"]).error) return missing(`${compiler} is not installed`);
  const executable = join(directory, "dropout");
  run(compiler, [...flags, "-o", executable, pathOf("dropout.cpp")]);
  return executable;
}

function prepareCpp(directory: string): Program | Missing {
  const executable = compile(directory);
  if (executable instanceof Missing) return executable;
  return {
    name: "c++",
    measure(size, rounds, p) {
      const t = threshold(p, "tile");
      const measured = read(run(executable, ["measure", `${size}`, `${t}`, `${scale(t, "tile", "f32")}`, ...planOf(rounds)]));
      return { ...measured, build: COMPILE.join(" ") };
    },
  };
}

function preparePython(library: "numpy" | "torch"): Program | Missing {
  // Debian's packages belong to its own Python, which need not be the first in PATH.
  const tried = ["python3", "/usr/bin/python3"].map((python) => ({ python, reason: whyNot(python, library) }));
  const found = tried.find(({ reason }) => reason === undefined);
  if (found === undefined) return new Missing(library, tried.map(({ python, reason }) => `${python}: ${reason}`).join("; "));
  return {
    name: library,
    // -B: no compiled files beside the sources.
    measure: (size, rounds, p) => read(run(found.python, ["-B", pathOf(`${library}_dropout.py`), `${size}`, `${p}`, ...planOf(rounds)])),
  };
}

/** Why `python` cannot use `library`; undefined if it can. Looks for it without the seconds that loading takes. */
function whyNot(python: string, library: string): string | undefined {
  const find = `import importlib.util; print(importlib.util.find_spec("${library}") is not None)`;
  const { error, status, stdout, stderr } = spawnSync(python, ["-c", find], { encoding: "utf8" });
  if (error) return "not installed";
  if (status !== 0) return `does not run: ${stderr.trim().split("\n").at(-1)}`;
  return stdout.trim() === "True" ? undefined : `no module ${library}`;
}

/** How to measure, as the programs take it: as bench/measure.ts does. */
function planOf(rounds: number): string[] {
  return [rounds, WARMUP_MS, leastInvocation(), ROUND.time, ROUND.iterations].map(String);
}

function run(command: string, args: readonly string[]): string {
  const { error, status, signal, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status ?? signal}:\n${stderr}`);
  return stdout;
}

function read(output: string): Measured {
  return JSON.parse(output);
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
