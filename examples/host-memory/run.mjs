// npm run example:host: a program in AssemblyScript owns the memory; dropout reads and writes its tensors where they lie.

import { readFileSync } from "node:fs";
import { main as compile } from "assemblyscript/asc";
import { createDropout } from "wasm-dropout";

/** @typedef {{ memory: WebAssembly.Memory } & Record<"malloc" | "free" | "count" | "sum", (...args: number[]) => number>} Host */

/** Returns the exports of the host. */
async function start() {
  const compiled = { bytes: new Uint8Array() };
  const { error, stderr } = await compile(["program.ts", "--optimize", "--runtime", "minimal", "--outFile", "program.wasm"], {
    readFile: (name) => (name === "program.ts" ? readFileSync(new URL(name, import.meta.url), "utf8") : null),
    writeFile: (_, contents) => {
      if (typeof contents !== "string") compiled.bytes = Uint8Array.from(contents);
    },
  });
  if (error) throw new Error(stderr.toString(), { cause: error });
  const abort = () => {
    throw new Error("the host's program ended");
  };
  const { instance } = await WebAssembly.instantiate(compiled.bytes, { env: { abort } });
  return /** @type {Host} */ (/** @type {unknown} */ (instance.exports));
}

const { memory, malloc, free, count, sum } = await start();
const dropout = await createDropout({ seed: 42, host: { memory, malloc, free } });

// A tensor of the host. The views of it stay valid when the host's malloc makes the memory grow.
const length = 1 << 20;
const tensor = malloc(4 * length);
const x = dropout.view("f32", tensor, length);
count(tensor, length);
const before = sum(tensor, length);
const more = malloc(memory.buffer.byteLength);

const { ticket } = dropout.forward(x, 0.5, { out: x });
console.log(`sum of the tensor: ${before}, after dropout in place ${sum(tensor, length)}`);

// The gradient of the sum, made by the host too.
const gradient = malloc(4 * length);
const dx = dropout.view("f32", gradient, length);
dx.array.fill(1);
dropout.backward(dx, ticket, {}, { dx });
console.log(`kept elements: ${sum(gradient, length) / 2}`);

const own = await createDropout({ seed: 42 });
const y = own.dropout(
  Float32Array.from({ length }, (_, i) => i + 1),
  0.5,
);
const same = y.every((value, i) => value === x.array[i]);
console.log(`an instance with a memory of its own gives the same bits: ${same}`);

// The host has back what the instance took, and frees what is its own.
dropout.dispose();
for (const pointer of [tensor, more, gradient]) free(pointer);
if (!same) process.exitCode = 1;
