// x86-64 machine code as instructions, by way of objdump of binutils.

import { spawnSync } from "node:child_process";

/** An instruction in Intel's syntax. */
export interface Instruction {
  readonly address: number;
  readonly mnemonic: string;
  /** Without spaces around commas. */
  readonly operands: string;
}

/** The reason for which machine code cannot be read here; undefined if it can. */
export function whyNot(): string | undefined {
  if (process.arch !== "x64") return `only x86-64 is counted, this is ${process.arch}`;
  if (spawnSync("objdump", ["--version"]).error) return "objdump of binutils is not installed";
  return undefined;
}

/** Returns the output of objdump with `args`. */
export function objdump(args: readonly string[]): string {
  const options = ["-M", "intel", "--no-show-raw-insn", ...args];
  const { error, status, stdout, stderr } = spawnSync("objdump", options, { encoding: "utf8", maxBuffer: 2 ** 28 });
  if (error) throw error;
  if (status !== 0) throw new Error(`objdump ${options.join(" ")}: ${stderr}`);
  return stdout;
}

/** Returns the instructions in the output of objdump. */
export function readInstructions(text: string): Instruction[] {
  return text.split("\n").flatMap((line) => {
    const [, address, words] = line.match(/^\s*([0-9a-f]+):\s+(.*)$/) ?? [];
    if (address === undefined || words === undefined) return [];
    // Prefixes stand in front of the mnemonic; comments and symbols behind the operands.
    const [, mnemonic = "", operands = ""] =
      words.replace(/\s*[#<].*$/, "").match(/^(?:(?:lock|rep[nz]*|data16|cs|ds|es|fs|gs|rex\S*|notrack|bnd) )*(\S+)\s*(.*)$/) ?? [];
    return [{ address: Number.parseInt(address, 16), mnemonic, operands: operands.trim() }];
  });
}
