// The release: its rehearsal on what is built, its refusal while fields are missing that only the owner knows, and that a build can be repeated.

import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUILDS, MODULES } from "../../modules.mjs";
import { unsetFields } from "../../scripts/release/owner.mjs";
import { HANG_MS } from "../support/limits.js";
import { directory, repository, tarball } from "./tools.js";

const read = (path: string) => readFileSync(join(repository, path), "utf8");
const manifest = JSON.parse(read("package.json"));
const OWNED = {
  repository: { type: "git", url: "git+https://example.org/a.git" },
  bugs: "https://example.org/bugs",
  homepage: "https://example.org",
};

/** Runs a script of this or another copy of the repository. */
const call = (path: string, ...args: readonly string[]) =>
  spawnSync(process.execPath, [path, ...args], { encoding: "utf8", timeout: HANG_MS });

describe("a release", () => {
  it("names each field that is not set, and where it belongs", () => {
    const bare = { ...manifest, repository: undefined, bugs: {}, homepage: " " };
    const names = unsetFields(bare).map((line) => /^"(\w+)" of package\.json is not set: ./.exec(line)?.[1]);
    expect(names).toEqual(["repository", "bugs", "homepage"]);
    expect(unsetFields({ ...manifest, ...OWNED })).toEqual([]);
  });

  it("is refused before anything else happens, by both ways to publish", () => {
    const copy = join(directory, "unowned");
    cpSync(join(repository, "scripts/release"), join(copy, "scripts/release"), {
      recursive: true,
      filter: (path) => !path.includes("node_modules"),
    });
    writeFileSync(join(copy, "package.json"), JSON.stringify({ name: "unowned", version: "1.0.0" }));
    expect(manifest.scripts.prepublishOnly).toMatch(/^node scripts\/release\/owner\.mjs && /);
    for (const [name, ...args] of [["owner.mjs"], ["run.mjs", "1.0.0"]] as const) {
      const { status, stdout, stderr } = call(join(copy, "scripts/release", name), ...args);
      expect([status, stdout]).toEqual([1, ""]);
      for (const field of Object.keys(OWNED)) expect(stderr).toContain(`"${field}" of package.json is not set`);
    }
    expect(readdirSync(copy).toSorted()).toEqual(["package.json", "scripts"]);
  });

  it("is rehearsed: changelog, version, package, declarations, sizes, publishing; nothing changes", () => {
    const before = ["package.json", "package-lock.json", "CHANGELOG.md"].map(read);
    const { status, stdout, stderr } = call(join(repository, "scripts/release/run.mjs"), "minor", "--dry-run");
    expect([status, stderr.replaceAll(/^"\w+" of package\.json .*\n/gm, "").match(/^ERROR.*/m)]).toEqual([0, null]);
    const [, firstEntry] = /^## \[Unreleased\]\n\n- (.*)$/m.exec(read("CHANGELOG.md")) as RegExpExecArray;
    const [major, minor] = manifest.version.split(".").map(Number);
    const next = `${major}.${minor + 1}.0`;
    for (const text of [
      `${manifest.name}-${manifest.version}.tgz: `,
      "All good!",
      "declarations are found by every resolution",
      "wasm-dropout/tfjs: ",
      firstEntry,
      `npm version ${next}`,
      "npm publish . --tag latest",
    ]) {
      expect(stdout + stderr).toContain(text);
    }
    expect(["package.json", "package-lock.json", "CHANGELOG.md"].map(read)).toEqual(before);
  });

  it("has a provenance", () => expect(manifest.publishConfig).toEqual({ access: "public", provenance: true }));
});

describe("a build in another folder", () => {
  // Below build/, on the same file system, so that packages can be linked; without the folders that builds and installs make.
  const copy = join(repository, "build/again/another folder");
  const hashes = (root: string) =>
    ["dist", ...MODULES.map(({ name }) => `build/${name}`)].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && (folder === "dist" || BUILDS.some((build) => entry.name === `${build}.wasm`)))
        .map((entry) => join(entry.parentPath, entry.name))
        .map((path) => [path.replace(root, ""), createHash("sha256").update(readFileSync(path)).digest("hex")])
        .toSorted(),
    );

  beforeAll(() => {
    rmSync(copy, { recursive: true, force: true });
    mkdirSync(copy, { recursive: true });
    for (const name of [
      ...manifest.files.filter((path: string) => /^[A-Z]/.test(path)),
      "LICENSE",
      "README.md",
      "package.json",
      "modules.mjs",
      "asconfig.json",
      "tsconfig.json",
      "tsconfig.build.json",
      "assembly",
      "src",
      "scripts",
      "docs",
    ]) {
      const filter = (path: string) => !/node_modules|wasm\.ts$|(?<!engine.)plain\.ts$|docs.site/.test(path);
      cpSync(join(repository, name), join(copy, name), { recursive: true, filter });
    }
    execFileSync("cp", ["-al", join(repository, "node_modules"), join(copy, "node_modules")]);
    for (const script of ["scripts/wasm.mjs", "scripts/dist.mjs"]) {
      execFileSync(process.execPath, [script], { cwd: copy, stdio: ["ignore", "ignore", "inherit"] });
    }
  });
  afterAll(() => rmSync(join(repository, "build/again"), { recursive: true, force: true }));

  it("gives the same wasm and the same dist, byte for byte", () => {
    const first = hashes(repository.replace(/\/$/, ""));
    expect(first.length).toBeGreaterThan(100);
    expect(hashes(copy)).toEqual(first);
  });

  it("gives the same tarball", () => {
    const [name] = execFileSync("npm", ["pack", "--ignore-scripts", "--silent"], { cwd: copy, encoding: "utf8" }).trim().split("\n");
    expect(readFileSync(join(copy, name as string)).equals(readFileSync(tarball))).toBe(true);
  });
});
