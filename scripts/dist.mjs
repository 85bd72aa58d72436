// Writes dist/: declarations by tsc, and code by esbuild, which puts what several entries share into dist/chunks/, so that a class is the same
// object in each, and includes the parts of AssemblyScript's loader that are used. dist/cjs/ has the same as CommonJS.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { CONDITIONS, ENTRIES, MODULES } from "../modules.mjs";
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
 * Makes `<source>?<condition>` an entry: the source with the condition's template in place of its wasm.ts; all else is shared with other entries.
 *
 * @type {import("esbuild").Plugin}
 */
const conditions = {
  name: "export conditions",
  setup({ onResolve, onLoad }) {
    for (const { condition, wasm } of CONDITIONS) {
      const template = `wasm of ${condition}`;
      onResolve({ filter: /\?/ }, ({ path, kind }) => {
        const [source, wanted] = path.split("?");
        return kind === "entry-point" && wanted === condition ? { path: `${source}`, namespace: condition } : undefined;
      });
      onLoad({ filter: /./, namespace: condition }, ({ path }) => ({
        contents: readFileSync(at(path), "utf8"),
        loader: "ts",
        resolveDir: dirname(at(path)),
      }));
      onResolve({ filter: /^\.\/wasm\.js$/, namespace: condition }, ({ resolveDir }) => ({
        path: /** @type {string} */ (ENTRIES.find(({ source }) => at(`src/${dirname(source)}`) === resolveDir)?.module),
        namespace: template,
        sideEffects: false,
      }));
      onLoad({ filter: /./, namespace: template }, ({ path }) => ({
        contents: wasm(/** @type {import("../modules.mjs").ModuleName} */ (path)),
      }));
      onResolve({ filter: /\.wasm(\?.*)?$/, namespace: template }, ({ path }) => ({ path, external: true }));
    }
  },
};

/**
 * Gives the loader globals of its own. When it is loaded it makes a TextDecoder and assigns to Object, which fails where the one is missing or the other frozen.
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

/** @type {import("esbuild").BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  target: TARGET,
  platform: "neutral",
  mainFields: ["module", "main"],
  external: ["@tensorflow/*"],
  plugins: [conditions, loader],
  logLevel: "warning",
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
execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", at("tsconfig.build.json")], { stdio: "inherit" });
for (const path of readdirSync(at("dist"), { recursive: true, encoding: "utf8" })) {
  if (!path.endsWith(".d.ts") || path === PLATFORM) continue;
  write(`dist/${path}`, withoutParameters(withPlatform(readFileSync(at(`dist/${path}`), "utf8"), path)));
}
for (const folder of readdirSync(at("dist"))) cpSync(at(`dist/${folder}`), at(`dist/cjs/${folder}`), { recursive: true });
write("dist/cjs/package.json", '{ "type": "commonjs", "sideEffects": false }\n');

const entryPoints = ENTRIES.flatMap(({ source, module }) => [
  { in: `src/${source}.ts`, out: source },
  ...(module === undefined
    ? []
    : CONDITIONS.map(({ condition }) => ({ in: `src/${source}.ts?${condition}`, out: `${module}/${condition}` }))),
]);
const { metafile } = await build({
  ...common,
  // The loader is an entry so that it gets a chunk of its own: it has side effects, and code that does not instantiate leaves that chunk out.
  entryPoints: [...entryPoints, { in: "@assemblyscript/loader", out: "loader" }],
  splitting: true,
  outdir: "dist",
  chunkNames: "chunks/[hash]",
  metafile: true,
});
rmSync(at("dist/loader.js"));

// The modules that the CommonJS entries import; there, too, a class is the same object in each.
const outputs = new Set(ENTRIES.map(({ source }) => `dist/${source}.js`));
for (const path of outputs) {
  for (const { path: imported, external } of metafile.outputs[path]?.imports ?? []) if (!external) outputs.add(imported);
  const { code } = await transform(readFileSync(at(path), "utf8"), { format: "cjs", platform: "node", target: TARGET });
  write(path.replace("dist/", "dist/cjs/"), code);
}

// For pages without a bundler, all modules in one file: an ES module, and a classic script that makes a global object. The adapter finds
// TensorFlow.js as such a script.
const all = MODULES.map(({ name }) => `export * from "./src/${name}/index.js";\n`).join("");
const adapter = 'export * from "./src/tfjs/index.js";\n';
for (const [name, contents, format, globalName] of /** @type {const} */ ([
  ["wasm-dropout", all, "esm", ""],
  ["wasm-dropout.global", all, "iife", "wasmDropout"],
  ["wasm-dropout-tfjs.global", adapter, "iife", "wasmDropoutTfjs"],
])) {
  await build({
    ...common,
    stdin: { contents, resolveDir: root, loader: "ts" },
    format,
    globalName,
    external: [],
    plugins: [loader, globalTf],
    minify: true,
    banner: { js: "/*! wasm-dropout, MIT license, with parts of AssemblyScript, Apache License 2.0: see LICENSE and dist/LICENSES.txt */" },
    outfile: `dist/page/${name}.js`,
  });
}

for (const { subpath, source } of ENTRIES) {
  if (subpath === "") continue;
  write(`${subpath}/package.json`, `${JSON.stringify({ ...legacyFields(source, "../"), sideEffects: false }, undefined, 2)}\n`);
}

// The loader is in the code, and functions of AssemblyScript's library in the wasm.
const assemblyscript = dirname(require.resolve("assemblyscript/package.json"));
const licences = ["NOTICE", "LICENSE"].map((name) => readFileSync(join(assemblyscript, name), "utf8").trim());
write("dist/LICENSES.txt", ["Parts of AssemblyScript (https://www.assemblyscript.org) are in this package:", ...licences, ""].join("\n\n"));
