// The examples of README, of the pages in docs/ and of the docstrings run as they stand.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = new URL("../..", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
// The folder whose packages include the backends of TensorFlow.js that the examples import.
const cwd = fileURLToPath(new URL("..", import.meta.url));
const run = (code: string) => execFileSync(process.execPath, ["--input-type=module", "--eval", code], { cwd, encoding: "utf8" });

const blocksOf = (path: string) => [...read(path).matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code as string);

it("the examples of README, one after another", () => {
  const blocks = blocksOf("README.md");
  expect(blocks.length).toBeGreaterThanOrEqual(2);
  const report = "console.log(JSON.stringify([y.length, same.every((v, i) => v === x[i]), y.some((v) => v === 0), bits.length, a.length]))";
  expect(JSON.parse(run([...blocks, report].join("\n")))).toEqual([1000, true, true, 125, 1 << 20]);
});

const PAGES = readdirSync(new URL("docs", root)).filter((name) => name.endsWith(".md") && blocksOf(`docs/${name}`).length > 0);

// The results that a page describes, as an expression that is true.
const CLAIMS: Readonly<Record<string, string>> = {
  "migrate.md": "[0, 1, 2].every((c) => y.every((v, i) => i % 3 !== c || v === y[i - (i % 192) + c]))",
  "reproducibility.md":
    "first.includes(0) && first.join() === again.join() && whole.subarray(600).join() === part.join() && dx.join() === dropout.backward(x, ticket).dx.join() && halves.join() === batch.join()",
  "onnx.md":
    "dropouts.length === 0 && relus.length === 2 && masks.length === 2 && mean.length === 1 && standardDeviation[0] > 0 && mutualInformation[0] > 0 && results[outputs[0].name].data[0] > 0",
  "tfjs.md": "model.countParams() === 32 * 9 + 33",
};

it.each(PAGES)("the examples of docs/%s, one after another", (name) => {
  const claim = CLAIMS[name] ?? "true";
  expect(run([...blocksOf(`docs/${name}`), `console.log(${claim})`].join("\n")).trim()).toBe("true");
});

it("pages with examples are found", () => {
  expect(PAGES).toEqual(expect.arrayContaining(["api.md", "migrate.md", "onnx.md", "reproducibility.md", "tfjs.md"]));
});

it("links between the pages lead to files and headings that exist", () => {
  const pages = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "examples/README.md",
    ...readdirSync(new URL("docs", root)).map((name) => `docs/${name}`),
  ];
  const broken = pages
    .filter((path) => path.endsWith(".md"))
    .flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)]
        .filter(([, target, heading]) => !leads(path, target as string, heading))
        .map(([link]) => `${path}: ${link}`),
    );
  expect(broken).toEqual([]);
});

function leads(from: string, target: string, heading: string | undefined): boolean {
  const url = target === "" ? new URL(from, root) : new URL(target, new URL(from, root));
  if (!existsSync(url)) return false;
  if (heading === undefined) return true;
  const headings = [...readFileSync(url, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
    (text as string)
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
  return headings.includes(heading);
}

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
