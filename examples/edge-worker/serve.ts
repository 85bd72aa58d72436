// The Worker on workerd itself: `wrangler dev` puts proxies in front of it, which hide from it that clients are gone.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const require = createRequire(import.meta.url);

/** A Worker that is served. */
export interface Served {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Bundles the Worker as it is deployed, and serves it on a port of this machine that is free. */
export async function serve(): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), "edge-worker-"));
  execFileSync("npm", ["run", "prepare-model"], { cwd: here, stdio: ["ignore", "ignore", "inherit"] });
  const wrangler = join(require.resolve("wrangler/package.json"), "../bin/wrangler.js");
  const options = ["deploy", "--dry-run", "--outdir", folder];
  execFileSync(process.execPath, [wrangler, ...options], {
    cwd: here,
    env: { ...process.env, CI: "true" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  writeFileSync(join(folder, "config.capnp"), configOf(readdirSync(folder)));
  const { default: program } = require("workerd") as { default: string };
  const child = spawn(program, ["serve", join(folder, "config.capnp"), "--control-fd=3"], {
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit");
      child.kill();
      await ended;
    }
    rmSync(folder, { recursive: true });
  };
  try {
    const port = await portOf(child);
    return { url: `http://127.0.0.1:${port}`, port, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Returns the port that workerd tells, in a line of JSON, once it listens. */
async function portOf(child: ChildProcess): Promise<number> {
  let told = "";
  return await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`workerd ended with ${code}`)));
    (child.stdio[3] as Readable).on("data", (chunk) => {
      told += chunk;
      const [, port] = told.match(/"port":(\d+)/) ?? [];
      if (port !== undefined) resolve(Number(port));
    });
  });
}

/** Returns the configuration of workerd for the files of a bundle: the Worker first, and the modules that it imports. */
function configOf(files: readonly string[]): string {
  const kinds: Readonly<Record<string, string>> = { ".wasm": "wasm", ".bin": "data" };
  const modules = files.flatMap((name) => {
    const kind = kinds[name.slice(name.lastIndexOf("."))];
    return kind === undefined ? [] : [`(name = "./${name}", ${kind} = embed "${name}")`];
  });
  const { compatibility_date, compatibility_flags } = JSON.parse(readFileSync(join(here, "wrangler.json"), "utf8"));
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js"), ${modules.join(", ")}],
  compatibilityDate = ${JSON.stringify(compatibility_date)},
  compatibilityFlags = ${JSON.stringify(compatibility_flags)},
);
`;
}
