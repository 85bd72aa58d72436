// Builds of the kernels on raw addresses: memory to place operands in, and outputs with canaries around them.

import { readFileSync } from "node:fs";
import { instantiate } from "../../src/engine/instantiate.js";
import { Memory, OWN_BYTES } from "../../src/engine/memory.js";
import { OwnStore } from "../../src/engine/store.js";

export const BUILDS = ["simd", "scalar"] as const;

const CANARY = 0xa5;
const MARGIN = 64;

export type WasmBuild = ReturnType<typeof loadBuild>;

/** One build of a module over a memory: build/simd.wasm of the core, build/<extension>/simd.wasm of an extension. */
export function loadBuild(build: (typeof BUILDS)[number], extension?: string, memory = new Memory(new OwnStore(2 ** 26, OWN_BYTES))) {
  const folder = `${extension ?? "core"}/`;
  const code = readFileSync(new URL(`../../build/${folder}${build}.wasm`, import.meta.url));
  const module = new WebAssembly.Module(code);
  const bytes = (pointer: number, count: number) => memory.view("bytes", pointer, count);
  return {
    size: code.length,
    module,
    memory,
    exports: instantiate(module, memory.wasm),
    bytes,
    /** The address of a new region of so many bytes, with room for canaries on both sides. */
    region: (size: number): number => memory.allocate("bytes", size + 2 * MARGIN, "region") + MARGIN,
    /** Copies an array's bytes to an address. */
    place(pointer: number, array: ArrayBufferView): void {
      bytes(pointer, array.byteLength).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    },
    /** Runs `kernel` and gives the bytes it wrote at `pointer`; throws if it wrote around them. */
    written(pointer: number, count: number, keepContent: boolean, what: string, kernel: () => void): Uint8Array<ArrayBuffer> {
      const around = bytes(pointer - MARGIN, count + 2 * MARGIN);
      if (keepContent) {
        around.fill(CANARY, 0, MARGIN);
        around.fill(CANARY, MARGIN + count);
      } else around.fill(CANARY);
      kernel();
      for (let k = 0; k < MARGIN; ++k) {
        if (around[k] !== CANARY || around[MARGIN + count + k] !== CANARY) throw new Error(`${what}: wrote outside its output`);
      }
      return around.slice(MARGIN, MARGIN + count);
    },
  };
}
