// The code of README, of the pages in docs/ and of its site, and of the docstrings runs as it stands, or passes the compiler.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import ts from "typescript";
import { afterAll, describe, expect, it } from "vitest";
import { askWorker } from "../engines/workerd.js";
import { BUN, DENO } from "../support/runtimes.js";
import { blocksOf, PAGES as TEXTS } from "./pages.js";

const root = new URL("../..", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
// The folder whose packages include the backends of TensorFlow.js that the examples import.
const cwd = fileURLToPath(new URL("..", import.meta.url));
const start = (program: string, ...args: readonly string[]) => execFileSync(program, args, { cwd, encoding: "utf8" });
// A claim of a page about its results, by console.assert(), ends the program if it is not so.
const CLAIM = "console.assert = (claim) => { if (!claim) throw new Error('a claim of this page is not so'); };";
const run = (code: string, type = "module") => start(process.execPath, `--input-type=${type}`, "--eval", `${CLAIM}\n${code}`);

it("the examples of README, one after another", () => {
  const blocks = blocksOf("README.md", "js");
  expect(blocks.length).toBeGreaterThanOrEqual(2);
  const report = "console.log(JSON.stringify([y.length, same.every((v, i) => v === x[i]), y.some((v) => v === 0), bits.length, a.length]))";
  expect(JSON.parse(run([...blocks, report].join("\n")))).toEqual([1000, true, true, 125, 1 << 20]);
});

const PAGES = TEXTS.filter((path) => path.startsWith("docs/") && blocksOf(path, "js").length > 0).map((path) => path.replace("docs/", ""));

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
  const printed = run([...blocksOf(`docs/${name}`, "js"), `console.log(${claim})`].join("\n"));
  expect(printed.trim().split("\n").at(-1)).toBe("true");
});

/** All blocks of code for another engine or compiler than the one that runs this. */
const blocks = (language: string) => TEXTS.flatMap((path) => blocksOf(path, language).map((code) => [path, code] as const));

describe("programs that stand side by side, each under ten lines", () => {
  const programs = blocks("js alone").map(([, code]) => code);
  const frameworks = fileURLToPath(new URL("examples/frameworks", root));
  const report = "console.log(JSON.stringify([[...mean], [...mutualInformation]]))";
  // jax-js is a package of an example.
  const results = programs.map((code) => {
    const program = `--eval=${code}\n${report}`;
    const options = { cwd: code.includes("@jax-js") ? frameworks : cwd, encoding: "utf8" } as const;
    return { code, answer: () => JSON.parse(execFileSync(process.execPath, ["--input-type=module", program], options)) as number[][] };
  });

  it.each(results)("$code", ({ code, answer }) => {
    expect(code.split("\n").filter((line) => line.trim() !== "").length).toBeLessThan(10);
    const [mean, information] = answer() as [number[], number[]];
    for (const value of mean) expect(value > 0 && value < 1).toBe(true);
    expect(information).toHaveLength(1);
    expect(information[0]).toBeGreaterThan(0);
  });

  it("are of four kinds, of which two compute the same", () => {
    const of = (text: string) => results.filter(({ code }) => code.includes(text));
    expect(["monte-carlo", "tfjs-layers", "onnxruntime-web", "@jax-js"].map((text) => of(text).length)).toEqual([2, 1, 1, 1]);
    const [plain, jax] = of("monte-carlo").map(({ answer }) => answer().flat()) as [number[], number[]];
    for (const [k, value] of plain.entries()) expect(jax[k]).toBeCloseTo(value, 5);
  });
});

it("pages with examples are found", () => {
  expect(PAGES).toEqual(
    expect.arrayContaining(["api.md", "migrate.md", "onnx.md", "reproducibility.md", "tfjs.md", "site/pages/start/node.md"]),
  );
});

it.each(blocks("js common"))("CommonJS of %s", (_, code) => expect(run(code, "commonjs")).toMatch(/^\d+ of 1000 kept\n$/));

it("Deno and Bun print what Node does", () => {
  const [[, deno], [, bun]] = [...blocks("js deno"), ...blocks("js bun")] as [readonly [string, string], readonly [string, string]];
  expect([start(DENO, "eval", deno), start(BUN, "--eval", bun)]).toEqual([run(deno), run(deno)]);
});

const scratch = mkdtempSync(join(cwd, ".docs-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

it("Workers answer", async () => {
  const answers = blocks("js worker").map(async ([, contents], i) => {
    const outfile = join(scratch, `${i}`, "worker.js");
    const stdin = { contents, resolveDir: cwd };
    await build({ stdin, outfile, bundle: true, format: "esm", conditions: ["workerd"], loader: { ".wasm": "copy" }, logLevel: "error" });
    return askWorker(outfile);
  });
  const kept = run(
    'import { createDropout } from "wasm-dropout";\nconst d = await createDropout({ seed: 42 });\nconsole.log(d.countKept(d.mask(1000, 0.1, { stream: 7 }), 1000));',
  );
  expect(await Promise.all(answers)).toEqual([JSON.stringify({ kept: Number(kept) }), '{"refused":"RangeError"}']);
});

it("TypeScript takes what is TypeScript", () => {
  const programs = new Map(blocks("ts").map(([path, code], i) => [join(cwd, `${path.replaceAll(/\W/g, "-")}-${i}.ts`), code]));
  expect(programs.size).toBeGreaterThanOrEqual(2);
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts", "lib.dom.d.ts"],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => programs.has(path) || fileExists(path);
  host.readFile = (path) => programs.get(path) ?? readFile(path);
  host.getSourceFile = (path, ...rest) => {
    const code = programs.get(path);
    return code === undefined ? getSourceFile(path, ...rest) : ts.createSourceFile(path, code, ts.ScriptTarget.ES2022);
  };
  const program = ts.createProgram([...programs.keys()], options, host);
  const messages = ts
    .getPreEmitDiagnostics(program)
    .map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`);
  expect(messages).toEqual([]);
});

it("every block of code is in a language that a test runs", () => {
  const fences = TEXTS.flatMap((path) => [...read(path).matchAll(/^```(.+)$/gm)].map(([, language]) => `${language}`));
  // Those in HTML are opened in a browser: test/packaging/setups.test.ts, test/docs/site.test.ts.
  const known = ["js", "js alone", "js common", "js deno", "js bun", "js worker", "ts", "sh", "html", "json"];
  expect(fences.filter((language) => !known.includes(language))).toEqual([]);
});

it("every column of a table has a name", () => {
  const nameless = TEXTS.flatMap((path) =>
    [...read(path).matchAll(/^ *\|(.*)\|\n *\|[ :|-]*--[ :|-]*\|$/gm)]
      .filter(([, names = ""]) => names.split("|").some((name) => name.trim() === ""))
      .map(([, names]) => `${path}: ${names}`),
  );
  expect(nameless).toEqual([]);
});

it("the commands that pages name exist", () => {
  const { scripts } = JSON.parse(read("package.json"));
  const missing = TEXTS.flatMap((path) =>
    [...read(path).matchAll(/\bnpm run (?:--silent )?([\w:-]+)/g)]
      .filter(([, name]) => !(`${name}` in scripts))
      .map(([command]) => `${path}: ${command}`),
  );
  expect(missing).toEqual([]);
  const lines = blocks("sh").flatMap(([path, code]) => code.split("\n").map((line) => [path, line.trim()] as const));
  const known = /^(#|$|cd |npm (ci|install|init|run|start|test|publish)\b|node |deno add |bun add |curl |\.ci\/run)/;
  expect(lines.filter(([, line]) => !known.test(line))).toEqual([]);
});

it("links between the pages lead to files and headings that exist", () => {
  const broken = TEXTS.flatMap((path) =>
    [...read(path).matchAll(/\]\((?!https?:|\/)([^)#]*)(?:#([^)]*))?\)/g)]
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
