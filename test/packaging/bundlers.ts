// Bundlers, configured only with the paths of input and output, for production in browsers.

import { join } from "node:path";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import * as esbuild from "esbuild";
import { rollup } from "rollup";
import * as vite from "vite";
import webpack from "webpack";

/** Bundles the modules `names` of `directory`, each without its ".js", to files of the same names in `out`. */
type Bundle = (directory: string, names: readonly string[], out: string) => Promise<void>;

const inputs = (directory: string, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, join(directory, `${name}.js`)]));

export const BUNDLERS: Readonly<Record<string, Bundle>> = {
  async Vite(directory, names, out) {
    const rolldownOptions = { input: inputs(directory, names), output: { entryFileNames: "[name].js" } };
    await vite.build({ root: directory, configFile: false, logLevel: "error", build: { outDir: out, rolldownOptions } });
  },

  webpack(directory, names, out) {
    const compiler = webpack({ mode: "production", context: directory, entry: inputs(directory, names), output: { path: out } });
    return new Promise((resolve, reject) => {
      compiler?.run((error, stats) => {
        if (error) reject(error);
        else if (stats?.hasErrors() || stats?.hasWarnings()) reject(new Error(stats.toString()));
        else resolve();
      });
    });
  },

  async esbuild(directory, names, out) {
    const entryPoints = Object.values(inputs(directory, names));
    await esbuild.build({ entryPoints, outdir: out, bundle: true, minify: true, format: "esm", logLevel: "error" });
  },

  async Rollup(directory, names, out) {
    const onwarn = (warning: { message: string }) => {
      throw new Error(warning.message);
    };
    const input = inputs(directory, names);
    const bundle = await rollup({ input, preserveEntrySignatures: false, plugins: [nodeResolve({ browser: true })], onwarn });
    await bundle.write({ dir: out, format: "es", entryFileNames: "[name].js" });
    await bundle.close();
  },
};
