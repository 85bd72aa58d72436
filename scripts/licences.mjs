// The licences of what is in the code of dist/ and in the wasm beside our own.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);

/** @type {(path: string) => string} */
const read = (path) => readFileSync(path, "utf8").trim();

/** @type {(path: string) => string} */
const file = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The packages whose code may be in dist/. */
export const LICENSED = ["@assemblyscript/loader", "@bufbuild/protobuf", "onnx-buf"];

/** Returns the text of dist/LICENSES.txt. */
export function licences() {
  // Functions of its library are in the wasm.
  const assemblyscript = dirname(require.resolve("assemblyscript/package.json"));
  return [
    "Parts of AssemblyScript (https://www.assemblyscript.org), its loader among them, are in this package:",
    ...["NOTICE", "LICENSE"].map((name) => read(join(assemblyscript, name))),
    "The entry for ONNX has parts of @bufbuild/protobuf (https://github.com/bufbuild/protobuf-es), Copyright 2021-2026 Buf Technologies, Inc., under the " +
      "Apache License, Version 2.0, which is above, and among them code under this licence:",
    headerOf(read(file("../node_modules/@bufbuild/protobuf/dist/esm/wire/varint.js"))),
    "It reads files by the schema onnx.proto of the ONNX project (https://github.com/onnx/onnx), Copyright (c) ONNX Project Contributors, under the Apache " +
      "License, Version 2.0, in the form of the package onnx-buf, Copyright (c) Eric Zhang, under the MIT License:",
    // The same words as ours, but for the copyright.
    read(file("../LICENSE")).split("\n").slice(4).join("\n"),
    "",
  ].join("\n\n");
}

/**
 * The comment that a file begins with.
 *
 * @param {string} code
 */
function headerOf(code) {
  const lines = code.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^\/\/ ?/, ""))
    .join("\n");
}
