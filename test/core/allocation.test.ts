// The bytes that a call on buffers leaves on the JavaScript heap, beside those of making a view. In a file, so in a process, of its own: the
// compiler's decisions depend on what ran before.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { createDropout } from "../../src/core/index.js";

setFlagsFromString("--expose_gc");
// A function is compiled where its calls ask for it, not when a busy machine gets round to it.
setFlagsFromString("--no-concurrent-recompilation");
const collect = runInNewContext("gc") as () => void;

const REPEATS = 20_000;

/** Bytes that a call leaves behind, once it is compiled. */
function bytesOf(call: () => unknown): number {
  const grown: number[] = [];
  for (let attempt = 0; attempt < 16; ++attempt) {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let k = 0; k < REPEATS; ++k) call();
    const bytes = (process.memoryUsage().heapUsed - before) / REPEATS;
    // Less than before: garbage was collected in between, and how much there was is not known.
    if (attempt >= 4 && bytes >= 0) grown.push(bytes);
  }
  expect(grown).not.toEqual([]);
  return Math.min(...grown);
}

describe("the hot path", () => {
  it("makes no object", async () => {
    const dropout = await createDropout({ seed: 1 });
    const x = dropout.alloc("f32", 256);
    const out = dropout.alloc("f32", 256);
    const mask = dropout.alloc("bits", 256);
    const { ticket } = dropout.forward(x, 0.1, { out, mask });
    const plain = { out };
    const both = { out, mask };
    const fixed = { out, stream: 5 };
    const rate = { p: 0.1 };
    const stored = { mask };
    const gradient = { dx: out };
    const maskOnly = { out: mask };
    const calls: Record<string, () => unknown> = {
      dropout: () => dropout.dropout(x, 0.1, plain),
      "dropout with mask": () => dropout.dropout(x, 0.1, both),
      "dropout with stream": () => dropout.dropout(x, 0.1, fixed),
      mask: () => dropout.mask(256, 0.1, maskOnly),
      "backward from a ticket": () => dropout.backward(x, ticket, {}, gradient),
      "backward from a mask": () => dropout.backward(x, rate, stored, gradient),
    };
    // Engines are free to box a number or two, as they decide from run to run; a view is the least that a careless call would make.
    const kept: unknown[] = [0];
    const view = bytesOf(() => {
      kept[0] = new Uint8Array(dropout.memory.buffer, 0, 256);
    });
    expect(view).toBeGreaterThan(0);
    for (const [name, call] of Object.entries(calls)) expect(bytesOf(call), name).toBeLessThan(view / 2);
  });
});
