// The wasm files without this package's wrapper: AssemblyScript's loader runs them, over memory of the program's own.

import { readFileSync } from "node:fs";
import { instantiate } from "@assemblyscript/loader";
import { describe, expect, it } from "vitest";
import { MODULES } from "../../modules.mjs";
import { createDropout } from "../../src/core/index.js";
import { PARAMS } from "../../src/engine/memory.js";
import { keepProbability } from "../../src/stream/probability.js";
import { BUILDS } from "../support/wasm.js";

const P = 0.25;
const LENGTH = 1000;
/** Any address behind the parameter record and its workspace. */
const DATA = 65536;

async function load(name: string, build: string) {
  const memory = new WebAssembly.Memory({ initial: 4 });
  const bytes = readFileSync(new URL(`../../build/${name}/${build}.wasm`, import.meta.url));
  const { exports } = await instantiate<Record<string, (...args: number[]) => void>>(bytes, { env: { memory } });
  return { memory, exports };
}

describe.each(BUILDS)("the %s build, loaded by AssemblyScript's loader", (build) => {
  it("draws the mask that an instance draws", async () => {
    const { memory, exports } = await load("core", build);
    const words = new Uint32Array(memory.buffer, PARAMS, 8);
    words.set([42, 0, 7, 0, 0, 0, 0, (1 - keepProbability(P)) * 2 ** 16]);
    exports.tile_mask_bytes?.(DATA, LENGTH, PARAMS);
    const dropout = await createDropout({ seed: 42 });
    expect(new Uint8Array(memory.buffer, DATA, LENGTH)).toEqual(dropout.mask(LENGTH, P, { stream: 7, format: "bytes" }));
  });

  it.each(MODULES.map(({ name }) => name))("is whole without other imports: %s", async (name) => {
    const { exports } = await load(name, build);
    expect(Object.values(exports).filter((one) => typeof one === "function").length).toBeGreaterThan(0);
  });
});
