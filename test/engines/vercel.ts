// Vercel's edge runtime, which Next's is too: another realm, into which compiled modules come from outside.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { EdgeRuntime } from "edge-runtime";
import type { Packed } from "../support/packed.js";
import { bundleSuite } from "./bundle.js";
import type { Engine, Run } from "./engine.js";

const require = createRequire(import.meta.url);

/** The edge runtime, with the generation of code from text and bytes forbidden, or allowed. */
export function vercel(strict: boolean): Engine {
  return {
    name: `Vercel edge-runtime, ${strict ? "strict" : "code generation on"}`,
    async run(packed: Packed): Promise<Run> {
      const outfile = join(packed.directory, "vercel.js");
      const modules: Record<string, WebAssembly.Module> = {};
      await bundleSuite(packed, {
        entry: 'import { runSuite } from "./suite.js"; globalThis.runSuite = runSuite;',
        outfile,
        format: "iife",
        conditions: ["edge-light", "worker", "browser"],
        plugins: [
          {
            // As Vercel's own builder does it: the file is compiled outside, and the code finds the module among the globals.
            name: "wasm modules",
            setup({ onResolve, onLoad, resolve }) {
              onResolve({ filter: /\.wasm\?module$/ }, async ({ path, kind, resolveDir }) => {
                const { path: file } = await resolve(path.replace("?module", ""), { kind, resolveDir });
                return { path: file, namespace: "wasm" };
              });
              onLoad({ filter: /./, namespace: "wasm" }, ({ path }) => {
                modules[path] = new WebAssembly.Module(readFileSync(path));
                return { contents: `export default wasmModules[${JSON.stringify(path)}]` };
              });
            },
          },
        ],
      });
      const runtime = new EdgeRuntime({
        codeGeneration: { strings: !strict, wasm: !strict },
        extend: (context) => Object.assign(context, { wasmModules: modules }),
        initialCode: readFileSync(outfile, "utf8"),
      });
      const report = await runtime.evaluate<Promise<Run["report"]>>(`runSuite({ compilesBytes: ${!strict} })`);
      return { version: require("edge-runtime/package.json").version, report: structuredClone(report) };
    },
  };
}
