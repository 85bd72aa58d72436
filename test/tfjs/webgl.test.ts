// The entry in a page, bundled as programs of TensorFlow.js are, on the backend of the GPU: the same masks as everywhere, the same training as on the CPU.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { expand } from "../shapes/oracle.js";
import { type Browser, MissingBrowser, openBrowser, type Page } from "../support/browsers.js";
import { missing } from "../support/missing.js";
import { chance, drop, keepBytes, uniforms } from "../support/oracle.js";
import { serve } from "../support/static-server.js";
import type { PageResult } from "./page.js";

let directory: string;
let server: Awaited<ReturnType<typeof serve>>;
let browser: Browser | MissingBrowser;
let page: Page;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "wasm-dropout-tfjs-"));
  const entry = fileURLToPath(new URL("page.ts", import.meta.url));
  await build({ entryPoints: [entry], bundle: true, format: "esm", outfile: join(directory, "page.js"), logLevel: "error" });
  writeFileSync(join(directory, "index.html"), '<!doctype html><meta charset="utf-8" /><script type="module" src="./page.js"></script>');
  server = await serve(directory);
  browser = await openBrowser("chromium").catch((error: unknown) => {
    if (error instanceof MissingBrowser) return error;
    throw error;
  });
  if (browser instanceof MissingBrowser) return;
  page = await browser.newPage();
  await page.goto(`${server.url}/index.html`);
});

afterAll(async () => {
  if (browser !== undefined && !(browser instanceof MissingBrowser)) await browser.close();
  await server?.close();
  rmSync(directory, { recursive: true, force: true });
});

it("gives on webgl what it gives elsewhere", async (context) => {
  if (browser instanceof MissingBrowser) missing(context, "chromium", browser.message);
  const webgl = await page.evaluate<PageResult | null>('return run("webgl")');
  if (webgl === null) missing(context, "WebGL", "the backend webgl does not start in Chromium");
  const cpu = await page.evaluate<PageResult>('return run("cpu")');
  expect([webgl.backend, cpu.backend]).toEqual(["webgl", "cpu"]);

  const x = Float32Array.from({ length: 1200 }, (_, i) => i + 1);
  const p = chance("tile", 0.25);
  const keep = (stream: bigint, decisions: number) => keepBytes(uniforms("tile", 42n, stream, 0, decisions), p);
  for (const { y, dx, rows, tensorsLeft } of [webgl, cpu]) {
    expect(y).toEqual([...drop(x, keep(0n, 1200), p)]);
    expect(dx).toEqual([...drop(x, keep(1n, 1200), p)]);
    expect(rows).toEqual([...drop(x, expand(keep(2n, 60), [60, 20], [60, 1]), p)]);
    expect(tensorsLeft).toBe(0);
  }
  expect(webgl.weights.length).toBe(cpu.weights.length);
  webgl.weights.forEach((value, i) => {
    expect(value).toBeCloseTo(cpu.weights[i] as number, 3);
  });
});
