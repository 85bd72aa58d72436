// One suite in every JavaScript engine that people deploy to, run there on the packed package: the same checks, and the same bits.

import { createHash, type Hash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { EXTENSIONS, type ExtensionName } from "../../modules.mjs";
import { createDropout } from "../../src/core/index.js";
import { missing } from "../support/missing.js";
import { chance, drop } from "../support/oracle.js";
import vectors from "../vectors/keep-streams.json" with { type: "json" };
import { END_LENGTH, endsOf, LONG_MASKS, OUTPUT_LENGTH, sampleData } from "./data.js";
import { type Engine, MissingEngine } from "./engine.js";
import { type Entries, extensionChecks } from "./extensions.js";
import { hermes } from "./hermes.js";
import { browser } from "./pages.js";
import { bun, deno, node } from "./processes.js";
import type { BuildReport } from "./suite.js";
import { formatTable, type Row } from "./table.js";
import { vercel } from "./vercel.js";
import { workerd } from "./workerd.js";

const ENGINES: readonly Engine[] = [
  node("20"),
  node("22"),
  node("24"),
  node("26"),
  deno,
  bun,
  workerd,
  vercel(true),
  vercel(false),
  browser("chromium", "Chromium"),
  browser("firefox", "Firefox ESR"),
  browser("webkit", "WebKitGTK"),
  node("20", true),
  hermes,
  browser("chromium", "Chromium", true),
  browser("firefox", "Firefox ESR", true),
  browser("webkit", "WebKitGTK", true),
];

/** Returns true if an engine has Float16Array: Node since 24, Vercel's runtime as the Node that it runs in. */
function hasFloat16Array(name: string): boolean {
  return name.startsWith("Vercel") ? "Float16Array" in globalThis : !/^(Node 2[02]|Hermes)/.test(name);
}

const TABLE = new URL("../../build/engines.md", import.meta.url);
const rows: Row[] = [];
let expected: Pick<BuildReport, "ends" | "masks" | "outputs" | "extensions">;

beforeAll(async () => {
  const masks = createHash("sha256");
  const outputs = createHash("sha256");
  const ends = createHash("sha256");
  const dropout = await createDropout();
  for (const { stream_kind, seed, stream, p, start, count, sha256 } of vectors.hashed) {
    const kind = stream_kind as "tile" | "philox";
    // The mask is known by its hash; the oracle computes the outputs from it.
    const bits = dropout.mask(count, p, { kind, seed: BigInt(seed), stream: BigInt(stream), start });
    expect(createHash("sha256").update(bits).digest("hex")).toBe(sha256);
    masks.update(bits);
    const dropped = (first: number, length: number, hash: Hash) => {
      const keep = Uint8Array.from({ length }, (_, k) => ((bits[(first + k) >> 3] as number) >> ((first + k) & 7)) & 1);
      for (const dtype of ["f32", "f64"] as const) {
        const y = drop(sampleData(dtype, length) as Float32Array<ArrayBuffer>, keep, chance(kind, p));
        hash.update(y).update(drop(y, keep, chance(kind, p)));
      }
    };
    dropped(0, OUTPUT_LENGTH, outputs);
    for (const end of endsOf({ start, count })) {
      ends.update(bits.subarray((end - start) / 8, (end - start + END_LENGTH) / 8));
      dropped(end - start, END_LENGTH, ends);
    }
  }
  const [extensions, scalar] = [await hashExtensions(true), await hashExtensions(false)];
  expect(scalar).toEqual(extensions);
  expected = { ends: ends.digest("hex"), masks: masks.digest("hex"), outputs: outputs.digest("hex"), extensions };
});

/** Returns the hashes that the sources give; the packed package was built from them. */
async function hashExtensions(simd: boolean): Promise<BuildReport["extensions"]> {
  // Classes with private members are types of their own in each copy.
  const sources = await Promise.all(EXTENSIONS.map(async (name) => [name, await import(`../../src/${name}/index.ts`)]));
  const entries = Object.fromEntries(sources) as Entries;
  const hashes: Record<string, string> = {};
  for (const [name, hash] of Object.entries(extensionChecks(entries, simd))) {
    hashes[name] = await hash((await createDropout({ seed: 42, simd })) as never);
  }
  return hashes;
}

afterAll(() => {
  const table = formatTable(rows);
  writeFileSync(TABLE, table);
  console.log(`\n${table}`);
});

for (const engine of ENGINES) {
  const { name } = engine;
  it(name, async (context) => {
    const { version, report } = await engine.run(inject("packed")).catch((error: unknown) => {
      if (!(error instanceof MissingEngine)) throw error;
      rows.push({ engine: name, missing: error.message });
      return missing(context, name, error.message);
    });
    for (const build of report.builds) rows.push({ engine: name, version, ...build });
    expect(report.builds.map(({ build }) => build)).toEqual(engine.plain ? ["JavaScript"] : ["simd", "scalar"]);
    const { untried = [] } = engine;
    const tried = Object.entries(expected.extensions).filter(([extension]) => !untried.includes(extension as ExtensionName));
    for (const { build, failures, passed, ends, masks, outputs, extensions } of report.builds) {
      expect(failures).toEqual([]);
      for (const [extension] of tried) expect(passed).toContain(`every operation of ${extension}`);
      const long = build === "simd" ? { masks: expected.masks, outputs: expected.outputs } : {};
      expect(passed).toEqual(report.builds[0]?.passed.filter((check) => build === "simd" || check !== LONG_MASKS));
      expect({ ends, masks, outputs, extensions }).toEqual({ ends: expected.ends, ...long, extensions: Object.fromEntries(tried) });
    }
    // That a policy forbids wasm does not show before it is compiled.
    if (!engine.plain) expect(report.simdSupported).toBe(true);
    expect(report.float16Array).toBe(hasFloat16Array(name));
    expect(report.exports).toEqual(["Dropout", "compileDropout", "createDropout", "keepProbability", "simdSupported"]);
  });
}
