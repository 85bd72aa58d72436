// The kernels as plain JavaScript, made of a wasm build by binaryen's wasm2js: the binaryen that comes with AssemblyScript.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(createRequire(import.meta.url).resolve("assemblyscript/package.json"));
const { default: binaryen } = await import(pathToFileURL(require.resolve("binaryen")).href);

const { BulkMemory, BulkMemoryOpt, MutableGlobals, NontrappingFPToInt, SignExt } = binaryen.Features;

/**
 * Conversions of doubles that saturate, which wasm2js does not know: the first number that is too large, whether a number is large enough, and the
 * results for those that are too small and too large.
 */
const CONVERSIONS = [
  { op: "i64.trunc_sat_f64_u", end: 2n ** 64n, begins: "f64.gt (local.get $x) (f64.const -1)", least: 0n, most: -1n },
  {
    op: "i64.trunc_sat_f64_s",
    end: 2n ** 63n,
    begins: `f64.ge (local.get $x) (f64.const ${-(2n ** 63n)})`,
    least: -(2n ** 63n),
    most: 2n ** 63n - 1n,
  },
  { op: "i32.trunc_sat_f64_u", end: 2n ** 32n, begins: "f64.gt (local.get $x) (f64.const -1)", least: 0n, most: -1n },
  {
    op: "i32.trunc_sat_f64_s",
    end: 2n ** 31n,
    begins: `f64.gt (local.get $x) (f64.const ${-(2n ** 31n) - 1n})`,
    least: -(2n ** 31n),
    most: 2n ** 31n - 1n,
  },
];

/**
 * The module's text with functions in place of these conversions. They begin with the conversion that traps, which becomes JavaScript.
 *
 * @param {string} text
 */
function withConversions(text) {
  let functions = "";
  for (const { op, end, begins, least, most } of CONVERSIONS) {
    if (!text.includes(op)) continue;
    const type = op.slice(0, 3);
    const name = `$${op.replace(".", "_")}`;
    text = text.replaceAll(op, `call ${name}`);
    functions += `
(func ${name} (param $x f64) (result ${type})
  (if (result ${type}) (f64.lt (local.get $x) (f64.const ${end}))
    (then (if (result ${type}) (${begins}) (then (${op.replace("_sat", "")} (local.get $x))) (else (${type}.const ${least}))))
    (else (select (${type}.const ${most}) (${type}.const 0) (f64.eq (local.get $x) (local.get $x))))))`;
  }
  return text.replace(/\)\s*$/, `${functions})`);
}

/**
 * Replaces what is in `code` once; throws an Error where it is not, as of another version of binaryen.
 *
 * @param {string} code
 * @param {string | RegExp} pattern
 * @param {string} replacement
 */
function replaceOnce(code, pattern, replacement) {
  const parts = code.split(pattern);
  if (parts.length !== 2) throw new Error(`wasm2js's code has ${parts.length - 1} of ${pattern}`);
  return parts.join(replacement);
}

/**
 * Returns the body of a function of `memory` that returns the kernels over it.
 *
 * @param {Uint8Array} wasm
 */
export function plainKernels(wasm) {
  const read = binaryen.readBinary(wasm);
  const module = binaryen.parseText(withConversions(read.emitText()));
  read.dispose();
  module.setFeatures(BulkMemory | BulkMemoryOpt | MutableGlobals | NontrappingFPToInt | SignExt);
  if (!module.validate()) throw new Error("binaryen finds the module invalid");
  const views = /^ var HEAP\w+ = new \w+\(buffer\);\n/gm;
  let code = /** @type {string} */ (module.emitAsmjs());
  module.dispose();
  const renewed = (code.match(views) ?? []).map((line) => line.replace(/^ var /, "  ")).join("");
  code = replaceOnce(code, /\nvar memasmFunc = [\s\S]*$/, "");
  code = replaceOnce(code, /^ var memory = env\.memory;\n/m, "");
  code = replaceOnce(code, /^ var env = imports\.env;\n/m, "");
  code = replaceOnce(code, /^ function __wasm_memory_size\(\) \{[\s\S]*?^ \}\n/m, "");
  code = replaceOnce(code, /^ function __wasm_memory_grow\(pagesToAdd\) \{[\s\S]*?^ \}\n/m, "");
  const bytes = code.includes("bufferView = HEAPU8;") ? "  bufferView = HEAPU8;\n" : "";
  code = replaceOnce(
    code,
    /^ memory\.grow = __wasm_memory_grow;\n/m,
    ` memory.onGrow(() => {\n  buffer = memory.buffer;\n${renewed}${bytes} });\n`,
  );
  code = replaceOnce(code, "function asmFunc(imports) {", "function asmFunc() {");
  return `${code}\nreturn asmFunc();\n`;
}
