// Loops in machine code. A loop is natural: a jump back to an instruction, its head, through which every path to the jump leads; that leaves out the
// jumps by which code that is rarely needed, put at a function's end, comes back. Source: Aho, Lam, Sethi, Ullman, "Compilers", 2nd ed., 9.6.

import type { Instruction } from "./assembly.js";

/** A loop. */
export interface Loop {
  /** Address of the first instruction. */
  readonly head: number;
  /**
   * The instructions of a pass: the shortest way from the head back to it through that block outside inner loops that has most of the instructions that
   * count.
   */
  readonly pass: readonly Instruction[];
  /** The heads of the loops inside. */
  readonly inner: readonly number[];
}

interface Block {
  readonly instructions: readonly Instruction[];
  readonly next: readonly number[];
}

const JUMP = /^j|^loop/;
/** After these the next instruction is not reached: a jump, the end of a function, a trap. */
const NO_NEXT = /^(jmp|ret|ud2|int3|hlt|\(bad\))/;

/** The loops of a function that begins with its first instruction, in the order of their heads; `counts` selects the instructions that weigh a block, and a pass goes through the heaviest. */
export function loopsOf(code: readonly Instruction[], counts: (instruction: Instruction) => boolean): Loop[] {
  const blocks = blocksOf(code);
  const dominators = dominatorsOf(blocks);
  const bodies = new Map<number, Set<number>>();
  for (const [at, { next }] of blocks) {
    for (const head of next) {
      if (!dominators.get(at)?.has(head)) continue;
      bodies.set(head, new Set([...(bodies.get(head) ?? []), ...bodyOf(head, at, blocks)]));
    }
  }
  const weightOf = (at: number) => (blocks.get(at) as Block).instructions.filter(counts).length;
  return [...bodies]
    .sort(([a], [b]) => a - b)
    .map(([head, body]) => {
      const inner = [...bodies.keys()].filter((other) => other !== head && body.has(other));
      const within = new Set(inner.flatMap((other) => [...(bodies.get(other) as Set<number>)]));
      const own = [head, ...body].filter((at) => !within.has(at));
      const main = own.reduce((best, at) => (weightOf(at) > weightOf(best) ? at : best), head);
      const ways = [main === head ? [] : shortestWay(head, main, body, blocks), shortestWay(main, head, body, blocks)];
      return { head, inner, pass: ways.flat().flatMap((at) => (blocks.get(at) as Block).instructions) };
    });
}

/** The blocks that are reached from the first instruction, by their addresses. */
function blocksOf(code: readonly Instruction[]): Map<number, Block> {
  const indices = new Map(code.map(({ address }, index) => [address, index]));
  const starts = new Set<number>();
  for (const [index, one] of code.entries()) {
    const target = targetOf(one);
    if (target !== undefined) starts.add(target);
    const behind = code[index + 1];
    if (behind !== undefined && (JUMP.test(one.mnemonic) || NO_NEXT.test(one.mnemonic))) starts.add(behind.address);
  }
  const blocks = new Map<number, Block>();
  const open = code.slice(0, 1).map(({ address }) => address);
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const first = indices.get(at);
    if (blocks.has(at) || first === undefined) continue;
    let last = first;
    const isLast = (one: Instruction, behind: Instruction | undefined) =>
      behind === undefined || starts.has(behind.address) || JUMP.test(one.mnemonic) || NO_NEXT.test(one.mnemonic);
    while (!isLast(code[last] as Instruction, code[last + 1])) ++last;
    const end = code[last] as Instruction;
    const behind = NO_NEXT.test(end.mnemonic) ? undefined : code[last + 1]?.address;
    const next = [targetOf(end), behind].filter((one): one is number => one !== undefined && indices.has(one));
    blocks.set(at, { instructions: code.slice(first, last + 1), next });
    open.push(...next);
  }
  return blocks;
}

/** Returns the target of a jump, if that is an address. */
function targetOf({ mnemonic, operands }: Instruction): number | undefined {
  const [, target] = JUMP.test(mnemonic) ? (operands.match(/^(?:0x)?([0-9a-f]+)$/) ?? []) : [];
  return target === undefined ? undefined : Number.parseInt(target, 16);
}

/** For each block those through which every path from the first to it leads, itself among them. */
function dominatorsOf(blocks: ReadonlyMap<number, Block>): Map<number, Set<number>> {
  const [entry] = blocks.keys();
  const dominators = new Map([...blocks.keys()].map((at) => [at, new Set(at === entry ? [at] : blocks.keys())]));
  for (let changed = true; changed; ) {
    changed = false;
    for (const [from, { next }] of blocks) {
      const above = dominators.get(from) as Set<number>;
      for (const to of next) {
        const here = dominators.get(to) as Set<number>;
        for (const one of here) if (one !== to && !above.has(one)) changed = here.delete(one);
      }
    }
  }
  return dominators;
}

/** The blocks of the loop with this head that jumps back at the end of block `last`. */
function bodyOf(head: number, last: number, blocks: ReadonlyMap<number, Block>): Set<number> {
  const body = new Set([head]);
  const open = [last];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (body.has(at)) continue;
    body.add(at);
    for (const [from, { next }] of blocks) if (next.includes(at)) open.push(from);
  }
  return body;
}

/** The blocks of the shortest way in `body` from one of its blocks to the next visit of another, without that, by Dijkstra's algorithm. */
function shortestWay(from: number, to: number, body: ReadonlySet<number>, blocks: ReadonlyMap<number, Block>): number[] {
  const lengthOf = (at: number) => (blocks.get(at) as Block).instructions.length;
  const open = new Map([[from, { way: [from], length: lengthOf(from) }]]);
  const done = new Set<number>();
  for (;;) {
    const [nearest] = [...open].sort(([, a], [, b]) => a.length - b.length);
    if (nearest === undefined) throw new Error(`no way from ${from} to ${to}`);
    const [at, { way, length }] = nearest;
    if (at === to && done.size > 0) return way.slice(0, -1);
    open.delete(at);
    done.add(at);
    for (const next of (blocks.get(at) as Block).next) {
      if (next !== to && (!body.has(next) || done.has(next))) continue;
      const longer = length + (next === to ? 0 : lengthOf(next));
      if (longer < (open.get(next)?.length ?? Number.POSITIVE_INFINITY)) open.set(next, { way: [...way, next], length: longer });
    }
  }
}
