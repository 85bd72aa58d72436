// The table of modules: each is a folder of assembly/ and of src/ with a wasm module of its own. The exports of package.json, the loaders, the
// builds, and the lists of tests and benchmarks follow from it: after a change, run `npm run modules`, which writes package.json and the lists.

/**
 * The modules, the core first. `creates` names the class; the module's entry exports it and a function `create` + `creates`. `budget` is the most KiB,
 * minified and gzipped, of the core's whole entry in browsers, or of the code that an extension adds; both builds inlined. `plainBudget` is that of the
 * entry whose kernels are JavaScript, made of the scalar build, with what it uses of the core.
 */
export const MODULES = /** @type {const} */ ([
  { name: "core", creates: "Dropout", budget: [86, 30.2], plainBudget: [63, 20.8] },
  { name: "shapes", creates: "Shapes", budget: [62, 24], plainBudget: [123, 40] },
  { name: "noise", creates: "Noise", budget: [17, 6.5], plainBudget: [57, 20.5] },
  { name: "linear", creates: "Linear", budget: [43, 15.5], plainBudget: [68, 23.5] },
  { name: "fused", creates: "Fused", budget: [202, 64], plainBudget: [171, 45.5] },
  { name: "attention", creates: "Attention", budget: [49, 18.5], plainBudget: [82, 28.5] },
  { name: "half", creates: "Half", budget: [46, 12], plainBudget: [65, 22] },
  { name: "variants", creates: "Variants", budget: [30, 12.5], plainBudget: [73, 25.6] },
  { name: "monte-carlo", creates: "MonteCarlo", budget: [38, 16], plainBudget: [78, 29] },
]);

/** @typedef {(typeof MODULES)[number]["name"]} ModuleName */
/** @typedef {Exclude<ModuleName, "core">} ExtensionName */

/** Names of the modules that extend the core's. */
export const EXTENSIONS = /** @type {ExtensionName[]} */ (MODULES.map(({ name }) => name).filter((name) => name !== "core"));

/** The builds of each module, named as asc's targets are: build/<module>/<build>.wasm. */
export const BUILDS = /** @type {const} */ (["simd", "scalar"]);

/** Entries that are made of modules and have no wasm of their own: the subpath, the source without its ".ts", and the budget of the whole entry. */
const OTHERS = /** @type {const} */ ([
  { subpath: "inline", source: "core/inline", budget: [86, 30.2] },
  { subpath: "tfjs", source: "tfjs/index", budget: [249, 92] },
  { subpath: "onnx", source: "onnx/index", budget: [222, 76] },
]);

/**
 * An entry: the subpath that users import, "" for the package itself; the source under src/ and the file under dist/, without their suffixes; the
 * budget; the module, where the entry has another form under each of {@link CONDITIONS}; `plain`, where src/<module>/plain.ts stands in place of wasm.ts.
 *
 * @typedef {{
 *   readonly subpath: string, readonly source: string, readonly file: string, readonly budget: readonly [number, number],
 *   readonly module?: ModuleName, readonly plain?: boolean
 * }} Entry
 */

/**
 * All entries with code.
 *
 * @type {readonly Entry[]}
 */
export const ENTRIES = [
  ...MODULES.map(({ name, budget }) => ({
    subpath: name === "core" ? "" : name,
    source: `${name}/index`,
    file: `${name}/index`,
    module: name,
    budget,
  })),
  ...OTHERS.map((entry) => ({ ...entry, file: entry.source })),
  ...MODULES.map(({ name, plainBudget }) => ({
    subpath: name === "core" ? "js" : `${name}/js`,
    source: `${name}/index`,
    file: `${name}/js`,
    plain: true,
    budget: plainBudget,
  })),
];

/**
 * Export conditions of runtimes that forbid to compile bytes and import wasm files as modules. Under each, the entry of a module is
 * `dist/<module>/<condition>.js`, in which `wasm` stands in place of src/<module>/wasm.ts. They come first in package.json.
 *
 * @type {readonly { readonly condition: string, readonly wasm: (module: ModuleName) => string }[]}
 */
export const CONDITIONS = [
  // Cloudflare Workers.
  { condition: "workerd", wasm: (module) => importing(module, "") },
  // Vercel's and Next's edge runtimes, whose builders know wasm files by a suffix.
  { condition: "edge-light", wasm: (module) => importing(module, "?module") },
];

/**
 * A wasm.ts that imports the builds as modules.
 *
 * @param {ModuleName} module
 * @param {string} suffix
 */
function importing(module, suffix) {
  return `${BUILDS.map((build) => `import ${build} from "../../build/${module}/${build}.wasm${suffix}";\n`).join("")}
export const load = (wanted) => (wanted ? simd : scalar);
`;
}
