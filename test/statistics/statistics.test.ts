// The battery on both kinds of keep streams and on the normal stream, and the controls that it has to reject.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "../../src/core/index.js";
import { createNoise, type Noise } from "../../src/noise/index.js";
import { KINDS } from "../support/oracle.js";
import { rank, verdict } from "../support/stats.js";
import { BOUND, MASK_STATISTICS, NORMAL_STATISTICS, normalByte, normalSource, worst } from "./battery.js";
import { bitPlanes, laneSource, packageSource, scrambled, unscrambled } from "./sources.js";

let dropout: Dropout;
let noise: Noise;
beforeAll(async () => {
  dropout = await createDropout({ seed: 1 });
  noise = await createNoise(dropout);
});

describe.each(KINDS)("%s", (kind) => {
  it.each(MASK_STATISTICS.map((one) => [one.name, one] as const))("%s", (_, { zs }) => {
    expect(verdict(zs(packageSource(dropout, kind)), BOUND)).toBe("fair");
  });
});

describe("normal numbers", () => {
  it.each(NORMAL_STATISTICS.map((one) => [one.name, one] as const))("%s", (_, { zs }) => {
    const source = normalSource(noise);
    expect(verdict(zs(source), BOUND)).toBe("fair");
    const wide = {
      name: "1% too wide",
      normal: (n: number, place: Parameters<typeof source.normal>[1]) => source.normal(n, place).map((z) => 1.01 * z),
    };
    expect(Math.abs(worst(zs(wide)))).toBeGreaterThan(BOUND);
  });
});

describe("the control", () => {
  const place = { seed: 42n, stream: 3n, start: 4096 * 77 };

  it("is kind tile but for its scramblers", () => {
    const same = laneSource("scrambled", scrambled);
    const n = 2 ** 19;
    for (const p of [0.1, 0.5]) expect(same.mask(n, p, place)).toEqual(packageSource(dropout, "tile").mask(n, p, place));
    expect(laneSource("unscrambled", unscrambled).mask(n, 0.5, place)).not.toEqual(same.mask(n, 0.5, place));
  });

  it("fails by its ranks", () => {
    const control = laneSource("unscrambled", unscrambled);
    const ranks = MASK_STATISTICS.find(({ name }) => name.startsWith("ranks"));
    expect(Math.min(...(ranks as (typeof MASK_STATISTICS)[number]).zs(control))).toBeGreaterThan(BOUND);
  });
});

describe("the parts", () => {
  it("bit planes are the bits of the top byte", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => (i * 77) & 255);
    const mask = (n: number, p: number) => {
      const words = new Uint32Array(n / 32);
      bytes.forEach((byte, i) => {
        if (byte >= 256 * p) words[i >> 5] = (words[i >> 5] as number) | (1 << (i & 31));
      });
      return words;
    };
    const planes = bitPlanes({ mask }, 256, { seed: 0n, stream: 0n, start: 0 });
    const read = bytes.map((_, i) => planes.reduce((sum, plane, b) => sum + ((((plane[i >> 5] as number) >>> (i & 31)) & 1) << b), 0));
    expect(read).toEqual(bytes);
  });

  it("ranks", () => {
    const unit = (k: number) => Uint32Array.from([0, 1], (w) => (k >> 5 === w ? 1 << (k & 31) : 0));
    const all = Array.from({ length: 64 }, (_, k) => unit(k));
    expect(rank(all)).toBe(64);
    expect(rank(all.map((row, k) => row.map((word, w) => word ^ ((all[(k + 1) % 64] as Uint32Array)[w] as number))))).toBe(63);
    expect(rank(all.map((_, k) => unit(k % 5)))).toBe(5);
    expect(rank(all.map(() => new Uint32Array(2)))).toBe(0);
  });

  it("bytes of normal numbers", () => {
    expect([-9, -2.67, 0, 1e-9, 0.6744, 0.6745, 2.67, 9].map(normalByte)).toEqual([0, 0, 128, 128, 191, 192, 255, 255]);
    expect(normalByte(-1e-9)).toBe(127);
  });
});
