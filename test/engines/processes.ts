// Engines that are programs: they import the packed package from its folder by their own resolution, and print their report.

import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Packed } from "../support/packed.js";
import { BUN, DENO } from "../support/runtimes.js";
import { bundleSuite } from "./bundle.js";
import { type Engine, MissingEngine, type Run } from "./engine.js";

const installed = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The release of Node with that major version: the one that runs this, or one from npm; for kernels in JavaScript, without WebAssembly. */
export function node(major: string, plain = false): Engine {
  const own = process.versions.node.startsWith(`${major}.`);
  const path = own ? process.execPath : installed(`nodes/node_modules/node-${major}/bin/node`);
  return program(plain ? `Node ${major} without WebAssembly` : `Node ${major}`, path, [], plain);
}

export const deno = program("Deno", DENO, ["run", "--quiet", "--no-lock"]);
export const bun = program("Bun", BUN, ["run"]);

function program(name: string, path: string, args: readonly string[], plain = false): Engine {
  return {
    name,
    plain,
    async run(packed: Packed): Promise<Run> {
      if (!existsSync(path)) throw new MissingEngine(`${path} does not exist`);
      const outfile = join(packed.directory, `${name}.mjs`);
      // The timer keeps the program from its end, which comes from outside: where its loop has run empty, Node 20 waits for V8's compilations in
      // the background, and one that waits in turn for a garbage collection of this thread waits for ever.
      const entry = `import { runSuite } from "./suite.js";
        setInterval(() => {}, 1000);
        ${plain ? "delete globalThis.WebAssembly;" : ""}
        console.log(JSON.stringify(await runSuite({ compilesBytes: ${!plain}, plain: ${plain} })));`;
      await bundleSuite(packed, { entry, outfile, external: true, plain });
      const [version] = execFileSync(path, ["--version"], { encoding: "utf8" }).match(/\d+\.\d+\.\d+/) ?? [];
      return { version: version ?? "unknown", report: JSON.parse(await firstLine(path, [...args, outfile], packed.directory)) };
    },
  };
}

/** Returns the first line that a program prints, and kills it; throws an error with its output if it ends before. */
export function firstLine(path: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let [printed, complaints] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      if (!printed.includes("\n")) return;
      resolve(printed.slice(0, printed.indexOf("\n")));
      child.kill("SIGKILL");
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaints += text;
    });
    child.on("error", reject).on("close", (code) => reject(new Error(`ended with ${code}: ${complaints}`)));
  });
}
