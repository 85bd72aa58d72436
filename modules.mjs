// The table of modules: each is a folder of assembly/ and of src/ with a wasm module of its own. The exports of package.json, the loaders, the
// builds, and the lists of tests and benchmarks follow from it: after a change, run `npm run modules`, which writes package.json and the lists.

/**
 * The modules, the core first. `creates` names the class; the module's entry exports it and a function `create` + `creates`. `budget` is the most KiB,
 * minified and gzipped, of the core's whole entry in browsers, or of the code that an extension adds; both builds inlined.
 */
export const MODULES = /** @type {const} */ ([
  { name: "core", creates: "Dropout", budget: [83, 29.5] },
  { name: "shapes", creates: "Shapes", budget: [62, 24] },
  { name: "noise", creates: "Noise", budget: [17, 6.5] },
  { name: "linear", creates: "Linear", budget: [43, 15.5] },
  { name: "fused", creates: "Fused", budget: [202, 64] },
  { name: "attention", creates: "Attention", budget: [49, 18.5] },
  { name: "half", creates: "Half", budget: [46, 12] },
  { name: "variants", creates: "Variants", budget: [30, 12.5] },
  { name: "monte-carlo", creates: "MonteCarlo", budget: [37, 15.6] },
]);

/** @typedef {(typeof MODULES)[number]["name"]} ModuleName */
/** @typedef {Exclude<ModuleName, "core">} ExtensionName */

/** Names of the modules that extend the core's. */
export const EXTENSIONS = /** @type {ExtensionName[]} */ (MODULES.map(({ name }) => name).filter((name) => name !== "core"));

/** The builds of each module, named as asc's targets are: build/<module>/<build>.wasm. */
export const BUILDS = /** @type {const} */ (["simd", "scalar"]);

/** Entries that are made of modules and have no wasm of their own: the subpath, the source without its ".ts", and the budget of the whole entry. */
const OTHERS = /** @type {const} */ ([
  { subpath: "inline", source: "core/inline", budget: [83, 29.5] },
  { subpath: "tfjs", source: "tfjs/index", budget: [236, 88] },
  { subpath: "onnx", source: "onnx/index", budget: [215, 72] },
]);

/**
 * All entries with code: the subpath that users import, "" for the package itself; the source under src/; the module, where the entry has
 * another form under each of {@link CONDITIONS}; the budget.
 *
 * @type {readonly { readonly subpath: string, readonly source: string, readonly module?: ModuleName, readonly budget: readonly [number, number] }[]}
 */
export const ENTRIES = [
  ...MODULES.map(({ name, budget }) => ({ subpath: name === "core" ? "" : name, source: `${name}/index`, module: name, budget })),
  ...OTHERS,
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
