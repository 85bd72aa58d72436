// What README shows runs as it stands, one block after another.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = new URL("..", import.meta.url);

it("the examples of README run", () => {
  const readme = readFileSync(new URL("README.md", root), "utf8");
  const blocks = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code);
  expect(blocks.length).toBeGreaterThanOrEqual(2);
  const report = "console.log(JSON.stringify([y.length, same.every((v, i) => v === x[i]), y.some((v) => v === 0), bits.length, a.length]))";
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", [...blocks, report].join("\n")], {
    cwd: fileURLToPath(root),
    encoding: "utf8",
  });
  expect(JSON.parse(output)).toEqual([1000, true, true, 125, 1 << 20]);
});
