// Builds the page, and serves what was built.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { CHART_STYLE } from "../../../tools/report/plot.js";
import { PAGE_STYLE } from "../../../tools/report/style.js";
import { POLICY, policy } from "../../browser/policy.js";
import { readPages } from "../pages.js";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Modules that are made here of what Node reads. */
const MADE: Readonly<Record<string, () => string>> = {
  "made/pages.js": () => `export default ${JSON.stringify(readPages())};`,
  "made/report.css": () => PAGE_STYLE + CHART_STYLE,
};
const made: Plugin = {
  name: "made modules",
  resolveId: (id) => (id in MADE ? here(id) : undefined),
  load: (id) => Object.entries(MADE).find(([name]) => here(name) === id)?.[1](),
};

/** The builds of tfjs's wasm that run in one thread, beside the page. */
const wasm: Plugin = {
  name: "wasm of tfjs",
  generateBundle() {
    const { resolve } = createRequire(here("../../mnist/train/start-backend.ts"));
    for (const build of ["", "-simd"]) {
      const name = `tfjs-backend-wasm${build}.wasm`;
      this.emitFile({
        type: "asset",
        fileName: `tfjs/${name}`,
        source: readFileSync(resolve(`@tensorflow/tfjs-backend-wasm/dist/${name}`)),
      });
    }
  },
};

// Charts are drawn on the browser's own documents.
const alias = { linkedom: here("dom.ts") };

export default defineConfig({
  root: here("."),
  // Relative addresses, so that the page works wherever it is put.
  base: "./",
  resolve: { alias },
  build: { outDir: here("../../../build/transformer-page"), emptyOutDir: true, target: "es2022", chunkSizeWarningLimit: 2000 },
  worker: { format: "es", plugins: () => [made] },
  preview: { host: "127.0.0.1", headers: { "content-security-policy": POLICY } },
  plugins: [policy, made, wasm],
});
