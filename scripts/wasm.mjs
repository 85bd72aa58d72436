// Compiles the wasm modules, each for engines with and without SIMD, and writes the files beside them: the builds as text (wasm.ts), so that
// no bundler or runtime needs a setting to load them, the scalar build as JavaScript (plain.ts), and the declarations for runtimes that import wasm
// files.
// Arguments name the modules to build; without any, all are built.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { main as asc } from "assemblyscript/asc";
import { BUILDS, MODULES } from "../modules.mjs";
import { plainKernels } from "./plain.mjs";

const root = new URL("../", import.meta.url);
const at = (/** @type {string} */ path) => fileURLToPath(new URL(path, root));

/** @param {string} name */
async function compile(name) {
  const folder = `${name}/`;
  mkdirSync(at(`build/${folder}`), { recursive: true });
  for (const target of BUILDS) {
    const out = `build/${folder}${target}`;
    const options = ["--config", "asconfig.json", "--target", target, "--outFile", `${out}.wasm`, "--textFile", `${out}.wat`];
    const { error, stderr } = await asc([`assembly/${folder}index.ts`, ...options, "--baseDir", at(".")]);
    if (error) throw new Error(`${name}, ${target}: ${error.message}\n${stderr.toString()}`);
    const types = 'import type { Module } from "../../dist/ground/platform.js";\ndeclare const module: Module;\nexport default module;\n';
    writeFileSync(at(`${out}.d.wasm.ts`), types);
  }
  const base64 = (/** @type {string} */ target) => readFileSync(at(`build/${folder}${target}.wasm`)).toString("base64");
  writeFileSync(
    at(`src/${folder}wasm.ts`),
    `// Made by scripts/wasm.mjs from build/${folder}*.wasm.

import { embedded, type Load } from "../core/create.js";

/** The SIMD build, base64. */
export const SIMD: string =
  "${base64("simd")}";

/** The scalar build, base64. */
export const SCALAR: string =
  "${base64("scalar")}";

/** Compiles a build. Under the conditions of modules.mjs it has other forms. */
export const load: Load = /* @__PURE__ */ embedded(SIMD, SCALAR);
`,
  );
  // Without types, which TypeScript would find in many thousand lines.
  writeFileSync(
    at(`src/${folder}plain.ts`),
    `// @ts-nocheck
// Made by scripts/wasm.mjs from build/${folder}scalar.wasm.

import { plain } from "../engine/plain.js";
import type { Load } from "../core/create.js";

/** Returns the kernels in JavaScript. */
export const load: Load = /* @__PURE__ */ plain(kernels);

function kernels(memory) {
${plainKernels(readFileSync(at(`build/${folder}scalar.wasm`)))}}
`,
  );
}

/** @type {readonly string[]} */
const modules = MODULES.map(({ name }) => name);
const names = process.argv.length > 2 ? process.argv.slice(2) : modules;
for (const name of names) {
  if (!modules.includes(name)) throw new RangeError(`no module ${name}: there are ${modules.join(", ")}`);
  await compile(name);
}
