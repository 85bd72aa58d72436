// Paths of the runtimes that npm installs: each is in a package of its own for each platform.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The path of Deno; does not exist where it is not installed. */
export const DENO = programOf("@deno", "deno");

/** The path of Bun; does not exist where it is not installed. */
export const BUN = programOf("@oven", "bin/bun");

function programOf(scope: string, path: string): string {
  const folder = fileURLToPath(new URL(`../node_modules/${scope}`, import.meta.url));
  const packages = existsSync(folder) ? readdirSync(folder) : [];
  return packages.map((name) => join(folder, name, path)).find(existsSync) ?? join(folder, path);
}
