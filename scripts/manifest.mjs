// The fields of package.json that follow from the table of modules.

import { BUILDS, CONDITIONS, ENTRIES, MODULES } from "../modules.mjs";

/** Folders, each with a package.json, for tools that look for `wasm-dropout/<subpath>` among files instead of in `exports`. */
export const FOLDERS = ENTRIES.map(({ subpath }) => subpath).filter((subpath) => subpath !== "");

/**
 * An entry for tools that do not read `exports`: TypeScript's "node10" resolution, Parcel, browserify.
 *
 * @param {import("../modules.mjs").Entry} entry
 */
export function legacyFields({ subpath, source, file }) {
  const root = subpath === "" ? "./" : "../".repeat(subpath.split("/").length);
  return {
    main: `${root}dist/cjs/${file}.js`,
    module: `${root}dist/${file}.js`,
    types: `${root}dist/cjs/${source}.d.ts`,
  };
}

/**
 * package.json with all that follows from the table.
 *
 * @param {Record<string, unknown> & { files: string[] }} manifest
 */
export function withModules(manifest) {
  const core = ENTRIES.find(({ subpath }) => subpath === "");
  if (core === undefined) throw new Error("modules.mjs has no entry of the package itself");
  return {
    ...manifest,
    files: [...manifest.files.filter((path) => !FOLDERS.includes(path)), ...FOLDERS.filter((path) => !path.includes("/"))],
    ...legacyFields(core),
    exports: exportsOf(),
  };
}

function exportsOf() {
  /** @type {Record<string, unknown>} */
  const exports = {};
  for (const { subpath, source, file, module } of ENTRIES) {
    const conditions = module === undefined ? [] : CONDITIONS.map(({ condition }) => [condition, `./dist/${module}/${condition}.js`]);
    exports[subpath === "" ? "." : `./${subpath}`] = {
      types: { require: `./dist/cjs/${source}.d.ts`, default: `./dist/${source}.d.ts` },
      ...Object.fromEntries(conditions),
      // Node that can require ES modules gets one copy of the classes by both ways.
      "module-sync": `./dist/${file}.js`,
      require: `./dist/cjs/${file}.js`,
      default: `./dist/${file}.js`,
    };
  }
  for (const { name } of MODULES) {
    for (const build of BUILDS) {
      exports[`./${name === "core" ? "" : `${name}/`}${build}.wasm`] = {
        types: `./build/${name}/${build}.d.wasm.ts`,
        default: `./build/${name}/${build}.wasm`,
      };
    }
  }
  return { ...exports, "./package.json": "./package.json" };
}
