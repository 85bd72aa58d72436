// What README and the docstrings show runs as it stands.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = new URL("../..", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
// From where the backends of TensorFlow.js are found that the examples import.
const cwd = fileURLToPath(new URL("..", import.meta.url));
const run = (code: string) => execFileSync(process.execPath, ["--input-type=module", "--eval", code], { cwd, encoding: "utf8" });

it("the examples of README, one after another", () => {
  const blocks = [...read("README.md").matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code);
  expect(blocks.length).toBeGreaterThanOrEqual(2);
  const report = "console.log(JSON.stringify([y.length, same.every((v, i) => v === x[i]), y.some((v) => v === 0), bits.length, a.length]))";
  expect(JSON.parse(run([...blocks, report].join("\n")))).toEqual([1000, true, true, 125, 1 << 20]);
});

it("the examples of the docstrings, each by itself", () => {
  const sources = readdirSync(new URL("src", root), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const examples = sources.flatMap((name) =>
    [...read(`src/${name}`).matchAll(/@example\n((?: *\* .*\n)+)/g)].map(([, lines]) =>
      (lines as string)
        .replaceAll(/^ *\* /gm, "")
        .replaceAll(/^import \* as (\w+) from (".*");$/gm, "const $1 = await import($2);")
        .replaceAll(/^import (".*");$/gm, "await import($1);")
        .replaceAll(/^import (\{.*\}) from (".*");$/gm, "const $1 = await import($2);")
        // Not yet in every engine that tests run on.
        .replaceAll(/\busing (?=\w+ =)/g, "const "),
    ),
  );
  expect(examples.length).toBeGreaterThanOrEqual(50);
  const exported =
    'import { compileDropout, createDropout, Dropout, dropoutBytes, keepProbability, simdSupported } from "wasm-dropout/inline";';
  const blocks = examples.map((code) => {
    const given = code.includes("const dropout =") ? "" : "const dropout = await createDropout({ seed: 1 });";
    return `{\n${given}\n${code}\n++count;\n}`;
  });
  expect(run([exported, "let count = 0;", ...blocks, "console.log(count);"].join("\n")).trim()).toBe(`${examples.length}`);
});
