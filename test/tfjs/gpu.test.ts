// The entry in a page and in Deno, bundled as programs of TensorFlow.js are, on the backends of GPUs: the same bits and the same training as on the CPU.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { expand } from "../shapes/oracle.js";
import { openChromium } from "../support/browsers/chromium.js";
import { type Browser, ifInstalled, MissingBrowser, type Page } from "../support/browsers.js";
import { missing } from "../support/missing.js";
import { chance, drop, keepBytes, uniforms } from "../support/oracle.js";
import { DENO } from "../support/runtimes.js";
import { serve } from "../support/static-server.js";
import type { PageResult } from "./page.js";

let directory: string;
let server: Awaited<ReturnType<typeof serve>>;
let browser: Browser | MissingBrowser;
let page: Page;
let cpu: PageResult;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "wasm-dropout-tfjs-"));
  const entry = fileURLToPath(new URL("page.ts", import.meta.url));
  await build({ entryPoints: [entry], bundle: true, format: "esm", outfile: join(directory, "page.js"), logLevel: "error" });
  writeFileSync(join(directory, "index.html"), '<!doctype html><meta charset="utf-8" /><script type="module" src="./page.js"></script>');
  server = await serve(directory);
  browser = await ifInstalled(openChromium("--enable-unsafe-webgpu"));
  if (browser instanceof MissingBrowser) return;
  page = await browser.newPage();
  await page.goto(`${server.url}/index.html`);
  cpu = await page.evaluate<PageResult>('return run("cpu")');
});

afterAll(async () => {
  if (browser !== undefined && !(browser instanceof MissingBrowser)) await browser.close();
  await server?.close();
  rmSync(directory, { recursive: true, force: true });
});

it("draws the masks of the seed on the CPU", (context) => {
  if (browser instanceof MissingBrowser) missing(context, "chromium", browser.message);
  const x = Float32Array.from({ length: 1200 }, (_, i) => i + 1);
  const p = chance("tile", 0.25);
  const keep = (stream: bigint, decisions: number) => keepBytes(uniforms("tile", 42n, stream, 0, decisions), p);
  expect(cpu.backend).toBe("cpu");
  expect(cpu.values["dropout 60,20"]).toEqual([...drop(x, keep(0n, 1200), p)]);
  expect(cpu.values["d dropout 60,20"]).toEqual([...drop(x, keep(1n, 1200), p)]);
  expect(cpu.values["noise 60,20"]).toEqual([...drop(x, expand(keep(2n, 60), [60, 20], [60, 1]), p)]);
  expect(new Set(cpu.values["issue"])).toEqual(new Set([0, 4]));
});

/** Expects the results of a GPU to be those of the CPU, but for the powers, sums, fused operations and training of tfjs, which are not the same on all backends. */
function expectLikeCpu(gpu: PageResult): void {
  expect(Object.keys(gpu.values)).toEqual(Object.keys(cpu.values));
  for (const [name, values] of Object.entries(gpu.values)) {
    const expected = cpu.values[name] as number[];
    if (!/^second|^predict|^fused/.test(name)) expect(values, name).toEqual(expected);
    else {
      values.forEach((value, i) => {
        expect(value, name).toBeCloseTo(expected[i] as number, 3);
      });
    }
  }
  expect([gpu.reads, ...gpu.tensorsLeft, ...cpu.tensorsLeft]).toEqual([0, 0, 0, 0, 0]);
  expect(gpu.losses.length).toBe(cpu.losses.length);
  gpu.losses.forEach((loss, i) => {
    expect(loss).toBeCloseTo(cpu.losses[i] as number, 3);
  });
  expect(gpu.losses.at(-1)).toBeLessThan(gpu.losses[0] as number);
  expect(gpu.weights.length).toBe(cpu.weights.length);
  gpu.weights.forEach((value, i) => {
    expect(value).toBeCloseTo(cpu.weights[i] as number, 3);
  });
}

it.for(["webgl", "webgpu"])(
  "gives the bits of the CPU on %s, without a synchronous read, and trains as it does",
  async (backend, context) => {
    if (browser instanceof MissingBrowser) missing(context, "chromium", browser.message);
    const gpu = await page.evaluate<PageResult | null>(`return run("${backend}")`);
    if (gpu === null) missing(context, backend, `the backend ${backend} does not start in Chromium`);
    expect(gpu.backend).toBe(backend);
    expectLikeCpu(gpu);
    expect(gpu.draws).toBe(backend === "webgpu" ? true : undefined);
  },
);

it("gives them on webgpu in Deno too", async (context) => {
  const gpu = await runInDeno();
  if (gpu === null) missing(context, "webgpu", "the backend webgpu does not start in Deno");
  expect(gpu.backend).toBe("webgpu");
  expectLikeCpu(gpu);
  expect(gpu.draws).toBe(true);
});

/** Returns what the page's program computes in Deno on webgpu, by Chromium's software if there is no GPU; null if the backend does not start. */
async function runInDeno(): Promise<PageResult | null> {
  const [program, result] = [join(directory, "deno.js"), join(directory, "result.json")];
  await build({
    stdin: {
      contents: `import "./page.ts";
        import { writeFileSync } from "node:fs";
        globalThis.window = globalThis;
        writeFileSync(${JSON.stringify(result)}, JSON.stringify(await run("webgpu").catch((error) => (console.error(error), null))));
        process.exit(0);`,
      resolveDir: fileURLToPath(new URL(".", import.meta.url)),
    },
    bundle: true,
    format: "esm",
    platform: "node",
    // Modules of the same kind for all, so that there is one copy of tfjs.
    mainFields: ["module", "main"],
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    outfile: program,
    logLevel: "error",
  });
  // Debian's Chromium comes with a driver that computes in software.
  const folder = "/usr/lib/chromium";
  const software = existsSync(join(folder, "vk_swiftshader_icd.json"))
    ? { LD_LIBRARY_PATH: folder, VK_ICD_FILENAMES: join(folder, "vk_swiftshader_icd.json") }
    : {};
  execFileSync(DENO, ["run", "--allow-all", program], { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, ...software } });
  return JSON.parse(readFileSync(result, "utf8")) as PageResult | null;
}
