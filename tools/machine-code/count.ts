// Counts the instructions of hot loops in V8's code for a wasm module, and in the C++ yardstick.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile, Missing } from "../../bench/cpp/program.js";
import { type Instruction, objdump, readInstructions } from "./assembly.js";
import { CLASSES, type Class, classOf, isVector } from "./classes.js";
import { GENERATOR, HOT, type Hot, textOf } from "./hot.js";
import { type Compiled, readJitdump } from "./jitdump.js";
import { loopsOf } from "./loops.js";
import { readWat } from "./wat.js";

/** A hot loop. */
export interface Count {
  /** The kernels that reach it. */
  readonly kernels: readonly string[];
  readonly function: string;
  /** The unit of a pass, and the number of units. */
  readonly unit: string;
  readonly elements: number;
  /** Instructions of a pass, all and by class. */
  readonly instructions: number;
  readonly classes: Readonly<Record<Class, number>>;
}

/** The hot loop of a function, as it is described; undefined if it has none. */
export function countLoop(
  code: readonly Instruction[],
  { mark, beside, elements }: Omit<Hot, "functions" | "unit">,
): Omit<Count, "kernels" | "function" | "unit"> | undefined {
  const countOf = (pass: readonly Instruction[], pattern: RegExp) => pass.filter((one) => pattern.test(textOf(one))).length;
  const [pass] = loopsOf(code, isVector)
    .map((loop) => loop.pass)
    .filter((one) => countOf(one, mark) > 0 && (beside === undefined || countOf(one, beside) > 0))
    .sort((a, b) => countOf(b, mark) - countOf(a, mark) || a.length - b.length);
  if (pass === undefined) return undefined;
  const classes = Object.fromEntries(CLASSES.map((name) => [name, pass.filter((one) => classOf(one) === name).length]));
  return { elements: countOf(pass, mark) * elements, instructions: pass.length, classes: classes as Record<Class, number> };
}

/** Counts of the module at build/<build>.wasm, such as "simd" or "noise/simd", for kernels with `filter` in their names. */
export function countModule(build: string, filter = ""): Count[] {
  const path = fileURLToPath(new URL(`../../build/${build}.`, import.meta.url));
  const { names, reached } = readWat(readFileSync(`${path}wat`, "utf8"));
  const kernels = [...reached.keys()];
  return inTemporary((directory) => {
    const code = new Map(machineCode(`${path}wasm`, directory).map((one) => [indexOf(one), one.code]));
    if (code.size !== names.length) throw new Error(`${build}: ${names.length} functions in the text, ${code.size} in V8's code`);
    return names
      .flatMap((name, index) => {
        const reaching = kernels.filter((kernel) => kernel.includes(filter) && reached.get(kernel)?.has(index));
        const hot = HOT.find(({ functions }) => functions.test(name));
        if (reaching.length === 0 || hot === undefined) return [];
        const count = countLoop(disassemble(code.get(index) as Uint8Array, directory), hot);
        if (count === undefined) throw new Error(`${build}: no loop of ${name} has what tools/machine-code/hot.ts looks for`);
        return { kernels: reaching, function: name, unit: hot.unit ?? "element", ...count };
      })
      .sort((a, b) => kernels.indexOf(a.kernels[0] as string) - kernels.indexOf(b.kernels[0] as string));
  });
}

/** The count of the C++ yardstick. */
export function countNative(): Count | Missing {
  return inTemporary((directory) => {
    const executable = compile(directory);
    if (executable instanceof Missing) return executable;
    // A heading for each function, its instructions, an empty line.
    const functions = objdump(["-d", "-C", executable])
      .split("\n\n")
      .filter((text) => /^[0-9a-f]+ <tile::/.test(text.trim()));
    const [most] = functions.flatMap((text) => countLoop(readInstructions(text), GENERATOR) ?? []).sort((a, b) => b.elements - a.elements);
    if (most === undefined) return new Missing("c++", "no loop found in what the compiler made of bench/cpp/tile.hpp");
    return { kernels: ["c++ sse4.1 tile f32"], function: "tile::dropout", unit: "element", ...most };
  });
}

/** Returns the code that V8's optimising compiler makes of the functions of a wasm file. */
function machineCode(wasm: string, directory: string): Compiled[] {
  const flags = ["--no-liftoff", "--no-wasm-lazy-compilation", "--perf-prof"];
  const compileIt = 'new WebAssembly.Module(require("node:fs").readFileSync(process.argv[1]))';
  const { error, status, stderr } = spawnSync(process.execPath, [...flags, "--eval", compileIt, wasm], {
    cwd: directory,
    encoding: "utf8",
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${wasm}: ${stderr}`);
  const dump = readdirSync(directory).find((name) => name.endsWith(".dump"));
  if (dump === undefined) throw new Error("this engine writes no machine code with --perf-prof");
  return readJitdump(readFileSync(join(directory, dump))).filter(({ name }) => name.includes("wasm-function"));
}

function indexOf({ name }: Compiled): number {
  return Number(name.match(/wasm-function\[(\d+)\]/)?.[1]);
}

function disassemble(code: Uint8Array, directory: string): Instruction[] {
  const path = join(directory, "code");
  writeFileSync(path, code);
  return readInstructions(objdump(["-D", "-b", "binary", "-m", "i386:x86-64", path]));
}

function inTemporary<T>(use: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "wasm-dropout-code-"));
  try {
    return use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
