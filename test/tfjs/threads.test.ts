// tfjs's wasm backend with threads, in isolated pages: its memory is shared, and tensors are still read and written where they lie.

import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type BrowserName, ifInstalled, MissingBrowser, openBrowser } from "../support/browsers.js";
import { missing } from "../support/missing.js";
import { serve } from "../support/static-server.js";
import type { ThreadsResult } from "./threads-page.js";

let directory: string;
let server: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "wasm-dropout-threads-"));
  const entry = fileURLToPath(new URL("threads-page.ts", import.meta.url));
  await build({
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    platform: "browser",
    // Emscripten's code asks for these in Node.
    external: ["fs", "path", "crypto", "perf_hooks", "os", "worker_threads"],
    outfile: join(directory, "page.js"),
    logLevel: "error",
  });
  const dist = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm"));
  for (const kind of ["", "-simd", "-threaded-simd"]) {
    copyFileSync(join(dist, `tfjs-backend-wasm${kind}.wasm`), join(directory, `tfjs-backend-wasm${kind}.wasm`));
  }
  writeFileSync(join(directory, "index.html"), '<!doctype html><meta charset="utf-8" /><script type="module" src="./page.js"></script>');
  const headers = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
  server = await serve(directory, { headers });
});

afterAll(async () => {
  await server?.close();
  rmSync(directory, { recursive: true, force: true });
});

it.for<BrowserName>(["chromium", "firefox"])("in isolated %s, with the bits of the cpu backend", async (name, context) => {
  const browser = await ifInstalled(openBrowser(name));
  if (browser instanceof MissingBrowser) missing(context, name, browser.message);
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}/index.html`);
    const { isolated, values, inPlace, tensorsLeft, masks } = await page.evaluate<ThreadsResult>("return run()");
    expect(isolated).toBe(true);
    expect(Object.keys(values["cpu"] as object).length).toBe(20);
    expect(values["wasm"]).toEqual(values["cpu"]);
    expect(inPlace[1]).toBeGreaterThan(0);
    expect(inPlace[0]).toBe(inPlace[1]);
    expect(tensorsLeft).toBe(0);
    expect(masks[0]).toEqual(masks[1]);
  } finally {
    await browser.close();
  }
});
