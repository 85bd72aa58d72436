// Before all tests: the package as npm would publish it, packed and installed in a folder of its own, for the tests that use it as users do.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

/** The packed package. */
export interface Packed {
  /** Path of the tarball. */
  readonly tarball: string;
  /** Folder that it is installed in. */
  readonly directory: string;
}

declare module "vitest" {
  interface ProvidedContext {
    packed: Packed;
  }
}

export default function setup({ provide }: TestProject): () => void {
  const root = mkdtempSync(join(tmpdir(), "wasm-dropout-packed-"));
  const directory = join(root, "user");
  const npm = (...args: string[]) => execFileSync("npm", args, { cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
  mkdirSync(directory);
  writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true, type: "module" }));
  // Without scripts: the tests are about the files that have been built.
  npm("pack", fileURLToPath(new URL("../..", import.meta.url)), "--ignore-scripts", "--pack-destination", root);
  const tarball = join(root, readdirSync(root).find((name) => name.endsWith(".tgz")) as string);
  npm("install", "--prefer-offline", tarball);
  provide("packed", { tarball, directory });
  return () => rmSync(root, { recursive: true, force: true });
}
