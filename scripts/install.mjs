// Installs the packages that a tool or an example has of its own, as its lock file names them, unless that has been done.
// Arguments: folders.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/** @param {string} path @returns {Record<string, { readonly version: string, readonly optional?: boolean }>} the packages that a lock file names */
const packagesOf = (path) => JSON.parse(readFileSync(path, "utf8")).packages;

/** @param {string} folder */
function isInstalled(folder) {
  // npm's own record of what it has installed.
  const record = join(folder, "node_modules/.package-lock.json");
  if (!existsSync(record)) return false;
  const installed = packagesOf(record);
  const { "": _, ...locked } = packagesOf(join(folder, "package-lock.json"));
  // Optional packages may be for other machines.
  return Object.entries(locked).every(
    ([path, { version, optional }]) => installed[path]?.version === version || (optional && !installed[path]),
  );
}

for (const name of process.argv.slice(2)) {
  const folder = join(root, name);
  if (isInstalled(folder)) continue;
  const { status, error } = spawnSync("npm", ["ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"], {
    stdio: "inherit",
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
