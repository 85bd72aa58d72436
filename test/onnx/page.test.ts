// The entry in a page, bundled with onnxruntime-web, beside the same files computed in plain JavaScript with the same masks.

import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Prediction } from "wasm-dropout/monte-carlo";
import { type Browser, ifInstalled, MissingBrowser, openBrowser, type Page } from "../support/browsers.js";
import { missing } from "../support/missing.js";
import { Numbers } from "../support/onnx/build.js";
import { cnn, mlp, transformer } from "../support/onnx/networks.js";
import { expectSame, passesOf } from "../support/onnx/runtimes.js";
import { serve } from "../support/static-server.js";

/** The network of examples/edge-worker, trained on MNIST. */
function digits() {
  const bytes = readFileSync(new URL("../../examples/edge-worker/model.onnx", import.meta.url));
  return { bytes, input: [784], rates: { hidden1: 0.25, hidden2: 0.25 } };
}

let directory: string;
let server: Awaited<ReturnType<typeof serve>>;
let browser: Browser | MissingBrowser;
let page: Page;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "wasm-dropout-onnx-"));
  const entry = fileURLToPath(new URL("page.ts", import.meta.url));
  await build({ entryPoints: [entry], bundle: true, format: "esm", outfile: join(directory, "page.js"), logLevel: "error" });
  const dist = fileURLToPath(new URL("../node_modules/onnxruntime-web/dist/", import.meta.url));
  for (const name of readdirSync(dist)) if (/^ort-wasm-.*\.(wasm|mjs)$/.test(name)) copyFileSync(join(dist, name), join(directory, name));
  writeFileSync(join(directory, "index.html"), '<!doctype html><meta charset="utf-8" /><script type="module" src="./page.js"></script>');
  server = await serve(directory);
  browser = await ifInstalled(openBrowser("chromium"));
  if (browser instanceof MissingBrowser) return;
  page = await browser.newPage();
  await page.goto(`${server.url}/index.html`);
});

afterAll(async () => {
  if (browser !== undefined && !(browser instanceof MissingBrowser)) await browser.close();
  await server?.close();
  rmSync(directory, { recursive: true, force: true });
});

it.for([
  ["mlp", mlp(16)],
  ["cnn", cnn()],
  ["transformer", transformer()],
  ["digits", digits()],
] as const)("%s in Chromium", async ([which, { bytes, input, rates }], context) => {
  if (browser instanceof MissingBrowser) return missing(context, "chromium", browser.message);
  const dims = [2, ...input];
  const prediction = await page.evaluate<Prediction>(`return predict(${JSON.stringify([...bytes])}, ${JSON.stringify(dims)}, 4)`);
  expect(prediction.samples).toBe(2);
  const name = which === "cnn" || which === "digits" ? "image" : "x";
  const inputs = { [name]: { dims, data: [...new Numbers(9).take(dims.reduce((a, b) => a * b, 1))] } };
  expectSame(prediction, passesOf({ bytes, inputs, output: "logits", rates }, 4));
});
