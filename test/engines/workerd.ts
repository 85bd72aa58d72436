// workerd, the runtime of Cloudflare Workers, through Miniflare: wasm files are modules of the Worker, and compiling bytes is forbidden.

import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Miniflare } from "miniflare";
import type { Packed } from "../support/packed.js";
import { bundleSuite } from "./bundle.js";
import type { Engine, Run } from "./engine.js";

const require = createRequire(import.meta.url);

/** Returns the answer of the Worker whose main module is the file `main`; wasm files beside it are its modules. */
export async function askWorker(main: string): Promise<string> {
  const modulesRoot = dirname(main);
  const files = readdirSync(modulesRoot).filter((name) => name.endsWith(".wasm"));
  const wasm = files.map((name) => ({ type: "CompiledWasm" as const, path: join(modulesRoot, name) }));
  const worker = new Miniflare({
    modulesRoot,
    modules: [{ type: "ESModule", path: main }, ...wasm],
    compatibilityDate: "2026-04-15",
    // Without the description of a request's origin, which would be fetched from the network.
    cf: false,
  });
  try {
    const response = await worker.dispatchFetch("http://localhost/");
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text;
  } finally {
    await worker.dispose();
  }
}

export const workerd: Engine = {
  name: "workerd",
  async run(packed: Packed): Promise<Run> {
    const outfile = join(packed.directory, "workerd", "worker.js");
    const entry = `import { runSuite } from "./suite.js";
      export default { fetch: async () => Response.json(await runSuite({ compilesBytes: false })) };`;
    await bundleSuite(packed, { entry, outfile, conditions: ["workerd", "worker", "browser"], loader: { ".wasm": "copy" } });
    return { version: require("workerd/package.json").version, report: JSON.parse(await askWorker(outfile)) };
  },
};
