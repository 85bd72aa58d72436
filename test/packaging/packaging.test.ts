// The packed package as users meet it: in Node, bundled by the usual tools and run in a browser or in workerd, type-checked, and weighed.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, posix, relative, resolve } from "node:path";
import { build, buildSync } from "esbuild";
import ts from "typescript";
import { createServer } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUILDS, CONDITIONS, ENTRIES, EXTENSIONS, MODULES, type ModuleName } from "../../modules.mjs";
import { FOLDERS, withModules } from "../../scripts/manifest.mjs";
import { weigh, weighEntries } from "../../scripts/sizes.mjs";
import { askWorker } from "../engines/workerd.js";
import { type Browser, ifInstalled, MissingBrowser, openBrowser, type Page } from "../support/browsers.js";
import { missing } from "../support/missing.js";
import { serve } from "../support/static-server.js";
import { BUNDLERS } from "./bundlers.js";
import { copyFixtures, directory, HASH, installed, repository, resultAt, runNode, runTool, tarball } from "./tools.js";

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";

const fixtures = copyFixtures("fixtures");
const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));

/** Both builds of each module, as they stand in code. */
const TEXTS: ReadonlyMap<ModuleName, readonly string[]> = new Map(
  MODULES.map(({ name }) => [name, BUILDS.map((build) => readFileSync(join(installed, `build/${name}/${build}.wasm`), "base64"))]),
);

/** The modules whose wasm is in `code`, as text. */
function textsIn(code: string): string[] {
  return [...TEXTS].filter(([, texts]) => texts.some((text) => code.includes(text))).map(([name]) => name);
}

describe("Node", () => {
  it("makes instances in every way", () => {
    const hashes = JSON.parse(runNode([join(fixtures, "node", "ways.js")]));
    expect(Object.keys(hashes).length).toBe(8);
    for (const [way, got] of Object.entries(hashes)) expect([way, got]).toEqual([way, HASH]);
  });

  it("imports it from CommonJS", () => expect(runNode([join(fixtures, "node", "common.cjs")]).trim()).toBe(HASH));
});

describe("browsers", () => {
  let browser: Browser | MissingBrowser;
  beforeAll(async () => {
    browser = await ifInstalled(openBrowser("chromium"));
  });
  afterAll(async () => {
    if (!(browser instanceof MissingBrowser)) await browser.close();
  });

  async function resultOf(name: string, policy: string, page: Page): Promise<unknown> {
    const server = await serve(join(directory, "bundles", name), { headers: { "content-security-policy": policy } });
    try {
      return await resultAt(`${server.url}/index.html`, page);
    } finally {
      await server.close();
    }
  }

  it.for(Object.entries(BUNDLERS))("run what %s makes, without configuration, under a strict policy", async ([name, bundle], context) => {
    const out = join(directory, "bundles", name);
    await bundle(join(fixtures, "page"), ["main", "worker"], out);
    cpSync(join(fixtures, "page", "index.html"), join(out, "index.html"));
    if (browser instanceof MissingBrowser) return missing(context, "Chromium", browser.message);
    const page = await browser.newPage();
    expect(await resultOf(name, POLICY, page)).toEqual({ inPage: HASH, byExtension: HASH, inWorker: HASH });
    // Without wasm the page hears of it and goes on.
    const { error } = (await resultOf(name, POLICY.replace("'wasm-unsafe-eval'", ""), page)) as { error: string };
    expect(error).toMatch(/^CompileError: .*Content Security Policy/);
    await page.close();
  });

  it("run what Vite's development server serves", async (context) => {
    if (browser instanceof MissingBrowser) return missing(context, "Chromium", browser.message);
    const cacheDir = join(directory, "vite");
    const server = await createServer({
      root: fixtures,
      configFile: false,
      logLevel: "error",
      cacheDir,
      server: { host: "127.0.0.1", port: 0 },
    });
    try {
      await server.listen();
      const page = await browser.newPage();
      const url = `${server.resolvedUrls?.local[0]}page/index.html`;
      expect(await resultAt(url, page)).toEqual({ inPage: HASH, byExtension: HASH, inWorker: HASH });
      for (const file of ["wasm-dropout.js", "wasm-dropout_shapes.js"]) {
        expect(existsSync(join(cacheDir, "deps", file)), "bundled by the dependency optimizer").toBe(true);
      }
      await page.close();
    } finally {
      await server.close();
    }
  });
});

describe("wrangler", () => {
  it.each([
    ["entry", 2],
    ["file", 2],
    ["extensions", 6],
  ])("bundles a Worker with the wasm as modules, not as text: %s", async (name, modules) => {
    const root = join(fixtures, "worker", name);
    runTool("wrangler/bin/wrangler.js", ["deploy", "--dry-run", "--outdir", "out"], root);
    const main = join(root, "out", "worker.js");
    expect(textsIn(readFileSync(main, "utf8"))).toEqual([]);
    expect(readdirSync(join(root, "out")).filter((file) => file.endsWith(".wasm")).length).toBe(modules);
    expect(await askWorker(main)).toBe(HASH);
  });
});

describe("TypeScript", () => {
  it.each([
    ["typescript-7", "nodenext"],
    ["typescript-7", "bundler"],
    ["typescript-7", "float16"],
  ])("takes every export, strictly, library declarations too: %s, %s", (compiler, name) => {
    expect(runTool(`${compiler}/bin/tsc`, ["-p", `${name}.json`], join(fixtures, "types"))).toBe("");
  });

  const PROGRAMS: readonly (readonly [path: string, file: string])[] = [
    ["core/inline", "consumer"],
    ["onnx/index", "onnx"],
    ...EXTENSIONS.map((name) => [`${name}/index`, "extensions"] as const),
  ];
  const declarationsOf = (path: string) => join(installed, "dist", `${path}.d.ts`);
  let declared: ts.Program;
  beforeAll(() => {
    declared = ts.createProgram(
      PROGRAMS.map(([path]) => declarationsOf(path)),
      {},
    );
  });

  it.each(PROGRAMS)("a program has every export of %s", (path, file) => {
    const checker = declared.getTypeChecker();
    const module = checker.getSymbolAtLocation(declared.getSourceFile(declarationsOf(path)) as ts.SourceFile) as ts.Symbol;
    const names = checker.getExportsOfModule(module).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(1);
    const consumer = readFileSync(join(fixtures, "types", `${file}.ts`), "utf8");
    // Imported, and so used: the projects do not allow an import that is not.
    for (const name of names)
      expect(consumer).toMatch(
        new RegExp(`^  (type )?${name}( as \\w+)?,$|[{,] (type )?${name}( as \\w+)?[,} ]|\\binline\\.${name}\\(`, "m"),
      );
  });

  // The rehearsal of a release asks the same of those that read CommonJS or no exports, and what publint says.
  it("finds the types of every export, of wasm files too, by resolutions of ES modules", () => {
    // Its own choice of format and colour differs between terminals and CI.
    const options = ["--format", "ascii", "--no-color", "--profile", "esm-only"];
    const report = runTool("@arethetypeswrong/cli/dist/index.js", [tarball, ...options]);
    for (const resolution of ["node16 (from ESM)", "bundler"]) {
      expect(report.split(`${resolution}: 🟢`).length - 1, resolution).toBe(Object.keys(manifest.exports).length);
    }
  });
});

it("package.json follows from the table of modules: npm run modules writes it", () => {
  expect(manifest).toEqual(withModules(manifest));
  const folders = (parent: string) =>
    readdirSync(join(repository, parent)).filter((name) => existsSync(join(repository, parent, name, "index.ts")));
  const names: string[] = MODULES.map(({ name }) => name);
  expect(folders("assembly").toSorted()).toEqual(names.toSorted());
  expect(folders("src").toSorted()).toEqual([...names, "onnx", "tfjs"].toSorted());
});

const PAGE_FILES = ["wasm-dropout", "wasm-dropout.global", "wasm-dropout-tfjs.global", "wasm-dropout-onnx.global"];

describe("what is shipped", () => {
  const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((path) => path.replace(/^package\//, ""));

  it("is what users need, and no more", () => {
    const sources = readdirSync(join(repository, "src"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    const types = sources.map((name) => name.replace(/ts$/, "d.ts"));
    const code = ENTRIES.map(({ file }) => `${file}.js`);
    const edge = ENTRIES.flatMap(({ module }) =>
      module === undefined ? [] : CONDITIONS.map(({ condition }) => `${module}/${condition}.js`),
    );
    // Those that are there are imported, see the next test.
    const chunks = files.filter((path) => /^dist\/(cjs\/)?chunks\/[\w-]+\.js$/.test(path)).map((path) => path.replace("dist/", ""));
    const dist = [
      ...[...types, ...code, ...edge, ...chunks, "LICENSES.txt", ...PAGE_FILES.map((name) => `page/${name}.js`)],
      ...[...types, ...code, "package.json"].map((path) => `cjs/${path}`),
    ].map((path) => `dist/${path}`);
    const wasm = MODULES.flatMap(({ name }) =>
      BUILDS.flatMap((build) => [`build/${name}/${build}.wasm`, `build/${name}/${build}.d.wasm.ts`]),
    );
    const folders = FOLDERS.map((name) => `${name}/package.json`);
    const texts = [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "package.json",
      "docs/api.md",
      "docs/benchmark.svg",
      "docs/conventions.md",
      "docs/engines.md",
      "docs/host-memory.md",
      "docs/keep-streams.md",
      "docs/migrate.md",
      "docs/normal-reference.ts",
      "docs/normal-stream.md",
      "docs/onnx.md",
      "docs/order-reference.ts",
      "docs/order-stream.md",
      "docs/performance.md",
      "docs/ports/keep-streams.wgsl",
      "docs/ports/keep_streams.c",
      "docs/ports/keep_streams.py",
      "docs/ports/normal_stream.py",
      "docs/reference.ts",
      "docs/reproducibility.md",
      "docs/sequences.md",
      "docs/stability.md",
      "docs/statistics.md",
      "docs/tfjs.md",
      "docs/training.svg",
      "docs/uncertainty.md",
    ];
    expect(files.toSorted()).toEqual([...dist, ...wasm, ...folders, ...texts].toSorted());
  });

  it("has every target of its exports", () => {
    const targets: string[] = [];
    JSON.stringify(manifest.exports, (_, value) => {
      if (typeof value === "string") targets.push(value);
      return value;
    });
    expect(targets.length).toBeGreaterThan(10);
    for (const target of targets) expect(files).toContain(target.replace("./", ""));
  });

  it("has no chunk that nothing imports, and imports nothing but wasm and peers from elsewhere", () => {
    const imported = new Set<string>();
    const outside = new Set<string>();
    for (const path of files.filter((name) => /^dist\/.*\.js$/.test(name))) {
      for (const { path: target } of importsOf(path)) {
        if (target.startsWith(".")) imported.add(posix.join(posix.dirname(path), target.replace("?module", "")));
        else outside.add(target);
      }
    }
    expect([...imported].filter((path) => !files.includes(path))).toEqual([]);
    expect(files.filter((path) => path.includes("/chunks/") && !imported.has(path))).toEqual([]);
    // ONNX Runtime is handed over by callers.
    const peers = Object.keys(manifest.peerDependencies).filter((name) => !name.startsWith("onnxruntime-"));
    expect([...outside].toSorted()).toEqual(peers.toSorted());
    expect(manifest.dependencies).toBeUndefined();
  });

  it("has the licences of what is in the code and in the wasm", () => {
    expect(readFileSync(join(installed, "dist/LICENSES.txt"), "utf8")).toMatch(
      /AssemblyScript[\s\S]*Apache License[\s\S]*@bufbuild\/protobuf[\s\S]*Google Inc\.[\s\S]*onnx-buf[\s\S]*Permission is hereby granted/,
    );
  });

  it("names no folder of the machine that built it", () => {
    for (const path of files.filter((name) => /^dist\/.*\.js$/.test(name))) {
      expect(readFileSync(join(installed, path), "utf8").includes(repository.replace(/\/$/, "")), path).toBe(false);
    }
  });

  it("exports the same from every entry, and the bytes from the inline one besides", async () => {
    const forms = MODULES.flatMap(({ name }) =>
      ["index", ...CONDITIONS.map(({ condition }) => condition)].map((form) => `${name}/${form}`),
    );
    const names = [...new Set([...forms, ...ENTRIES.flatMap(({ source, file }) => [source, file])])].filter(
      (name) => name !== "tfjs/index",
    );
    const { metafile } = await build({
      entryPoints: names.map((name) => ({ in: join(installed, "dist", `${name}.js`), out: name })),
      outdir: join(directory, "keys"),
      bundle: true,
      splitting: true,
      write: false,
      format: "esm",
      metafile: true,
      plugins: [{ name: "stub", setup: stubWasm }],
      logLevel: "error",
    });
    const exported = new Map(
      Object.entries(metafile.outputs).map(([path, { exports }]) => [relative(join(directory, "keys"), resolve(path)), exports.toSorted()]),
    );
    const keys = (name: string) => {
      const found = exported.get(`${name}.js`);
      if (found === undefined) throw new Error(`esbuild made nothing of ${name}`);
      return found;
    };
    const common = ["Dropout", "compileDropout", "createDropout", "keepProbability", "simdSupported"];
    expect(keys("core/index")).toEqual(common);
    expect(keys("core/inline")).toEqual([...common, "dropoutBytes"].toSorted());
    for (const { name, creates } of MODULES) {
      const entry = keys(`${name}/index`);
      expect(entry, name).toEqual(expect.arrayContaining([creates, `create${creates}`]));
      for (const { condition } of CONDITIONS) expect(keys(`${name}/${condition}`), condition).toEqual(entry);
    }
    for (const { source, file } of ENTRIES.filter(({ source }) => source !== "tfjs/index")) {
      const common = createRequire(import.meta.url)(join(installed, "dist/cjs", file));
      expect(Object.keys(common).toSorted(), `${file} of CommonJS`).toEqual(keys(file));
      if (file !== source) expect(keys(file), file).toEqual(keys(source));
    }
  });
});

/** Returns the modules that the file `path` of the package imports or requires. */
function importsOf(path: string): readonly { readonly path: string }[] {
  const { metafile } = buildSync({
    entryPoints: [join(installed, path)],
    bundle: true,
    packages: "external",
    external: ["./*", "../*"],
    format: "esm",
    write: false,
    metafile: true,
    logLevel: "error",
  });
  return Object.values(metafile.outputs).flatMap(({ imports }) => imports);
}

/** Makes wasm files importable where only the names of exports matter. */
function stubWasm({ onLoad, onResolve }: import("esbuild").PluginBuild): void {
  onResolve({ filter: /\.wasm(\?module)?$/ }, ({ path }) => ({ path, namespace: "stub" }));
  onLoad({ filter: /./, namespace: "stub" }, () => ({ contents: "export default undefined" }));
}

describe.each(Object.entries(BUNDLERS))("%s leaves out what is not used", (name, bundle) => {
  /** The bundle of a module of this code. */
  async function bundled(title: string, code: string): Promise<string> {
    const root = join(directory, "shaken", name, title);
    mkdirSync(root, { recursive: true });
    writeFileSync(join(root, "main.js"), code);
    const out = join(root, "out");
    await bundle(root, ["main"], out);
    return existsSync(join(out, "main.js")) ? readFileSync(join(out, "main.js"), "utf8") : "";
  }

  it("all of it", async () => {
    const nothing = await bundled("nothing", 'console.log("x");');
    expect(await bundled("import", 'import "wasm-dropout";\nconsole.log("x");')).toBe(nothing);
    expect(await bundled("unused", 'import { createDropout, Dropout } from "wasm-dropout";\nconsole.log("x");')).toBe(nothing);
    expect(await bundled("inline", 'import { dropoutBytes } from "wasm-dropout/inline";\nconsole.log("x");')).toBe(nothing);
    const imports = EXTENSIONS.map((name, i) => `import * as e${i} from "wasm-dropout/${name}";\n`);
    expect(await bundled("extensions", `${imports.join("")}console.log("x");`)).toBe(nothing);
  });

  it("the wasm", async () => {
    const code = await bundled("probability", 'import { keepProbability } from "wasm-dropout";\nconsole.log(keepProbability(0.1));');
    expect(code.length).toBeLessThan(4096);
    expect(textsIn(code)).toEqual([]);
    const number = await bundled("number", 'import { streamOf } from "wasm-dropout/monte-carlo";\nconsole.log(streamOf(1, 2));');
    // Its numbers are from Philox, which Rollup does not minify.
    expect(number.length).toBeLessThan(8192);
    expect(number).not.toContain("WebAssembly");
    expect(textsIn(number)).toEqual([]);
  });

  it("the wasm of extensions that are not asked for", async () => {
    const core = 'import { createDropout } from "wasm-dropout";\nconst dropout = await createDropout();\n';
    expect(textsIn(await bundled("core", `${core}console.log(dropout);`))).toEqual(["core"]);
    const some = `import { createNoise } from "wasm-dropout/noise";
      import { createShapes } from "wasm-dropout/shapes";
      ${core}console.log(await createNoise(dropout), await createShapes(dropout));`;
    expect(textsIn(await bundled("some", some))).toEqual(["core", "shapes", "noise"]);
  });

  it("the API, where only the bytes are asked for", async () => {
    const code = await bundled("bytes", 'import { dropoutBytes } from "wasm-dropout/inline";\nconsole.log(dropoutBytes());');
    expect(textsIn(code)).toEqual(["core"]);
    expect(code.length).toBeLessThan((TEXTS.get("core") as readonly string[]).join("").length + 6400);
    expect(code).not.toContain("WebAssembly.Memory");
  });
});

type Weighed = Awaited<ReturnType<typeof weighEntries>>[number];

describe("entries keep to their budgets in browsers", () => {
  const weighed = weighEntries(directory);

  it.each(ENTRIES.map(({ subpath }) => subpath))("wasm-dropout/%s", async (wanted) => {
    const { path, minified, gzipped, added, budget } = (await weighed).find(({ subpath }) => subpath === wanted) as Weighed;
    console.log(`${path}${added ? " adds" : ""}: ${minified} bytes minified, ${gzipped} gzipped, of ${budget.join(" and ")}`);
    const [most, mostGzipped] = budget;
    expect(minified).toBeLessThanOrEqual(most);
    expect(gzipped).toBeLessThanOrEqual(mostGzipped);
  });

  it.each(MODULES.map(({ name }) => name))("with no wasm but its own: %s", async (name) => {
    const { text } = await weigh(directory, name === "core" ? "wasm-dropout" : `wasm-dropout/${name}`);
    expect(textsIn(text)).toEqual([name]);
  });

  it("README says how large they are", async () => {
    const rows = readFileSync(join(installed, "README.md"), "utf8").matchAll(/^\| \[`(wasm-dropout|\/[\w-]+)`\]\(.*?(\d+)[^|]*\|$/gm);
    const said = new Map([...rows].map(([, name, figure]) => [`${name}`.replace(/^wasm-dropout|^\//, ""), Number(figure)]));
    expect([...said.keys()]).toEqual(expect.arrayContaining(["", ...EXTENSIONS, "tfjs"]));
    for (const [name, figure] of said) {
      const { gzipped } = (await weighed).find(({ subpath }) => subpath === name) as Weighed;
      // About right is enough: not every change of a kernel is one of README.
      expect(Math.abs(figure - gzipped / 1024), `${name}: ${gzipped / 1024} KiB`).toBeLessThan(1 + 0.1 * figure);
    }
  });
});
