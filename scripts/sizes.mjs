// The size of each entry in browsers: what a bundler makes of all its exports.

import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { ENTRIES } from "../modules.mjs";

/** @typedef {{ readonly minified: number, readonly gzipped: number, readonly text: string }} Size in bytes, with the code itself */

/**
 * Weighs one bundle of all that the entries `paths` export.
 *
 * @param {string} directory where the package is installed
 * @param {readonly string[]} paths
 * @returns {Promise<Size>}
 */
export async function weigh(directory, ...paths) {
  const { outputFiles } = await build({
    stdin: { contents: paths.map((path) => `export * from "${path}";`).join("\n"), resolveDir: directory },
    bundle: true,
    minify: true,
    format: "esm",
    conditions: ["browser"],
    external: ["@tensorflow/*"],
    write: false,
    logLevel: "error",
  });
  const [{ contents, text }] = /** @type {[import("esbuild").OutputFile]} */ (outputFiles);
  return { minified: contents.length, gzipped: gzipSync(contents, { level: 9 }).length, text };
}

/**
 * Weighs every entry: one of a module that extends the core by what it adds, any other by its whole bundle.
 *
 * @param {string} directory where the package is installed
 */
export async function weighEntries(directory) {
  const core = await weigh(directory, "wasm-dropout");
  const extends_ = (/** @type {string | undefined} */ module) => module !== undefined && module !== "core";
  return Promise.all(
    ENTRIES.map(async ({ subpath, module, budget: [most, mostGzipped] }) => {
      const path = subpath === "" ? "wasm-dropout" : `wasm-dropout/${subpath}`;
      const { minified, gzipped } = await weigh(directory, ...(extends_(module) ? ["wasm-dropout", path] : [path]));
      const [less, lessGzipped] = extends_(module) ? [core.minified, core.gzipped] : [0, 0];
      const budget = /** @type {const} */ ([most * 1024, mostGzipped * 1024]);
      return { path, subpath, added: extends_(module), minified: minified - less, gzipped: gzipped - lessGzipped, budget };
    }),
  );
}
