// The packed package in set-ups that do not read ES modules or "exports", or have no bundler.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENTRIES } from "../../modules.mjs";
import { type Browser, ifInstalled, MissingBrowser, openBrowser, type Page } from "../support/browsers.js";
import { missing } from "../support/missing.js";
import { model, node, value } from "../support/onnx/build.js";
import { serve } from "../support/static-server.js";
import { until } from "../support/until.js";
import { copyFixtures, directory, HASH, installed, modulePath, repository, resultAt, runNode, runTool } from "./tools.js";

const fixtures = copyFixtures("setups");
const readManifest = (folder: string) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const manifest = readManifest(installed);

describe("require() in Node", () => {
  const path = join(fixtures, "common", "require.js");
  const drawn = { core: HASH, extension: HASH, inline: HASH, sameClassInEntries: true };

  const shared = { ...drawn, sameClassByImport: true, ofOther: HASH };
  const apart = {
    ...drawn,
    sameClassByImport: false,
    ofOther: expect.stringMatching(/^TypeError: "dropout" expected Dropout of this package/),
  };

  it("gives what import gives, where Node can require ES modules", () => {
    const { require_module: able } = process.features as { require_module?: boolean };
    expect(JSON.parse(runNode([path]))).toEqual(able ? shared : apart);
  });

  it("gives CommonJS before that, whose extensions refuse an instance of the ES module by name", () => {
    const flag = "--experimental-require-module";
    const args = process.allowedNodeEnvironmentFlags.has(flag) ? [flag.replace("--", "--no-")] : [];
    expect(JSON.parse(runNode([...args, path]))).toEqual(apart);
  });
});

it.each(["sandbox.mjs", "sandbox.js"])("works where there is no TextDecoder and Object is frozen: %s", (name) => {
  expect(runNode([join(fixtures, "common", name)]).trim()).toBe(HASH);
});

describe("Jest", () => {
  it.each([
    ["node", "undefined", []],
    ["jsdom", "object", ["--env", modulePath("jest-environment-jsdom")]],
  ])("runs tests in CommonJS, its default: %s", (_, DOCUMENT, args) => {
    const report = runTool("jest/bin/jest.js", ["--json", ...args], join(fixtures, "common", "jest"), { EXPECTED: HASH, DOCUMENT });
    expect(JSON.parse(report)).toMatchObject({ numPassedTests: 2, numTotalTests: 2, success: true });
  });
});

describe("TypeScript", () => {
  it.each([
    ["typescript", "node10"],
    ["typescript-7", "node16-common"],
    ["typescript-7", "no-dom"],
    ["typescript-5.4", "node16-common"],
    ["typescript-5.4", "no-dom"],
  ])("takes the declarations, without skipLibCheck: %s, %s", (compiler, name) => {
    expect(runTool(`${compiler}/bin/tsc`, ["-p", `${name}.json`], join(fixtures, "types"))).toBe("");
  });

  it.each(["typescript", "typescript-5.4"])("runs by ts-node: %s", (compiler) => {
    const env = { TS_NODE_COMPILER: modulePath(`${compiler}/lib/typescript.js`) };
    expect(JSON.parse(runTool("ts-node/dist/bin.js", ["main.ts"], join(fixtures, "ts-node"), env))).toEqual([HASH, HASH]);
  });
});

describe("a project made by npm init", () => {
  const project = join(fixtures, "init");
  mkdirSync(project);
  execFileSync("npm", ["init", "-y"], { cwd: project, stdio: ["ignore", "ignore", "inherit"] });
  const [first] = /(?<=```js\n).*?(?=```)/s.exec(readFileSync(join(installed, "README.md"), "utf8")) as RegExpExecArray;
  const run = (name: string, code: string) => {
    writeFileSync(join(project, name), code);
    return runNode([name], project).trim();
  };

  it("runs the first example of README as a module", () => {
    expect(run("dropout.mjs", `${first}\nconsole.log(bits.length);`)).toBe("125");
  });

  it("runs it as CommonJS, by require()", () => {
    const body = first.replace(/import (.*) from (".*");/, "const $1 = require($2);");
    expect(body).toContain("require(");
    writeFileSync(join(project, "package.json"), JSON.stringify({ ...readManifest(project), type: "commonjs" }));
    expect(run("index.js", `(async () => {\n${body}\nconsole.log(bits.length);\n})();`)).toBe("125");
  });
});

it("every entry is found by resolvers that do not read exports, as a CommonJS file", () => {
  const { sync } = createRequire(import.meta.url)("resolve") as { sync(path: string, options: { basedir: string }): string };
  for (const { subpath, file } of ENTRIES) {
    const path = join("wasm-dropout", subpath);
    expect(sync(path, { basedir: directory })).toBe(join(installed, "dist/cjs", `${file}.js`));
  }
});

describe("in a page", () => {
  let browser: Browser | MissingBrowser;
  beforeAll(async () => {
    browser = await ifInstalled(openBrowser("chromium"));
  });
  afterAll(async () => {
    if (!(browser instanceof MissingBrowser)) await browser.close();
  });

  async function withPage<T>(open: Browser, root: string, use: (url: string, page: Page) => Promise<T>): Promise<T> {
    const server = await serve(root);
    const page = await open.newPage();
    try {
      return await use(server.url, page);
    } finally {
      await page.close();
      await server.close();
    }
  }

  it.for(["module", "script", "entries"])("without a bundler: %s", async (name, context) => {
    if (browser instanceof MissingBrowser) return missing(context, "Chromium", browser.message);
    const drawn = await withPage(browser, directory, (url, page) => resultAt(`${url}/setups/plain/${name}.html`, page));
    expect(drawn).toEqual([HASH, HASH]);
  });

  it("in a service worker, as a module and as a classic script", async (context) => {
    if (browser instanceof MissingBrowser) return missing(context, "Chromium", browser.message);
    const drawn = await withPage(browser, directory, (url, page) => resultAt(`${url}/setups/plain/service-worker.html`, page));
    expect(drawn).toEqual([[HASH, HASH], [HASH]]);
  });

  it("as docs/engines.md shows it", async (context) => {
    if (browser instanceof MissingBrowser) return missing(context, "Chromium", browser.message);
    const [, block] = /```html\n(.*?)```/s.exec(readFileSync(join(installed, "docs/engines.md"), "utf8")) as RegExpExecArray;
    writeFileSync(join(fixtures, "plain", "shown.html"), `${block}`);
    const text = await withPage(browser, directory, async (url, page) => {
      await page.goto(`${url}/setups/plain/shown.html`);
      return until<string>(page, "return document.body?.textContent.trim()");
    });
    const rows = text.split(" ").map(Number);
    expect(rows.length).toBe(8);
    for (const [i, value] of rows.entries()) {
      expect([0, 2]).toContain(value);
      expect(value, "rows are kept whole or dropped").toBe(rows[i & ~1]);
    }
  });

  it("with TensorFlow.js from script tags", async (context) => {
    if (browser instanceof MissingBrowser) return missing(context, "Chromium", browser.message);
    // Core and layers are the root's packages, of which there must be one copy.
    for (const [name, folder] of [
      ["core", ""],
      ["layers", ""],
      ["backend-cpu", "test"],
    ] as const) {
      const path = join(repository, folder, `node_modules/@tensorflow/tfjs-${name}/dist/tf-${name}.min.js`);
      cpSync(path, join(fixtures, "plain", `tf-${name}.min.js`));
    }
    const found = await withPage(browser, directory, (url, page) => resultAt(`${url}/setups/plain/tfjs.html`, page));
    expect(found).toEqual({ dropped: true, kept: [2], layers: "WasmDropout" });
  });

  it("with ONNX Runtime from a script tag", async (context) => {
    if (browser instanceof MissingBrowser) return missing(context, "Chromium", browser.message);
    const dist = join(repository, "test/node_modules/onnxruntime-web/dist");
    for (const name of ["ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"])
      cpSync(join(dist, name), join(fixtures, "plain", name));
    const bytes = model({
      inputs: [value("x", [null, 100])],
      outputs: [value("y")],
      nodes: [node("Dropout", ["x"], ["y"], { name: "d" })],
    });
    writeFileSync(join(fixtures, "plain", "model.onnx"), bytes);
    const found = await withPage(browser, directory, (url, page) => resultAt(`${url}/setups/plain/onnx.html`, page));
    expect(found).toEqual({ passes: 4, samples: 2, dropped: true });
  });

  it("what Parcel makes without configuration", async (context) => {
    const out = join(fixtures, "parcel");
    const options = ["--no-cache", "--no-autoinstall", "--public-url", "./", "--dist-dir", out];
    runTool("parcel/lib/bin.js", ["build", "page/index.html", ...options], fixtures);
    if (browser instanceof MissingBrowser) return missing(context, "Chromium", browser.message);
    const drawn = await withPage(browser, out, (url, page) => resultAt(`${url}/index.html`, page));
    expect(drawn).toEqual({ inPage: HASH, byExtension: HASH, inWorker: HASH });
  });

  it("delivery networks give the classic script", () => {
    expect([manifest.unpkg, manifest.jsdelivr]).toEqual(Array(2).fill("./dist/page/wasm-dropout.global.js"));
  });
});
