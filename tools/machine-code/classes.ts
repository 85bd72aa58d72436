// Classes of x86-64 instructions, by what a processor needs to run them.

import type { Instruction } from "./assembly.js";

/** The classes, in the order of the tables; `stack` are moves of spilled registers to the stack and back. */
export const CLASSES = ["arithmetic", "shuffle", "load", "store", "move", "scalar", "branch", "stack"] as const;
export type Class = (typeof CLASSES)[number];

const BRANCH = /^(j|loop|call|ret)/;
const MOVE = /^v?mov(?!msk)/;
const SHUFFLE =
  /^v?(p?unpck|pack|p?shuf|p?blend|p?broadcast|p?perm|palignr|pmov[sz]x|pinsr|pextr|insertps|extractps|movddup|movs[hl]dup|movhlps|movlhps|ps[rl]ldq)/;
/** Of registers that hold vectors, only the lowest lane. */
const ONE_LANE = /^v?((add|sub|mul|div|sqrt|round|min|max|cmp\w*|u?comi|mov)s[sd]|cvtt?(s[sd]|si)2\w+|mov[dq])$/;
/** Instructions that fill a register with zeros or with ones. */
const CONSTANT = /^(xor|sub|v?p?xorp?[sd]?|v?pcmpeq[bwdq])$/;
const SPILL = /\[r[bs]p[-+]0x[0-9a-f]+\]/;

/** Returns true if an instruction works on all lanes of a vector. */
export function isVector({ mnemonic, operands }: Instruction): boolean {
  return /[xyz]mm\d/.test(operands) && !ONE_LANE.test(mnemonic);
}

export function classOf(instruction: Instruction): Class {
  const { mnemonic, operands } = instruction;
  const [to = "", ...from] = operands.split(",");
  if (BRANCH.test(mnemonic)) return "branch";
  if (SHUFFLE.test(mnemonic)) return "shuffle";
  if (MOVE.test(mnemonic)) {
    if (SPILL.test(operands)) return "stack";
    if (to.includes("[")) return "store";
    return operands.includes("[") ? "load" : "move";
  }
  if (CONSTANT.test(mnemonic) && from.length > 0 && [to, ...from].every((one) => one === from[0])) return "move";
  return isVector(instruction) ? "arithmetic" : "scalar";
}

/** Returns true if an instruction writes a vector to memory. */
export function isVectorStore(instruction: Instruction): boolean {
  return isVector(instruction) && classOf(instruction) === "store";
}
