// Writes what goes with the two wasm builds: src/wasm.ts, which holds them as text, so that no bundler or runtime needs to be told how to
// load them, and the type of what importing the files gives, where that works.

import { readFileSync, writeFileSync } from "node:fs";

/** @param {string} name */
const base64 = (name) => readFileSync(new URL(`../build/${name}.wasm`, import.meta.url)).toString("base64");

writeFileSync(
  new URL("../src/wasm.ts", import.meta.url),
  `// Made by scripts/embed.mjs from build/*.wasm.

/** The SIMD build, base64. */
export const SIMD: string =
  "${base64("simd")}";

/** The scalar build, base64. */
export const SCALAR: string =
  "${base64("scalar")}";
`,
);

for (const name of ["simd", "scalar"]) {
  writeFileSync(
    new URL(`../build/${name}.d.wasm.ts`, import.meta.url),
    "declare const module: WebAssembly.Module;\nexport default module;\n",
  );
}
