// Installs what a command needs beyond the root's packages: folders with a package.json and a lock file of their own, as arguments, or
// all of those that the whole test suite needs (--tests). A folder that was installed from the same lock file is left alone, without any
// access to the network.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);

/** The folders that `npm test` needs. */
const TESTS = [
  "scripts/lint",
  "scripts/release",
  "test",
  "test/engines/nodes",
  "examples/browser",
  "examples/distributed",
  "examples/edge-worker",
  "examples/frameworks",
  "examples/mnist/train",
  "tools/peers",
  "tools/report",
  "tools/tfjs",
];

/** @param {string} folder */
function install(folder) {
  const at = (/** @type {string} */ path) => fileURLToPath(new URL(`${folder}/${path}`, root));
  if (!existsSync(at("package-lock.json"))) throw new Error(`${folder} has no package-lock.json`);
  const lock = createHash("sha256")
    .update(readFileSync(at("package-lock.json")))
    .digest("hex");
  // A hash, as times of files say nothing after a checkout. It lies in node_modules, so that it is deleted with them.
  const marker = at("node_modules/.installed-from");
  if (existsSync(marker) && readFileSync(marker, "utf8") === lock) return;
  console.error(`installing ${folder}`);
  // Without scripts: binaries come as packages of their own. Without peers: they are the root's packages, of which there must be one copy.
  const options = ["--ignore-scripts", "--omit=peer", "--no-audit", "--no-fund"];
  const { status, error } = spawnSync("npm", ["ci", "--prefix", at("."), ...options], { stdio: ["ignore", 2, 2], cwd: at(".") });
  if (error) throw error;
  if (status !== 0) throw new Error(`npm ci in ${folder} ended with ${status}`);
  writeFileSync(marker, lock);
}

const folders = process.argv.slice(2);
if (folders.length === 0) throw new RangeError("expected folders, or --tests");
for (const folder of folders[0] === "--tests" ? TESTS : folders) install(folder);
