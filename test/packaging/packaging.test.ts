// The packed package as users meet it: in Node, bundled by the usual tools and run in a browser or in workerd, type-checked, and weighed.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import ts from "typescript";
import { createServer } from "vite";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { askWorker } from "../engines/workerd.js";
import { type Browser, MissingBrowser, openBrowser, type Page } from "../support/browsers.js";
import { HANG_MS } from "../support/limits.js";
import { missing } from "../support/missing.js";
import { serve } from "../support/static-server.js";
import vectors from "../vectors/keep-streams.json" with { type: "json" };
import { BUNDLERS } from "./bundlers.js";

/** The most KiB, minified and gzipped, of the whole browser entry, and of what that of each extension adds; both builds inlined. */
const BUDGETS: Readonly<Record<string, readonly [minified: number, gzipped: number]>> = {
  core: [60, 25],
  fused: [93, 30],
  half: [46, 12],
  linear: [43, 15.5],
  "monte-carlo": [24, 10],
  noise: [17, 6],
  shapes: [31, 12],
};

/** What extends an instance, each with a wasm module of its own. */
const EXTENSIONS = readdirSync(new URL("../../assembly", import.meta.url), { withFileTypes: true })
  .filter(
    (entry) =>
      entry.isDirectory() && entry.name !== "core" && existsSync(new URL(`../../assembly/${entry.name}/index.ts`, import.meta.url)),
  )
  .map(({ name }) => name);

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";

const { tarball, directory } = inject("packed");
const installed = join(directory, "node_modules/wasm-dropout");
const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
const repository = fileURLToPath(new URL("../..", import.meta.url));
const fixtures = join(directory, "fixtures");
// The case that fixtures/hash.js draws.
const hash = vectors.hashed.find(({ stream_kind, stream }) => stream_kind === "tile" && stream === "3")?.sha256;

/** Both builds of the core and of each extension, as they stand in code. */
const TEXTS: Record<string, readonly string[]> = {};
for (const name of ["core", ...EXTENSIONS]) {
  TEXTS[name] = Object.values(await import(/* @vite-ignore */ join(installed, "dist", name, "wasm.js")));
}

beforeAll(() => {
  cpSync(new URL("fixtures", import.meta.url), fixtures, { recursive: true });
  // What tools leave behind goes when the packed package goes: wrangler's settings and logs, folders that Miniflare removes in its own time.
  Object.assign(process.env, { TMPDIR: directory, XDG_CONFIG_HOME: join(directory, "config") });
  // Nobody is told of the run, and nobody asked for a newer release.
  Object.assign(process.env, { WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", NO_COLOR: "1" });
});

/** The modules whose wasm is in `code`, as text. */
function textsIn(code: string): string[] {
  return Object.keys(TEXTS).filter((name) => TEXTS[name]?.some((text) => code.includes(text)));
}

/** Runs a program in `cwd`; what it prints. Throws with all of it if it fails, or hangs, as the time limit of a test cannot end it. */
function run(path: string, args: readonly string[] = [], cwd = directory): string {
  try {
    return execFileSync(process.execPath, [path, ...args], { cwd, encoding: "utf8", timeout: HANG_MS });
  } catch (error) {
    const { message, stdout } = error as Error & { stdout: string };
    throw new Error(`${message}\n${stdout}`);
  }
}

/** The same with a program of test/node_modules/. */
const tool = (path: string, args: readonly string[], cwd?: string) => run(join(repository, "test/node_modules", path), args, cwd);

describe("Node", () => {
  it("makes instances in every way", () => {
    const hashes = JSON.parse(run(join(fixtures, "node", "ways.js")));
    expect(Object.keys(hashes)).toEqual(["default", "scalar", "module", "bytes", "buffer", "compiled", "inline", "synchronous"]);
    for (const [way, got] of Object.entries(hashes)) expect([way, got]).toEqual([way, hash]);
  });

  it("imports it from CommonJS", () => expect(run(join(fixtures, "node", "common.cjs")).trim()).toBe(hash));
});

describe("browsers", () => {
  let browser: Browser | MissingBrowser;
  beforeAll(async () => {
    browser = await openBrowser("chromium").catch((error: unknown) => {
      if (error instanceof MissingBrowser) return error;
      throw error;
    });
  });
  afterAll(async () => {
    if (!(browser instanceof MissingBrowser)) await browser.close();
  });

  /** What the fixture's page finds at `url`. */
  async function resultAt(url: string, page: Page): Promise<unknown> {
    await page.goto(url);
    return page.evaluate('return globalThis.result ?? "its script did not run"');
  }

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
    expect(await resultOf(name, POLICY, page)).toEqual({ inPage: hash, byExtension: hash, inWorker: hash });
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
      expect(await resultAt(url, page)).toEqual({ inPage: hash, byExtension: hash, inWorker: hash });
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
    tool("wrangler/bin/wrangler.js", ["deploy", "--dry-run", "--outdir", "out"], root);
    const main = join(root, "out", "worker.js");
    expect(textsIn(readFileSync(main, "utf8"))).toEqual([]);
    expect(readdirSync(join(root, "out")).filter((file) => file.endsWith(".wasm")).length).toBe(modules);
    expect(await askWorker(main)).toBe(hash);
  });
});

describe("TypeScript", () => {
  it.each(["nodenext", "bundler", "float16"])("takes every export, strictly, library declarations too: %s", (name) => {
    expect(tool("typescript/bin/tsc", ["-p", `${name}.json`], join(fixtures, "types"))).toBe("");
  });

  it.each([["inline", "consumer"], ...EXTENSIONS.map((name) => [`${name}/index`, "extensions"])])(
    "a program has every export of %s",
    (path, file) => {
      const entry = join(installed, "dist", `${path}.d.ts`);
      const program = ts.createProgram([entry], {});
      const checker = program.getTypeChecker();
      const module = checker.getSymbolAtLocation(program.getSourceFile(entry) as ts.SourceFile) as ts.Symbol;
      const names = checker.getExportsOfModule(module).map(({ name }) => name);
      expect(names.length).toBeGreaterThan(1);
      const consumer = readFileSync(join(fixtures, "types", `${file}.ts`), "utf8");
      // Imported, and so used: the projects do not allow an import that is not.
      for (const name of names)
        expect(consumer).toMatch(
          new RegExp(`^  (type )?${name}( as \\w+)?,$|[{,] (type )?${name}( as \\w+)?[,} ]|\\binline\\.${name}\\(`, "m"),
        );
    },
  );

  it("finds the types by every resolution that knows exports", () => {
    // An ES module throughout: resolution that ignores "exports", and require(), are not offered.
    const report = tool("@arethetypeswrong/cli/dist/index.js", [tarball, "--profile", "esm-only"]);
    for (const resolution of ["node16 (from ESM)", "bundler"]) {
      expect(report.split(`${resolution}: 🟢`).length - 1, resolution).toBe(Object.keys(manifest.exports).length);
    }
  });
});

it("publint has nothing to say", () => {
  expect(tool("publint/src/cli.js", [tarball, "--strict"])).toContain("All good!");
});

describe("what is shipped", () => {
  const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((path) => path.replace(/^package\//, ""));

  it("is what users need, and no more", () => {
    const sources = readdirSync(join(repository, "src"), { recursive: true, encoding: "utf8" }).filter((name) =>
      /(?<!\.d)\.ts$/.test(name),
    );
    const compiled = sources.flatMap((name) => [`dist/${name.replace(/ts$/, "js")}`, `dist/${name.replace(/ts$/, "d.ts")}`]);
    const wasm = ["core", ...EXTENSIONS]
      .map((name) => `${name}/`)
      .flatMap((folder) => ["simd", "scalar"].flatMap((name) => [`build/${folder}${name}.wasm`, `build/${folder}${name}.d.wasm.ts`]));
    const texts = [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "package.json",
      "docs/benchmark.svg",
      "docs/keep-streams.md",
      "docs/normal-reference.ts",
      "docs/normal-stream.md",
      "docs/performance.md",
      "docs/reference.ts",
    ];
    expect(files.toSorted()).toEqual([...compiled, ...wasm, ...texts].toSorted());
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

  it("exports the same from every entry, and the bytes from the inline one besides", async () => {
    const keys = async (name: string) => {
      const path = join(directory, "keys", `${name.replace("/", "-")}.js`);
      const entryPoints = [join(installed, "dist", `${name}.js`)];
      const stub = { name: "stub", setup: stubWasm };
      await build({ entryPoints, outfile: path, bundle: true, format: "esm", plugins: [stub], logLevel: "error" });
      return Object.keys(await import(/* @vite-ignore */ path)).sort();
    };
    const common = await keys("index");
    expect(common).toEqual(["Dropout", "compileDropout", "createDropout", "keepProbability", "simdSupported"]);
    expect(await keys("workerd")).toEqual(common);
    expect(await keys("edge-light")).toEqual(common);
    expect(await keys("inline")).toEqual([...common, "dropoutBytes"].toSorted());
    for (const name of EXTENSIONS) {
      const extension = await keys(`${name}/index`);
      expect(extension.filter((key) => key.startsWith("create")).length, name).toBe(1);
      expect(await keys(`${name}/workerd`)).toEqual(extension);
      expect(await keys(`${name}/edge-light`)).toEqual(extension);
    }
  });
});

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
    expect(number.length).toBeLessThan(4096);
    expect(textsIn(number)).toEqual([]);
  });

  it("the wasm of extensions that are not asked for", async () => {
    const core = 'import { createDropout } from "wasm-dropout";\nconst dropout = await createDropout();\n';
    expect(textsIn(await bundled("core", `${core}console.log(dropout);`))).toEqual(["core"]);
    const some = `import { createNoise } from "wasm-dropout/noise";
      import { createShapes } from "wasm-dropout/shapes";
      ${core}console.log(await createNoise(dropout), await createShapes(dropout));`;
    expect(textsIn(await bundled("some", some))).toEqual(["core", "noise", "shapes"]);
  });

  it("the API, where only the bytes are asked for", async () => {
    const code = await bundled("bytes", 'import { dropoutBytes } from "wasm-dropout/inline";\nconsole.log(dropoutBytes());');
    expect(textsIn(code)).toEqual(["core"]);
    expect(code.length).toBeLessThan((TEXTS.core as readonly string[]).join("").length + 4096);
  });
});

describe("entries keep to their budgets in browsers", () => {
  /** All that entries export, in one bundle. */
  async function weigh(...paths: readonly string[]) {
    const { outputFiles } = await build({
      stdin: { contents: paths.map((path) => `export * from "${path}";`).join("\n"), resolveDir: directory },
      bundle: true,
      minify: true,
      format: "esm",
      conditions: ["browser"],
      write: false,
    });
    const [{ contents, text }] = outputFiles as [import("esbuild").OutputFile];
    return { minified: contents.length, gzipped: gzipSync(contents, { level: 9 }).length, text };
  }

  function check(name: string, minified: number, gzipped: number, more = ""): void {
    const [most, mostGzipped] = (BUDGETS[name] as readonly [number, number]).map((size) => size * 1024) as [number, number];
    console.log(`${name}: ${minified} bytes minified, ${gzipped} gzipped, of ${most} and ${mostGzipped}${more}`);
    expect(minified).toBeLessThanOrEqual(most);
    expect(gzipped).toBeLessThanOrEqual(mostGzipped);
  }

  it("core", async () => {
    const { minified, gzipped, text } = await weigh("wasm-dropout");
    expect(textsIn(text)).toEqual(["core"]);
    check("core", minified, gzipped);
  });

  it.each(EXTENSIONS)("what %s adds", async (name) => {
    const core = await weigh("wasm-dropout");
    const alone = await weigh(`wasm-dropout/${name}`);
    const both = await weigh("wasm-dropout", `wasm-dropout/${name}`);
    expect(textsIn(alone.text)).toEqual([name]);
    const more = `; by itself, with what it uses of the core, ${alone.minified} and ${alone.gzipped}`;
    check(name, both.minified - core.minified, both.gzipped - core.gzipped, more);
  });
});
