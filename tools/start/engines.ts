// The engines: each starts a subject anew, in a process or a page of its own.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build } from "esbuild";
import { type BrowserName, openBrowser } from "../../test/support/browsers.js";
import { BUN, DENO } from "../../test/support/runtimes.js";
import { serve } from "../../test/support/static-server.js";
import { bundled, program, type Subject, type Times } from "./subjects.js";

/** An engine that is ready to start subjects. */
export interface Running {
  readonly version: string;
  /** Starts a subject; throws Error if the engine cannot run it. */
  start(subject: Subject): Promise<Times> | Times;
  close?(): Promise<void>;
}

/** An engine by its name; `open` gets a folder in whose node_modules the packages are, and throws Error where the engine is not installed. */
export interface Engine {
  readonly name: string;
  open(folder: string, subjects: readonly Subject[]): Promise<Running>;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Puts the packages into node_modules of `folder` as npm installs them: this one as it would be published. */
export function install(folder: string): void {
  const modules = join(folder, "node_modules");
  mkdirSync(modules, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  const own = fileURLToPath(new URL("node_modules", import.meta.url));
  for (const name of readdirSync(own).filter((one) => !one.startsWith(".")))
    cpSync(join(own, name), join(modules, name), { recursive: true });
  const pack = ["pack", root, "--ignore-scripts", "--pack-destination", folder, "--silent"];
  const tarball = execFileSync("npm", pack, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
  execFileSync("tar", ["-xzf", join(folder, tarball), "-C", modules]);
  cpSync(join(modules, "package"), join(modules, "wasm-dropout"), { recursive: true });
  rmSync(join(modules, "package"), { recursive: true });
}

const fileOf = (subject: Subject) => subject.name.replaceAll(/\W+/g, "-");

/** A program that runs a file. */
function command(name: string, path: string, ...args: readonly string[]): Engine {
  return {
    name,
    async open(folder, subjects) {
      if (!existsSync(path)) throw new Error(`${path} does not exist`);
      for (const subject of subjects) {
        writeFileSync(join(folder, `${fileOf(subject)}.mjs`), `${program(subject)}console.log(JSON.stringify(times));\n`);
      }
      const [version = ""] = execFileSync(path, ["--version"], { encoding: "utf8" }).match(/\d+\.\d+\.\d+/) ?? [];
      return {
        version,
        start: (subject) =>
          JSON.parse(
            execFileSync(path, [...args, `${fileOf(subject)}.mjs`], { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }),
          ),
      };
    },
  };
}

/** Bundles each subject into a file of its own. */
async function bundle(
  folder: string,
  out: string,
  code: (subject: Subject) => string,
  subjects: readonly Subject[],
  options: BuildOptions,
) {
  for (const subject of subjects) {
    await build({
      stdin: { contents: code(subject), resolveDir: folder },
      outfile: join(out, fileOf(subject), "main.js"),
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2022",
      platform: "neutral",
      mainFields: ["module", "main"],
      external: ["module", "node:*", "fs", "crypto"],
      logLevel: "silent",
      ...options,
    });
  }
}

/**
 * workerd, whose clock stands still while a Worker computes: the time that its test command takes, less the time that it takes for a Worker that
 * does nothing, of a run next to it.
 */
const workerd: Engine = {
  name: "workerd",
  async open(folder, subjects) {
    const { default: path } = createRequire(new URL("../../test/package.json", import.meta.url))("workerd") as { default: string };
    const out = join(folder, "workerd");
    const worker = (subject: Subject) => `${bundled(subject)}export default { async test() { call(await create()); } };\n`;
    const nothing: Subject = { name: "nothing", imports: [], create: "() => 0", call: "() => 0" };
    const all = [nothing, ...subjects];
    await bundle(folder, out, worker, all, { conditions: ["workerd", "worker", "browser"], loader: { ".wasm": "copy" } });
    for (const subject of all) {
      const wasm = readdirSync(join(out, fileOf(subject))).filter((name) => name.endsWith(".wasm"));
      const modules = wasm.map((name) => `(name = "${name}", wasm = embed "${name}")`);
      const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .main)]);
const main :Workerd.Worker = (compatibilityDate = "2026-04-01",
  modules = [${['(name = "main.js", esModule = embed "main.js")', ...modules].join(", ")}]);
`;
      writeFileSync(join(out, fileOf(subject), "config.capnp"), config);
    }
    const time = (subject: Subject) => {
      const start = performance.now();
      const { status, stderr } = spawnSync(path, ["test", "config.capnp"], { cwd: join(out, fileOf(subject)), encoding: "utf8" });
      if (status !== 0) throw new Error(stderr.trim().split("\n").at(-1));
      return performance.now() - start;
    };
    const [version = ""] = execFileSync(path, ["--version"], { encoding: "utf8" }).match(/[\d.-]+/) ?? [];
    return { version, start: (subject) => ({ sum: time(subject) - time(nothing) }) };
  },
};

/** A new page for each start, which gets the subject's code under an address that is in no cache. */
function browser(name: BrowserName, title: string): Engine {
  return {
    name: title,
    async open(folder, subjects) {
      const out = join(folder, "pages");
      await bundle(folder, out, bundled, subjects, { conditions: ["browser"] });
      writeFileSync(join(out, "index.html"), "<!doctype html><title>start</title>\n");
      const running = await openBrowser(name);
      const server = await serve(out);
      let starts = 0;
      return {
        version: running.version,
        async start(subject) {
          const page = await running.newPage();
          try {
            await page.goto(`${server.url}/index.html`);
            return await page.evaluate<Times>(`
              const start = performance.now();
              const { create, call } = await import("${server.url}/${fileOf(subject)}/main.js?${++starts}");
              const imported = performance.now();
              const made = await create();
              const created = performance.now();
              call(made);
              const called = performance.now();
              return { import: imported - start, create: created - imported, call: called - created, sum: called - start };`);
          } finally {
            await page.close();
          }
        },
        async close() {
          await running.close();
          await server.close();
        },
      };
    },
  };
}

export const ENGINES = {
  node: command("Node", process.execPath),
  deno: command("Deno", DENO, "run", "--quiet", "--no-lock", "--allow-all"),
  bun: command("Bun", BUN, "run"),
  workerd,
  chromium: browser("chromium", "Chromium"),
  firefox: browser("firefox", "Firefox"),
  webkit: browser("webkit", "WebKit"),
} satisfies Record<string, Engine>;
