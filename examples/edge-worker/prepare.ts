// Prepares an ONNX file for the Worker: npm run prepare-model -- [MODEL.onnx]

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { encodeModel, workOf } from "./model.js";
import { toSmallForm } from "./small.js";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const [from = here("model.onnx")] = process.argv.slice(2);
const to = here("model.bin");
const network = toSmallForm(readFileSync(from));
const bytes = encodeModel(network);
// A Worker in development starts again when the file is written.
if (!existsSync(to) || !readFileSync(to).equals(bytes)) writeFileSync(to, bytes);
console.log(`${bytes.length} bytes; multiplications: ${workOf(network.before)} once, ${workOf(network.after)} in each pass`);
