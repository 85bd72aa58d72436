// npm run release: checks the package as it would be published, then has release-it set the version, close the changelog, tag and publish.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { manifestPath, unsetFields } from "./owner.mjs";

const USAGE = `Releases the package.

npm run release -- VERSION [--dry-run]
  VERSION      a version, or major, minor, patch
  --dry-run    checks all that is built and shows what would be done; changes nothing and publishes nothing`;

const root = fileURLToPath(new URL("../../", import.meta.url));
const { values, positionals } = parseArgs({ options: { "dry-run": { type: "boolean", default: false } }, allowPositionals: true });
const dry = values["dry-run"];
const [version] = positionals;
if (version === undefined || positionals.length > 1) fail(USAGE);

const unset = unsetFields(JSON.parse(readFileSync(manifestPath, "utf8")));
for (const line of unset) console.error(line);
if (unset.length > 0 && !dry) fail("Nothing was published.");

// All tests, on what they build: that, and nothing built later, is published.
if (!dry) run("npm", ["test"], { CI: "true" });

const scratch = mkdtempSync(join(tmpdir(), "wasm-dropout-release-"));
try {
  await checkPackage(scratch);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

// A rehearsal needs neither a clean tree, an upstream branch, a remote repository nor an account.
const rehearsal = ["--dry-run", "--npm.skipChecks", "--no-git.requireCleanWorkingDir", "--no-git.requireUpstream"];
if (!succeeds("git", ["rev-parse"])) rehearsal.push("--no-git");
else if (!succeeds("git", ["remote", "get-url", "origin"])) rehearsal.push("--no-git.push");
const releaseIt = join(root, "scripts/release/node_modules/release-it/bin/release-it.js");
run(process.execPath, [releaseIt, version, "--ci", "--config", "scripts/release/release-it.json", ...(dry ? rehearsal : [])]);
if (dry && unset.length > 0) console.log(`\nA release would have been refused:\n${unset.join("\n")}`);

/**
 * Packs what is built, installs it, and checks what users would get.
 *
 * @param {string} directory
 */
async function checkPackage(directory) {
  const user = join(directory, "user");
  mkdirSync(user);
  writeFileSync(join(user, "package.json"), '{ "private": true, "type": "module" }');
  // Without scripts: the build is the one that the tests ran on.
  const packed = JSON.parse(npm(user, ["pack", root, "--ignore-scripts", "--json", "--pack-destination", directory]));
  const [{ filename, size, unpackedSize, files }] = Object.values(packed);
  const tarball = join(directory, filename);
  console.log(`${filename}: ${files.length} files, ${size} bytes packed, ${unpackedSize} unpacked`);
  npm(user, ["install", "--prefer-offline", "--ignore-scripts", tarball]);

  const tools = join(root, "test/node_modules");
  run(process.execPath, [join(tools, "publint/src/cli.js"), tarball, "--strict"]);
  // Importing a wasm file is for ES modules, as its types say.
  const { ENTRIES } = await import("../../modules.mjs");
  const paths = ENTRIES.map(({ subpath }) => (subpath === "" ? "." : `./${subpath}`));
  run(process.execPath, [
    join(tools, "@arethetypeswrong/cli/dist/index.js"),
    tarball,
    "--format",
    "ascii",
    "--no-color",
    "--quiet",
    "--entrypoints",
    ...paths,
  ]);
  console.log("declarations are found by every resolution");

  const { weighEntries } = await import("../sizes.mjs");
  const heavy = [];
  for (const { path, added, minified, gzipped, budget } of await weighEntries(user)) {
    console.log(`${path}${added ? " adds" : ""}: ${minified} bytes minified, ${gzipped} gzipped, of ${budget.join(" and ")}`);
    if (minified > budget[0] || gzipped > budget[1]) heavy.push(path);
  }
  if (heavy.length > 0) fail(`larger than the budget in modules.mjs: ${heavy.join(", ")}`);
}

/**
 * @param {string} cwd
 * @param {readonly string[]} args
 */
function npm(cwd, args) {
  return execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string>>} env
 */
function run(program, args, env = {}) {
  const { status, error } = spawnSync(program, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
  });
  if (error) throw error;
  if (status !== 0) fail(`${program} ${args[0]} ended with ${status}`);
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
function succeeds(program, args) {
  return spawnSync(program, args, { cwd: root, stdio: "ignore" }).status === 0;
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(message);
  process.exit(1);
}
