// Installs what a command needs beyond the root's packages: folders with a package.json and a lock file of their own, as arguments, or
// all of those that the whole test suite needs (--tests). A folder that was installed from the same lock file is left alone, without any
// access to the network.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);

/** The folders that `npm test` needs. */
const TESTS = [
  "scripts/lint",
  "scripts/release",
  "docs/site",
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

/** The most folders that are installed at once: npm waits for the registry most of the time. */
const AT_ONCE = 4;

/** @param {string} folder */
async function install(folder) {
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
  const npm = spawn("npm", ["ci", "--prefix", at("."), ...options], { stdio: ["ignore", 2, 2], cwd: at(".") });
  const status = await new Promise((resolve, reject) => npm.on("error", reject).on("close", resolve));
  if (status !== 0) throw new Error(`npm ci in ${folder} ended with ${status}`);
  // Never written in place: the file may be a hard link that other copies of the folder share.
  rmSync(marker, { force: true });
  writeFileSync(marker, lock);
}

const folders = process.argv.slice(2);
if (folders.length === 0) throw new RangeError("expected folders, or --tests");
const waiting = folders[0] === "--tests" ? TESTS : folders;
const installers = Array.from({ length: AT_ONCE }, async () => {
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) await install(folder);
});
// All are waited for, so that none is cut off half-way by the failure of another.
const failures = (await Promise.allSettled(installers)).filter(({ status }) => status === "rejected");
for (const failure of failures) console.error(/** @type {PromiseRejectedResult} */ (failure).reason);
if (failures.length > 0) process.exitCode = 1;
