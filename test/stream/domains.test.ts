// The derivation of stream numbers from domains: known answers, which three implementations gave alike, and the names of layers.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { domainStream } from "../../docs/reference.js";
import { Words } from "../../src/ground/words.js";
import { addSample, DOMAINS, type Domain, layerOfName, setDomainStream } from "../../src/stream/domains.js";

interface Known {
  readonly domain: Domain;
  readonly n: number;
  readonly layer: number;
  readonly sample: number;
  readonly stream: string;
}

const vectors = JSON.parse(readFileSync(new URL("../vectors/domains.json", import.meta.url), "utf8")) as Known[];

const streamOf = (domain: Domain, n: number, layer: number, sample: number) => {
  const stream = new Words();
  setDomainStream(stream, domain, n, layer);
  addSample(stream, sample);
  return stream.toBigInt();
};

describe("domains of stream numbers", () => {
  it("give the known answers", () => {
    expect(new Set(vectors.map(({ domain }) => domain))).toEqual(new Set(Object.values(DOMAINS)));
    for (const { domain, n, layer, sample, stream } of vectors) {
      expect(streamOf(domain, n, layer, sample).toString()).toBe(stream);
      expect(domainStream(BigInt(domain), BigInt(n), BigInt(layer), BigInt(sample)).toString()).toBe(stream);
    }
  });

  it("equal the reference at random places", () => {
    let state = 1;
    const word = () => {
      state = Math.imul(state, 1664525) + 1013904223;
      return state >>> 0;
    };
    for (let k = 0; k < 5000; ++k) {
      const [n, layer, sample] = [word() + 2 ** 32 * (word() % 2 ** 21), word(), word()];
      const domain = ((k % 3) + 1) as Domain;
      expect(streamOf(domain, n, layer, sample)).toBe(domainStream(BigInt(domain), BigInt(n), BigInt(layer), BigInt(sample)));
    }
  });

  it("do not meet", () => {
    const seen = new Set<bigint>();
    for (const domain of Object.values(DOMAINS)) {
      for (let n = 0; n < 20; ++n)
        for (let layer = 0; layer < 20; ++layer) for (let s = 0; s < 20; ++s) seen.add(streamOf(domain, n, layer, s));
    }
    expect(seen.size).toBe(3 * 20 ** 3);
  });
});

describe("names of layers", () => {
  // FNV-1a of these, as its authors publish them; the top bit is set.
  it.each([
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["b", 0xe70c2de5],
    ["foobar", 0xbf9cf968],
  ])("%j", (name, hash) => {
    expect(layerOfName(name)).toBe((hash | 0x80000000) >>> 0);
  });

  it("are hashed as UTF-8, and lie above all numbers", () => {
    const bytes = new TextEncoder().encode("Schicht ä 層");
    const plain = [...bytes].reduce((hash, byte) => ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn, 0x811c9dc5n);
    expect(layerOfName("Schicht ä 層")).toBe(Number(plain | 0x80000000n));
    for (let k = 0; k < 1000; ++k) expect(layerOfName(`layer ${k}`)).toBeGreaterThanOrEqual(2 ** 31);
  });
});
