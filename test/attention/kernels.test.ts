// The kernels of attention in both release builds, on raw addresses: the table and nothing else, the same bits, and nothing written beside results that
// begin at any multiple of 4.

import { describe, expect, it } from "vitest";
import { ATTENTION, type AttentionKernels } from "../../src/attention/kernels.js";
import { bindKernels, rowsOf } from "../../src/engine/kernels.js";
import { ATTENTION_RECORD, AttentionField, PANEL } from "../../src/ground/abi.js";
import { decisions, numbers } from "../fused/rows-oracle.js";
import { expectBytes } from "../support/oracle.js";
import { writeFields } from "../support/record.js";
import { BUILDS, loadBuild } from "../support/wasm.js";

interface Sizes {
  readonly rows: number;
  readonly keys: number;
  readonly depth: number;
  readonly size: number;
}

const SIZES: readonly Sizes[] = [
  { rows: 1, keys: 1, depth: 1, size: 1 },
  { rows: 7, keys: 3, depth: 2, size: 9 },
  { rows: 8, keys: 32, depth: 16, size: 4 },
  { rows: 13, keys: 37, depth: 5, size: 7 },
  { rows: 24, keys: 101, depth: 33, size: 21 },
];

/** Runs all kernels on a block of queries and two blocks of keys; returns the bytes of each result. */
function run(build: (typeof BUILDS)[number], { rows, keys, depth, size }: Sizes, shift: number, dropping: boolean): Uint8Array[] {
  const { exports, memory, region, place, written } = loadBuild(build, "attention");
  const kernels = bindKernels<AttentionKernels>(exports, ATTENTION);
  const all = Math.ceil(rows / PANEL) * PANEL;
  const room = (count: number) => region(4 * count + 16) + 4 * shift;
  const given = (array: Float32Array) => {
    const pointer = room(array.length);
    place(pointer, array);
    return pointer;
  };
  const [q, k, v, dy] = [numbers(rows * depth, 1), numbers(keys * depth, 2), numbers(keys * size, 3), numbers(rows * size, 4)].map(
    given,
  ) as [number, number, number, number];
  const [panels, dyPanels] = [room(all * depth), room(all * size)];
  const record = memory.allocate("bytes", ATTENTION_RECORD, "record");
  const [limits, added] = [memory.allocate("f64", rows, "limits"), memory.allocate("f64", rows, "added")];
  const mask = numbers(rows * keys, 5).map((value) => (value < -0.8 ? -Infinity : value));
  const maskAt = given(mask);
  memory.view("f64", limits, rows).set(Float64Array.from({ length: rows }, (_, r) => keys - (r % 3)));
  const bits = new Uint8Array(Math.ceil((rows * keys) / 8) + 16);
  decisions(rows * keys, 6).forEach((kept, i) => {
    if (kept) bits[i >> 3] = (bits[i >> 3] as number) | (1 << (i & 7));
  });
  const keep = dropping ? memory.allocate("bytes", bits.length, "keep") : 0;
  if (dropping) memory.view("bytes", keep, bits.length).set(bits);
  const first = keys > 1 ? keys >> 1 : 1;
  const fields = (values: Parameters<typeof writeFields<typeof AttentionField>>[3]) => writeFields(memory, record, AttentionField, values);
  const overBlocks = (kernel: (record: number) => undefined) => {
    for (let key = 0; key < keys; key += first) {
      memory.view("f64", added, rows).set(Float64Array.from({ length: rows }, (_, r) => maskAt + 4 * (r * keys + key)));
      const by = { k: k + 4 * key * depth, v: v + 4 * key * size, dk: dk + 4 * key * depth, dv: dv + 4 * key * size };
      fields({ ...by, first: key, keys: Math.min(first, keys - key), keepAt: key });
      kernel(record);
    }
  };
  const [tile, slopes] = [room(all * first), room(all * first)];
  const [out, most, sums, live] = [room(all * size), room(all), memory.allocate("f64", all + PANEL, "sums"), room(all)];
  const [y, logSumExp, lse, delta] = [room(rows * size), room(rows), room(all), room(all)];
  const [dq, dk, dv] = [room(rows * depth), room(keys * depth), room(keys * size)];
  fields({ rows, depth, size, panels, dyPanels, tile, slopes, limits, added, flags: 0, keep, keepStride: keys, out, most, sums, live });
  fields({ logitScale: 0.5, scale: dropping ? 1.25 : 1, y, logSumExp, q, dy, lse, delta, dq });

  const results: Uint8Array[] = [];
  const result = (pointer: number, count: number, keepContent: boolean, kernel: () => void) => {
    results.push(written(pointer, 4 * count, keepContent, `${build} ${rows} ${keys} ${depth} ${size}`, kernel));
  };
  result(panels, all * depth, false, () => kernels.pack.rows.f32(panels, q, rows, depth));
  result(dyPanels, all * size, false, () => kernels.pack.rows.f32(dyPanels, dy, rows, size));
  result(out, all * size, false, () => overBlocks(kernels.attend.bits.f32));
  result(y, rows * size, false, () => kernels.finish.rows.f32(record));
  result(logSumExp, rows, false, () => kernels.finish.rows.f32(record));
  result(delta, rows, false, () => kernels.dots.rows.f32(delta, dy, y, rows, size));
  memory.view("bytes", lse, 4 * rows).set(results[4] as Uint8Array);
  overBlocks(kernels.products.bits.f32);
  results.push(memory.view("bytes", sums, 8 * rows).slice());
  for (const [pointer, count] of [
    [dk, keys * depth],
    [dv, keys * size],
  ] as const)
    memory.view("bytes", pointer, 4 * count).fill(0);
  result(dq, rows * depth, true, () => overBlocks(kernels.gradient.bits.f32));
  for (const [pointer, count] of [
    [dk, keys * depth],
    [dv, keys * size],
  ] as const)
    result(pointer, count, true, () => overBlocks(kernels.gradient.bits.f32));
  return results;
}

describe.each(BUILDS)("%s", (build) => {
  it("exports the table and nothing else, imports only memory", () => {
    const { exports, module } = loadBuild(build, "attention");
    const names = rowsOf(ATTENTION).map(([verb, source, dtype]) => `${source}_${verb}_${dtype}`);
    expect(Object.keys(exports).sort()).toEqual(names.sort());
    expect(WebAssembly.Module.imports(module)).toMatchObject([{ kind: "memory" }]);
  });
});

it.each(SIZES)("both builds give the same bits wherever operands lie: %o", (sizes) => {
  for (const dropping of [true, false]) {
    const expected = run("scalar", sizes, 0, dropping);
    for (const build of BUILDS)
      for (const shift of [0, 1, 2, 3])
        for (const [i, bytes] of run(build, sizes, shift, dropping).entries())
          expectBytes(bytes, expected[i] as Uint8Array, `${build}, ${shift}, result ${i}`);
  }
});
