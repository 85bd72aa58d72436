// What a call on buffers leaves on the JavaScript heap. In a file, so in a process, of its own: the compiler's decisions depend on what ran before.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { createDropout } from "../../src/core/index.js";

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc") as () => void;

describe("the hot path", () => {
  it("allocates nothing on the JavaScript heap", { retry: 2 }, async () => {
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
    const repeats = 20_000;
    const bytes = Object.entries(calls).map(([name, call]) => {
      // The least of several attempts: the first ones run before the optimising compiler is done.
      let least = Number.POSITIVE_INFINITY;
      for (let attempt = 0; attempt < 10; ++attempt) {
        collect();
        const before = process.memoryUsage().heapUsed;
        for (let k = 0; k < repeats; ++k) call();
        least = Math.min(least, (process.memoryUsage().heapUsed - before) / repeats);
      }
      return [name, least] as const;
    });
    // Where p is read from the caller's object, that number may be boxed, 16 bytes, as the compiler decides from run to run; an object takes 24 or more.
    for (const [name, each] of bytes) expect(each, name).toBeLessThan(name.startsWith("backward") ? 20 : 1);
  });
});
