// npm run check: builds, lints and checks types, and installs what that and the tests need. A step starts as soon as those that it needs have ended well,
// beside all others; its output is printed whole when it ends.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/**
 * The steps: the command of each, and the steps that it needs.
 *
 * @type {Readonly<Record<string, { readonly command: string, readonly needs?: readonly string[] }>>}
 */
const STEPS = {
  linter: { command: "node scripts/install.mjs scripts/lint" },
  // The linter's folder is among them: two installs at once would spoil it.
  packages: { command: "node scripts/install.mjs --tests", needs: ["linter"] },
  wasm: { command: "npm run build:wasm" },
  dist: { command: "npm run build:ts", needs: ["wasm"] },
  reference: { command: "npm run build:bench" },
  lint: { command: "npm run lint", needs: ["linter"] },
  types: { command: "npm run typecheck", needs: ["packages", "dist"] },
};

/** @type {Map<string, Promise<boolean>>} */
const ends = new Map();

/**
 * Returns true if a step and those that it needs end well. Each runs once.
 *
 * @param {string} name
 * @returns {Promise<boolean>}
 */
function end(name) {
  const known = ends.get(name) ?? run(name);
  ends.set(name, known);
  return known;
}

/** @param {string} name */
async function run(name) {
  const { command, needs = [] } = /** @type {(typeof STEPS)[string]} */ (STEPS[name]);
  if ((await Promise.all(needs.map(end))).includes(false)) return false;
  const started = performance.now();
  const step = spawn(command, { cwd: root, shell: true, stdio: ["ignore", "pipe", "pipe"] });
  /** @type {Buffer[]} */
  const output = [];
  for (const stream of [step.stdout, step.stderr]) stream.on("data", (chunk) => output.push(chunk));
  const status = await new Promise((resolve, reject) => step.on("error", reject).on("close", resolve));
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  process.stdout.write(`\n$ ${command} (${status === 0 ? `${seconds} s` : `ended with ${status}`})\n${Buffer.concat(output)}`);
  return status === 0;
}

// All are waited for: an install that is cut off leaves half a folder.
const names = Object.keys(STEPS);
const passed = await Promise.all(names.map(end));
const failed = names.filter((_, i) => !passed[i]);
if (failed.length > 0) {
  console.error(`\nfailed, or not run as another step failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}
