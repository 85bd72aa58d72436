// The example of a host: a program in AssemblyScript whose tensors dropout reads and writes where they lie.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { createDropout } from "../../src/core/index.js";

it("says what an instance with a memory of its own computes", async () => {
  const program = fileURLToPath(new URL("../../examples/host-memory/run.mjs", import.meta.url));
  const output = execFileSync(process.execPath, [program], { encoding: "utf8" });
  const length = 1 << 20;
  const mask = (await createDropout({ seed: 42 })).mask(length, 0.5);
  let [kept, sum] = [0, 0];
  for (let i = 0; i < length; ++i) {
    if ((((mask[i >> 3] as number) >> (i & 7)) & 1) === 0) continue;
    ++kept;
    sum += 2 * (i + 1);
  }
  expect(output.split("\n")).toEqual([
    `sum of the tensor: ${(length * (length + 1)) / 2}, after dropout in place ${sum}`,
    `kept elements: ${kept}`,
    "an instance with a memory of its own gives the same bits: true",
    "",
  ]);
});
