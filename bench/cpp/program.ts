// The C++ yardstick: the same stream by hand, in vectors of the same width.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { scale, threshold } from "../../src/stream/probability.js";
import { leastInvocation, ROUND, WARMUP_MS } from "../measure.js";
import type { Description } from "../results.js";

/** As wide as WebAssembly's vectors, so no AVX. */
const COMPILE = ["g++", "-std=c++17", "-O3", "-msse4.1"] as const;

/** The output of a program that measures. */
export interface Measured {
  /** Version of the compiler or the library. */
  readonly version: string;
  /** The compiler and its flags, as far as the program knows them. */
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

/** A program that cannot run here, and why. */
export class Missing {
  constructor(
    readonly name: string,
    readonly reason: string,
  ) {}
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
  run(compiler, [...flags, "-o", executable, fileURLToPath(new URL("dropout.cpp", import.meta.url))]);
  return executable;
}

/** The program, compiled into `directory`. */
export function prepareCpp(directory: string): Program | Missing {
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

/** The plan of measuring as the programs take it: that of bench/measure.ts. */
export function planOf(rounds: number): string[] {
  return [rounds, WARMUP_MS, leastInvocation(), ROUND.time, ROUND.iterations].map(String);
}

/** Runs a command to its end; returns its output. Throws Error where it fails. */
export function run(command: string, args: readonly string[]): string {
  const { error, status, signal, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status ?? signal}:\n${stderr}`);
  return stdout;
}

/** Reads the output of a program that measures. */
export function read(output: string): Measured {
  return JSON.parse(output);
}
