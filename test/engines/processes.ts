// Engines that are programs: they import the packed package from its folder by their own resolution, and print their report.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Packed } from "../packed.js";
import { bundleSuite } from "./bundle.js";
import { type Engine, MissingEngine, type Run } from "./engine.js";

const execute = promisify(execFile);
const installed = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The release of Node with that major version: the one that runs this, or one from npm. */
export function node(major: string): Engine {
  const own = process.versions.node.startsWith(`${major}.`);
  return program(`Node ${major}`, own ? process.execPath : installed(`nodes/node_modules/node-${major}/bin/node`), []);
}

export const deno = program("Deno", installed("../../node_modules/.bin/deno"), ["run", "--quiet", "--no-lock"]);
export const bun = program("Bun", installed("../../node_modules/.bin/bun"), ["run"]);

function program(name: string, path: string, args: readonly string[]): Engine {
  return {
    name,
    async run(packed: Packed): Promise<Run> {
      if (!existsSync(path)) throw new MissingEngine(`${path} does not exist`);
      const outfile = join(packed.directory, `${name}.mjs`);
      const entry = `import { runSuite } from "./suite.js";
        console.log(JSON.stringify(await runSuite({ compilesBytes: true })));`;
      await bundleSuite(packed, { entry, outfile, external: true });
      const run = async (...words: string[]) => (await execute(path, words, { cwd: packed.directory })).stdout;
      const [version] = (await run("--version")).match(/\d+\.\d+\.\d+/) ?? [];
      return { version: version ?? "unknown", report: JSON.parse(await run(...args, outfile)) };
    },
  };
}
