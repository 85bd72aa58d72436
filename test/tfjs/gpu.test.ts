// The entry in a page, bundled as programs of TensorFlow.js are, on the backends of GPUs: the same bits as everywhere, the same training as on the CPU.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expand } from "../shapes/oracle.js";
import { openChromium } from "../support/browsers/chromium.js";
import { type Browser, ifInstalled, MissingBrowser, type Page } from "../support/browsers.js";
import { missing } from "../support/missing.js";
import { chance, drop, keepBytes, uniforms } from "../support/oracle.js";
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

describe.each(["webgl", "webgpu"])("on %s", (backend) => {
  it("gives the bits of the CPU without a synchronous read, and trains as it does", async (context) => {
    if (browser instanceof MissingBrowser) missing(context, "chromium", browser.message);
    const gpu = await page.evaluate<PageResult | null>(`return run("${backend}")`);
    if (gpu === null) missing(context, backend, `the backend ${backend} does not start in Chromium`);
    expect(gpu.backend).toBe(backend);
    expect(Object.keys(gpu.values)).toEqual(Object.keys(cpu.values));
    for (const [name, values] of Object.entries(gpu.values)) {
      const expected = cpu.values[name] as number[];
      // Powers and sums of tfjs are not the same on all backends; all else is.
      if (!/^second|^predict/.test(name)) expect(values, name).toEqual(expected);
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
  });
});
