// Files that follow from tables, as text by path: those of assembly/ whose exports are one call of a driver for each row of a table of kernels, and the
// lists of extensions in the tests of engines.

import { EXTENSIONS } from "../modules.mjs";
import { CORE, type Family, HALF, rowsOf } from "../src/engine/kernels.js";
import { ACTIVATIONS, FUSED } from "../src/fused/kernels.js";
import { HALF_DTYPES } from "../src/ground/dtypes.js";
import { CONVERT } from "../src/half/kernels.js";
import { STREAM_KINDS } from "../src/stream/kinds.js";

/** A kernel's parameters beside their type, and its body. */
interface Kernel {
  /** Names; "params" is a record, all others are addresses or counts. */
  readonly parameters: readonly string[];
  readonly body: string;
  readonly result?: string;
}

type Row = readonly [verb: string, source: string, dtype: string];

/** The width of a line, as in biome.json. */
const WIDTH = 140;

/** The parameters of the core's verbs, for data of any dtype. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  mask: ["dst", "n", "params"],
  dropout: ["dst", "src", "n", "params"],
  dropoutbits: ["dst", "src", "bits", "n", "params"],
  apply: ["dst", "src", "mask", "n", "params"],
};

/** The readers of stored masks, in assembly/stream/stored.ts. */
const READERS: Readonly<Record<string, string>> = { bits: "FromBits", bytes: "FromBytes" };

/** Drivers of a kind for epilogues that do little, where it has one beside the driver that is named as the kind. */
const LIGHT: Readonly<Record<string, string>> = { tile: "tileOrUntied" };

/** The epilogues of fused kernels without an activation, in assembly/fused/bias.ts. */
const LINEAR: Readonly<Record<string, string>> = { residual: "AddResidual", none: "AddBias" };

/** The activations of f32 that are computed in passes, by assembly/fused/passes.ts. */
const PASSES: readonly string[] = ["gelu", "geluTanh"];

/** The class of a name: "geluTanh" is GeluTanh. */
const classOf = (name: string) => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** Dropout and the reading of stored masks; `type` is that of an element, `value` the class that scales it. */
function dataKernel(verb: string, source: string, driver: string, type: string, value: string): Kernel {
  const parameters = PARAMETERS[verb] ?? [];
  if (verb === "apply") return { parameters, body: `applyStored<${READERS[source]}, ${type}, ${value}>(dst, src, mask, n, params)` };
  const select = `Select<${type}, ${value}>`;
  return verb === "dropoutbits"
    ? { parameters, body: `${driver}<Both<${select}, Bits>>(dst, src, bits, n, params)` }
    : { parameters, body: `${driver}<${select}>(dst, src, 0, n, params)` };
}

function coreKernel([verb, source, dtype]: Row): Kernel {
  if (verb === "popcount") return { parameters: ["mask", "n"], body: "return popcount(mask, n)", result: dtype };
  const light = LIGHT[source] ?? source;
  if (verb === "mask") {
    const [epilogue, addresses] =
      dtype === "bits" ? ["Bits", "0, 0, dst"] : [dtype === "bytes" ? "Bytes" : `Select<${dtype}, Scale<${dtype}>>`, "dst, 0, 0"];
    return { parameters: PARAMETERS.mask ?? [], body: `${light}<${epilogue}>(${addresses}, n, params)` };
  }
  // Of f64 with its bits, noting ties costs little beside the rest.
  const driver = verb === "dropoutbits" && dtype === "f64" ? source : light;
  return dataKernel(verb, source, driver, dtype, `Scaled<${dtype}>`);
}

function halfKernel([verb, source, dtype]: Row): Kernel {
  if (verb === "convert") {
    const [convert, format] = dtype === "f32" ? ["widen", source] : ["narrow", dtype];
    return { parameters: ["dst", "src", "n"], body: `${convert}<${format.toUpperCase()}>(dst, src, n)` };
  }
  return dataKernel(verb, source, source, "u16", `ScaledHalf<${dtype.toUpperCase()}>`);
}

/** The class of an activation for data of a dtype. */
const activationOf = (name: string, dtype: string) => `${classOf(name)}${dtype === "f64" ? "64" : ""}`;

/** The epilogue of a fused elementwise kernel; the verb of an activation is its name, or that with "Gradient". */
function fusedEpilogue(verb: string, dtype: string): string {
  const linear = LINEAR[verb];
  if (linear !== undefined) return `${linear}<${dtype}>`;
  const name = verb.replace(/Gradient$/, "");
  return `${name === verb ? "Activate" : "Gradient"}${dtype === "f64" ? "64" : ""}<${activationOf(name, dtype)}>`;
}

function fusedKernel([verb, source, dtype]: Row): Kernel {
  const [, name, gradient] = verb.match(/^(\w+)Gate(Gradient)?$/) ?? [];
  if (name !== undefined) {
    const operation = `${gradient === undefined ? "Product" : "Slopes"}<${activationOf(name, dtype)}>`;
    return { parameters: ["record"], body: `gate<${dtype}, ${operation}>(record)` };
  }
  const epilogue = `Elementwise<${dtype}, ${fusedEpilogue(verb, dtype)}>`;
  const driver = dtype === "f64" && LINEAR[verb] === undefined ? "singly" : "bytes";
  const place = `placeOf<${dtype}>(row, other, column, columns)`;
  const parameters = ["dst", "src", "other", "row", "column", "columns", "n", "params"];
  if (dtype === "f32" && PASSES.includes(verb)) {
    const passes = `inPasses<${classOf(verb)}Passes, ${activationOf(verb, dtype)}>`;
    return { parameters: [...parameters, "keep"], body: `${passes}(dst, src, ${place}, keep, n, params)` };
  }
  return source === "bytes"
    ? { parameters: [...parameters, "keep"], body: `${driver}<${epilogue}>(dst, src, ${place}, keep, n, params)` }
    : { parameters, body: `${source}<${epilogue}>(dst, src, ${place}, n, params)` };
}

/** A file: what it is, what it imports by path, and an export for each row. */
function fileOf(
  about: string,
  imports: Readonly<Record<string, readonly string[]>>,
  families: readonly Family[],
  kernelOf: (row: Row) => Kernel,
) {
  const rows = rowsOf(families).map((row) => ({ name: `${row[1]}_${row[0]}_${row[2]}`, ...kernelOf(row) }));
  const lines = Object.entries(imports).map(([path, names]) => `import { ${names.join(", ")} } from "${path}";`);
  return `// ${about}\n// Made by \`npm run modules\` (scripts/entries.ts); pointers are byte addresses, n counts elements.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.\n\n${lines.join("\n")}\n
${rows.map(exported).join("\n")}`;
}

function exported({ name, parameters, body, result = "void" }: Kernel & { readonly name: string }): string {
  const typed = parameters.map((parameter) => `${parameter}: ${parameter === "params" ? "Params" : "usize"}`);
  const line = `export function ${name}(${typed.join(", ")}): ${result} {`;
  const head = line.length <= WIDTH ? line : `export function ${name}(\n${typed.map((one) => `  ${one},\n`).join("")}): ${result} {`;
  return `${head}\n  ${body};\n}\n`;
}

/** An import for each kind of stream, in the order of paths. */
const kinds = (names: (kind: string) => readonly string[] = (kind) => [kind]) =>
  STREAM_KINDS.map((kind): [string, readonly string[]] => [`../stream/${kind}`, names(kind)]);

/** Imports in the order that Biome gives them. */
const ordered = (imports: readonly (readonly [path: string, names: readonly string[]])[]) =>
  Object.fromEntries(imports.toSorted(([a], [b]) => (a < b ? -1 : 1)));

const EPILOGUES = [
  ["../epilogue/bits", ["Bits"]],
  ["../epilogue/both", ["Both"]],
] as const;
const STORED = [
  ["../stream/params", ["Params"]],
  ["../stream/stored", ["applyStored", ...Object.values(READERS)]],
] as const;

const activations: readonly string[] = ACTIVATIONS.filter((name) => name !== "none");
const elementwise = FUSED.filter(({ verb }) => verb in LINEAR || activations.includes(verb.replace(/(Gate)?(Gradient)?$/, "")));

/** A module of engines' tests with something of each extension: one that every engine can bundle, so nothing in it is imported by a computed path. */
function extensionsFile(about: string, name: string, importOf: (extension: string, as: string) => string): string {
  const sorted = EXTENSIONS.toSorted().map((extension) => ({
    extension,
    as: extension.replaceAll(/-(.)/g, (_, letter) => letter.toUpperCase()),
  }));
  const entries = sorted.map(({ extension, as }) => (extension === as ? as : `"${extension}": ${as}`));
  return `// ${about} Made by \`npm run modules\` (scripts/entries.ts).\n
${sorted.map(({ extension, as }) => importOf(extension, as)).join("\n")}\n
export const ${name} = { ${entries.join(", ")} };\n`;
}

/** The text of each file. */
export const ENTRIES: Readonly<Record<string, string>> = {
  "assembly/core/index.ts": fileOf(
    "The kernels: <source>_<verb>_<dtype>, as in the table of src/engine/kernels.ts.",
    ordered([
      ...EPILOGUES,
      ["../epilogue/bytes", ["Bytes"]],
      ["../epilogue/select", ["Scale", "Scaled", "Select"]],
      ["../simd/popcount", ["popcount"]],
      ...STORED,
      ...kinds((kind) => (LIGHT[kind] === undefined ? [kind] : [kind, LIGHT[kind]])),
    ]),
    CORE,
    coreKernel,
  ),
  "assembly/half/index.ts": fileOf(
    "The kernels of 16-bit data: those of assembly/core/index.ts, and conversion from and to f32, as in the table of src/half/kernels.ts.",
    {
      ...ordered([...EPILOGUES, ["../epilogue/select", ["Select"]], ...STORED, ...kinds()]),
      "./formats": HALF_DTYPES.map((dtype) => dtype.toUpperCase()).toSorted(),
      "./values": ["narrow", "ScaledHalf", "widen"],
    },
    [...HALF, ...CONVERT],
    halfKernel,
  ),
  "assembly/fused/kernels.ts": fileOf(
    "The elementwise kernels of fused operations, and those of gated linear units: <source>_<verb>_<dtype>, as in the table of src/fused/kernels.ts.",
    {
      ...ordered([
        ["../stream/params", ["Params"]],
        ...kinds().filter(([, [kind]]) => elementwise.some(({ sources }) => sources.includes(`${kind}`))),
      ]),
      "./activation": activations.map((name) => activationOf(name, "f32")).toSorted(),
      "./activation64": activations.map((name) => activationOf(name, "f64")).toSorted(),
      "./bias": ["Activate", "Activate64", ...Object.values(LINEAR).toSorted(), "Gradient", "Gradient64"],
      "./bytes": ["bytes", "singly"],
      "./elementwise": ["Elementwise", "placeOf"],
      "./gated": ["gate", "Product", "Slopes"],
      "./passes": [...PASSES.map((name) => `${classOf(name)}Passes`), "inPasses"],
    },
    elementwise,
    fusedKernel,
  ),
  "test/engines/entries.ts": extensionsFile(
    "The entry of each extension.",
    "ENTRIES",
    (extension, as) => `import * as ${as} from "wasm-dropout/${extension}";`,
  ),
  "test/engines/checks.ts": extensionsFile(
    "The check of each extension.",
    "CHECKS",
    (extension, as) => `import { check as ${as} } from "./extensions/${extension}.js";`,
  ),
};
