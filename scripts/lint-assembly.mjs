// Lints the AssemblyScript sources and checks their format; arguments are flags of `biome check`, such as --write. Biome reads TypeScript,
// which has no decorators on functions and constants: they are comments in the copy that Biome reads, and decorators again in what is
// written back.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const BIOME = join(root, "scripts/lint/node_modules/.bin/biome");
const FOLDERS = ["assembly", "bench/assembly", "test/assembly"];

/** Rules that are at odds with AssemblyScript, or with kernels. */
const LINTER = {
  rules: {
    correctness: {
      // Literals are of the type that they are given to, of 64 bits too; constants have all the digits of their source.
      noPrecisionLoss: "off",
      // Classes of one policy have the same methods, some of which need less than they are given.
      noUnusedFunctionParameters: "off",
      // Ends a function with the call of another, where both return nothing.
      noVoidTypeReturn: "off",
    },
    style: {
      // AssemblyScript has no imports of types alone.
      useImportType: "off",
    },
    suspicious: {
      // Coefficients of a fit resemble constants, and constants are given with the digits that a type needs.
      noApproximativeNumericConstant: "off",
      // Of numbers, == is the same as ===.
      noDoubleEquals: "off",
      // A built-in function of one type, which converts nothing.
      noGlobalIsNan: "off",
      // Editors alone see an error in decorators, so that expecting one would be an error itself.
      noTsIgnore: "off",
    },
  },
};

/** The comment that keeps editors from marking the decorator in the next line. */
const IGNORED = "// @ts-ignore: decorator\n";

/** @param {string} code */
const hidden = (code) => code.replaceAll(/^\/\/ @ts-ignore: decorator\n(@\w+)\s+/gm, `${IGNORED}// $1\n`);
/** @param {string} code */
const shown = (code) => code.replaceAll(/^\/\/ @ts-ignore: decorator\n\/\/ (@\w+)\n/gm, `${IGNORED}$1\n`);

/**
 * The code with its decorators, of which none may be lost.
 *
 * @param {string} path
 * @param {string} code
 */
function restored(path, code) {
  const now = shown(code);
  if (/^\s*\/\/ @(?!ts-ignore)\w+$/m.test(now)) throw new Error(`${path}: a decorator is no longer behind its comment`);
  return now;
}

const flags = process.argv.slice(2);
const copy = mkdtempSync(join(tmpdir(), "lint-assembly-"));
try {
  const { formatter } = JSON.parse(readFileSync(join(root, "biome.json"), "utf8"));
  writeFileSync(join(copy, "biome.json"), JSON.stringify({ root: true, formatter, linter: LINTER }));
  const paths = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { encoding: "utf8", recursive: true }).map((path) => join(folder, path)),
  );
  const sources = paths.filter((path) => path.endsWith(".ts")).map((path) => ({ path, code: readFileSync(join(root, path), "utf8") }));
  for (const { path, code } of sources) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(join(copy, path), hidden(code));
  }
  const { status, error } = spawnSync(BIOME, ["check", "--error-on-warnings", "--max-diagnostics=none", ...flags, ...FOLDERS], {
    cwd: copy,
    stdio: "inherit",
  });
  if (error) throw error;
  const results = sources.map(({ path, code }) => ({ path, code, now: restored(path, readFileSync(join(copy, path), "utf8")) }));
  const changed = results.filter(({ code, now }) => now !== code);
  process.exitCode = status ?? 1;
  if (flags.includes("--write")) {
    for (const { path, now } of changed) writeFileSync(join(root, path), now);
  } else if (changed.length > 0) {
    // The copy has each decorator in a line of its own: Biome does not see where the source has not.
    console.error(`a decorator is not in a line of its own: ${changed.map(({ path }) => path).join(", ")}`);
    process.exitCode = 1;
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
