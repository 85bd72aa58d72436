// The packed package, and programs that are run on it.

import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import type { Page } from "../support/browsers.js";
import { HANG_MS } from "../support/limits.js";
import vectors from "../vectors/keep-streams.json" with { type: "json" };

export const { tarball, directory } = inject("packed");

/** The package's folder in node_modules/ of its user. */
export const installed = join(directory, "node_modules/wasm-dropout");

export const repository = fileURLToPath(new URL("../..", import.meta.url));

/** The mask that fixtures/hash.js draws. */
export const HASH = vectors.hashed.find(({ stream_kind, stream }) => stream_kind === "tile" && stream === "3")?.sha256 as string;

/** A copy of the fixtures where the package is installed, in a folder of this name: each file of tests has its own. */
export function copyFixtures(name: string): string {
  const fixtures = join(directory, name);
  cpSync(new URL("fixtures", import.meta.url), fixtures, { recursive: true });
  // Files that tools leave behind go when the packed package goes: wrangler's settings and logs, folders that Miniflare removes in its own time.
  Object.assign(process.env, { TMPDIR: directory, XDG_CONFIG_HOME: join(directory, "config") });
  // Nobody is told of the run, and nobody asked for a newer release.
  Object.assign(process.env, { WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", NO_COLOR: "1" });
  return fixtures;
}

/** Runs Node with `args` in `cwd` and returns its output. Throws with the output if it fails, or hangs: the time limit of a test cannot end it. */
export function runNode(args: readonly string[], cwd = directory, env: Readonly<Record<string, string>> = {}): string {
  try {
    return execFileSync(process.execPath, args, { cwd, encoding: "utf8", timeout: HANG_MS, env: { ...process.env, ...env } });
  } catch (error) {
    const { message, stdout } = error as Error & { stdout: string };
    throw new Error(`${message}\n${stdout}`);
  }
}

/** Returns the path of a file of test/node_modules/. */
export const modulePath = (path: string): string => join(repository, "test/node_modules", path);

/** Runs a program of test/node_modules/. */
export const runTool = (path: string, args: readonly string[], cwd?: string, env?: Readonly<Record<string, string>>) =>
  runNode([modulePath(path), ...args], cwd, env);

/** Returns the result of the script of the page at `url`. */
export async function resultAt(url: string, page: Page): Promise<unknown> {
  await page.goto(url);
  return page.evaluate('return globalThis.result ?? "its script did not run"');
}
