// Writes dist/: declarations by tsc, and code by Rollup, which puts what several entries share into dist/chunks/, so that a class is the same
// object in each. dist/cjs/ has the same as CommonJS. The files for pages are esbuild's.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { rollup } from "rollup";
import { minify } from "terser";
import { CONDITIONS, ENTRIES, EXTENSIONS, MODULES } from "../modules.mjs";
import { LICENSED, licences } from "./licences.mjs";
import { FOLDERS, legacyFields } from "./manifest.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
const at = (/** @type {string} */ path) => join(root, path);
const require = createRequire(import.meta.url);

/** The syntax of the oldest engine with the builds' features; without `using`, which not every engine has yet. */
const TARGET = "es2022";

/** @type {(path: string, contents: string) => void} */
function write(path, contents) {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), contents);
}

/**
 * Reads the sources. `<source>?<condition>` is an entry with the condition's template in place of its wasm.ts; what only the entries of one extension
 * use, the entries of other forms have a copy of, `<source>?edge`, so that the others are one file each: when a program starts, Node takes longer
 * to find a file than to read it.
 *
 * @type {import("rollup").Plugin}
 */
const sources = {
  name: "sources",
  resolveId(path, importer) {
    if (/\.wasm(\?.*)?$/.test(path)) return { id: path, external: "absolute" };
    if (path.startsWith("@tensorflow/")) return { id: path, external: true };
    if (importer === undefined) return at(path);
    const [from, form] = /** @type {[string, string | undefined]} */ (importer.split("?"));
    const id = join(dirname(from), path.replace(/\.js$/, ".ts"));
    if (form === "plain" && id.endsWith("/wasm.ts")) return id.replace(/wasm\.ts$/, "plain.ts");
    if (form !== undefined) return id.endsWith("/wasm.ts") ? `${id}?${form}` : isOfExtension(id) ? `${id}?edge` : id;
    // A file for what two entries share would be one more to load for all who import the other entry.
    const own =
      id.endsWith("/wasm.ts") && ENTRIES.some(({ source, module, plain }) => !module && !plain && at(`src/${source}.ts`) === from);
    return own ? `${id}?own` : id;
  },
  async load(id) {
    if (BUNDLED.some((path) => id === at(path))) return await bundleOthers(id);
    const [path, form] = /** @type {[string, string | undefined]} */ (id.split("?"));
    const template = path.endsWith("/wasm.ts") ? CONDITIONS.find(({ condition }) => condition === form) : undefined;
    const module = MODULES.find(({ name }) => at(`src/${name}/wasm.ts`) === path);
    if (template !== undefined && module !== undefined) return { code: template.wasm(module.name), moduleSideEffects: false };
    return await transform(readFileSync(path, "utf8"), { loader: "ts", target: TARGET, sourcefile: path });
  },
};

/** The sources that import packages, which are in the code of their entries. */
const BUNDLED = ["src/engine/loader.ts", "src/onnx/schema.ts"];

/**
 * Gives AssemblyScript's loader globals of its own. When it is loaded it makes a TextDecoder and assigns to Object, which fails where the one is missing or
 * the other frozen.
 *
 * @type {import("esbuild").Plugin}
 */
const loader = {
  name: "loader",
  setup({ onLoad }) {
    onLoad({ filter: /@assemblyscript[/\\]loader[/\\]index\.js$/ }, ({ path }) => ({
      contents: `import { Object, TextDecoder } from ${JSON.stringify(at("scripts/loader-globals.mjs"))};\n${readFileSync(path, "utf8")}`,
      resolveDir: dirname(path),
    }));
  },
};

/**
 * Returns the code of a source with the packages that it imports.
 *
 * @param {string} path
 */
async function bundleOthers(path) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [path],
    bundle: true,
    format: "esm",
    target: TARGET,
    platform: "neutral",
    mainFields: ["module", "main"],
    plugins: [loader],
    write: false,
    metafile: true,
    logLevel: "warning",
  });
  for (const file of Object.keys(metafile.inputs)) {
    const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file) ?? [];
    if (name !== undefined && !LICENSED.includes(name)) throw new Error(`${file} has no licence in scripts/licences.mjs`);
  }
  const [{ text }] = /** @type {[import("esbuild").OutputFile]} */ (outputFiles);
  return { code: text, moduleSideEffects: false };
}

/** @param {string} path */
const isOfExtension = (path) => EXTENSIONS.some((name) => path.startsWith(at(`src/${name}/`)));

/**
 * Returns the chunk that a module goes to, undefined for the file of its only entry: what the core needs, what several extensions share, and the code
 * of an extension for its entries under conditions.
 *
 * @param {string} id
 * @param {import("rollup").ManualChunkMeta} meta
 */
function chunkOf(id, { getModuleInfo }) {
  const { isEntry, importers = [] } = getModuleInfo(id) ?? {};
  if (isEntry || /\/(wasm|plain)\.ts\b/.test(id)) return undefined;
  const users = new Set();
  const seen = new Set(importers);
  for (const importer of seen) {
    const [path, form] = /** @type {[string, string | undefined]} */ (importer.split("?"));
    const entry = ENTRIES.find(({ source }) => at(`src/${source}.ts`) === path);
    if (entry === undefined) for (const next of getModuleInfo(importer)?.importers ?? []) seen.add(next);
    else if (form === undefined || id.endsWith("?edge")) users.add(entry.module ?? entry.subpath);
  }
  if (users.has("core")) return "core";
  const edge = id.endsWith("?edge");
  if (users.size > 1) return edge ? "edge" : "extensions";
  return edge ? [...users][0] : undefined;
}

/**
 * Takes the packages of TensorFlow.js from the global object that their scripts make.
 *
 * @type {import("esbuild").Plugin}
 */
const globalTf = {
  name: "global tf",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@tensorflow\// }, ({ path }) => ({ path, namespace: "tf" }));
    onLoad({ filter: /./, namespace: "tf" }, () => ({ contents: "module.exports = globalThis.tf;" }));
  },
};

/** The declarations of the platform's types, for programs without "dom" in their `lib`. */
const PLATFORM = "ground/platform.d.ts";

/**
 * Declarations with these types in place of the platform's, but for comments.
 *
 * @param {string} declarations
 * @param {string} path of the declarations in dist/
 */
function withPlatform(declarations, path) {
  const platform = posix.relative(posix.dirname(path), PLATFORM.replace(".d.ts", ".js"));
  const specifier = platform.startsWith(".") ? platform : `./${platform}`;
  const lines = declarations.split("\n").map((line) => {
    if (/^\s*(\/?\*|\/\/)/.test(line)) return line;
    return line.replace(
      /\b(?:WebAssembly\.(Module|Memory|Exports)|(AbortSignal))\b/g,
      (_, wasm, other) => `import("${specifier}").${wasm ?? other}`,
    );
  });
  return lines.join("\n");
}

/**
 * Declarations that TypeScript before 5.7 reads too, in which typed arrays have no parameter: what `slice` returns is an array over an ArrayBuffer in
 * either.
 *
 * @param {string} declarations
 */
function withoutParameters(declarations) {
  return declarations
    .replace(/\b(\w+Array)<ArrayBuffer>/g, 'ReturnType<$1["slice"]>')
    .replace(/\b(\w+Array)<B>/g, '(ArrayBufferLike extends B ? $1 : ReturnType<$1["slice"]>)');
}

for (const path of ["dist", ...FOLDERS]) rmSync(at(path), { recursive: true, force: true });
execFileSync(process.execPath, [join(dirname(require.resolve("typescript/package.json")), "bin/tsc"), "-p", at("tsconfig.build.json")], {
  stdio: "inherit",
});
for (const path of readdirSync(at("dist"), { recursive: true, encoding: "utf8" })) {
  if (!path.endsWith(".d.ts") || path === PLATFORM) continue;
  write(`dist/${path}`, withoutParameters(withPlatform(readFileSync(at(`dist/${path}`), "utf8"), path)));
}
for (const folder of readdirSync(at("dist"))) cpSync(at(`dist/${folder}`), at(`dist/cjs/${folder}`), { recursive: true });
write("dist/cjs/package.json", '{ "type": "commonjs", "sideEffects": false }\n');

const input = Object.fromEntries(
  ENTRIES.flatMap(({ source, file, module, plain }) => [
    [file, `src/${source}.ts${plain ? "?plain" : ""}`],
    ...(module === undefined ? [] : CONDITIONS.map(({ condition }) => [`${module}/${condition}`, `src/${source}.ts?${condition}`])),
  ]),
);
const bundle = await rollup({
  input,
  plugins: [sources],
  onwarn(warning) {
    throw new Error(warning.message);
  },
});
const { output } = await bundle.generate({
  entryFileNames: "[name].js",
  chunkFileNames: "chunks/[name].js",
  manualChunks: chunkOf,
  onlyExplicitManualChunks: true,
  hoistTransitiveImports: false,
});
const chunks = output.filter((file) => file.type === "chunk");
for (const module of chunks.flatMap(({ modules }) => Object.keys(modules))) {
  // Code of others would need its licence in the package.
  if (!module.startsWith(at("src/"))) throw new Error(`${module} is no source of this package`);
}
for (const { fileName, code } of chunks) {
  // Without comments, spaces and long names of variables, which would be read at each start, but with the names of functions and classes, which stacks
  // show, and with what tells bundlers of calls without effects, which esbuild leaves out.
  const { code: smaller = "" } = await minify(code, {
    module: true,
    compress: false,
    mangle: { keep_fnames: true, keep_classnames: true },
    format: { preserve_annotations: true },
  });
  write(`dist/${fileName}`, smaller);
}

// The modules that the CommonJS entries import; there, too, a class is the same object in each.
const common = new Set(ENTRIES.map(({ file }) => `${file}.js`));
for (const path of common) {
  for (const imported of chunks.find(({ fileName }) => fileName === path)?.imports ?? []) {
    if (chunks.some(({ fileName }) => fileName === imported)) common.add(imported);
  }
  const { code } = await transform(readFileSync(at(`dist/${path}`), "utf8"), {
    format: "cjs",
    platform: "node",
    target: TARGET,
    minifyWhitespace: true,
  });
  write(`dist/cjs/${path}`, code);
}

// For pages without a bundler, all modules in one file: an ES module, and a classic script that makes a global object. The adapter finds
// TensorFlow.js as such a script; that for ONNX models has the instances that it works on.
const all = MODULES.map(({ name }) => `export * from "./src/${name}/index.js";\n`).join("");
const adapter = 'export * from "./src/tfjs/index.js";\n';
const models = ["core", "monte-carlo", "onnx"].map((name) => `export * from "./src/${name}/index.js";\n`).join("");
for (const [name, contents, format, globalName] of /** @type {const} */ ([
  ["wasm-dropout", all, "esm", ""],
  ["wasm-dropout.global", all, "iife", "wasmDropout"],
  ["wasm-dropout-tfjs.global", adapter, "iife", "wasmDropoutTfjs"],
  ["wasm-dropout-onnx.global", models, "iife", "wasmDropoutOnnx"],
])) {
  await build({
    absWorkingDir: root,
    stdin: { contents, resolveDir: root, loader: "ts" },
    bundle: true,
    format,
    globalName,
    target: TARGET,
    platform: "neutral",
    mainFields: ["module", "main"],
    plugins: [globalTf, loader],
    minify: true,
    logLevel: "warning",
    banner: { js: "/*! wasm-dropout, MIT license, with parts of other packages: see LICENSE and dist/LICENSES.txt */" },
    outfile: `dist/page/${name}.js`,
  });
}

for (const entry of ENTRIES) {
  if (entry.subpath === "") continue;
  write(`${entry.subpath}/package.json`, `${JSON.stringify({ ...legacyFields(entry), sideEffects: false }, undefined, 2)}\n`);
}

write("dist/LICENSES.txt", licences());
