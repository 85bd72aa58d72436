// The benchmark of peers: that what is measured is dropout, that what fails or is wrong is named and stops nothing else. Needs no peer; those
// that are installed are run once at one small size.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../../bench/command-line.js";
import type { Run } from "../../bench/results.js";
import { faultIn } from "../../tools/peers/check.js";
import { fusedRows, measureFused } from "../../tools/peers/fused.js";
import { randomLoop, XorshiftLoop } from "../../tools/peers/loops.js";
import { dropoutModel } from "../../tools/peers/onnx.js";
import { readOptions } from "../../tools/peers/options.js";
import type { Peer, Prepare, Prepared } from "../../tools/peers/peer.js";
import { type Found, PROBABILITIES, runPeers } from "../../tools/peers/session.js";
import { COPY, PEERS } from "../../tools/peers/table.js";
import { HANG_MS } from "../support/limits.js";
import { positionZs, rateZ } from "../support/stats.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const ones = (n: number) => new Float32Array(n).fill(1);

describe("the table", () => {
  it("has one copy, and a name for each peer", () => {
    expect(PEERS.filter(({ copies }) => copies).map(({ name }) => name)).toEqual([COPY]);
    expect(new Set(PEERS.map(({ name }) => name)).size).toBe(PEERS.length);
  });

  it("is of packages at exact versions", () => {
    const { optionalDependencies } = JSON.parse(readFileSync(join(root, "tools/peers/package.json"), "utf8"));
    for (const { package: name } of PEERS) {
      if (name !== undefined) expect(optionalDependencies).toHaveProperty([name], expect.stringMatching(/^\d+\.\d+\.\d+$/));
    }
  });
});

describe("plain loops", () => {
  const n = 2 ** 20;
  const x = Float32Array.from({ length: n }, (_, i) => 1 + (i % 5));

  it.each([0.1, 0.3, 0.5])("xorshift at p = %f", (p) => {
    const loop = new XorshiftLoop(p, 1);
    const [first, second] = [new Float32Array(n), new Float32Array(n)];
    loop.run(first, x);
    loop.run(second, x);
    expect(faultIn(first, x, p)).toBeUndefined();
    expect(faultIn(second, x, p)).toBeUndefined();
    // Of the same rate at each place of a word, and independent of the mask before.
    const counts = new Uint32Array(8);
    let both = 0;
    for (let i = 0; i < n; ++i) {
      if (first[i]) counts[i % 8] = (counts[i % 8] as number) + 1;
      if (first[i] && second[i]) ++both;
    }
    for (const z of positionZs(counts, n / 8, 8, 1 - p)) expect(Math.abs(z)).toBeLessThan(5);
    expect(Math.abs(rateZ(both, n, (1 - p) ** 2))).toBeLessThan(5);
  });

  it("draws with the function given", () => {
    const draws = [0.05, 0.1, 0.95, 0];
    const y = new Float32Array(4);
    randomLoop(y, Float32Array.of(1, 2, 3, 4), 0.1, () => draws.shift() as number);
    expect(y).toEqual(Float32Array.of(0, 2 / 0.9, 3 / 0.9, 0));
  });
});

describe("the check", () => {
  const n = 1000;
  const good = ones(n).map((_, i) => (i % 10 === 0 ? 0 : 1 / 0.9));
  const changed = (at: number, value: number) => good.with(at, value);

  it("passes dropout", () => {
    expect(faultIn(good, ones(n), 0.1)).toBeUndefined();
    // Four sigmas more than expected.
    expect(
      faultIn(
        good.map((value, i) => (i % 10 === 5 && i < 380 ? 0 : value)),
        ones(n),
        0.1,
      ),
    ).toBeUndefined();
  });

  it.each([
    ["another length", good.subarray(1), "999 elements, not 1000"],
    ["no scale", good.map(Math.sign), "element 1 is 1, neither 0 nor 1.11"],
    ["a little off", changed(7, (1 / 0.9) * (1 + 3e-6)), "element 7"],
    ["NaN", changed(7, Number.NaN), "element 7 is NaN"],
    ["almost 0", changed(0, 1e-30), "element 0"],
    ["too many dropped", good.map((value, i) => (i % 10 === 5 && i < 480 ? 0 : value)), "kept a share of 0.852, -5.1 sigmas from 0.9"],
    ["all dropped", new Float32Array(n), "kept a share of 0,"],
    ["none dropped", ones(n).map(() => 1 / 0.9), "kept a share of 1,"],
    ["another type", Float64Array.from(good) as unknown as Float32Array, "no Float32Array"],
  ])("refuses %s", (_, y, fault) => {
    expect(faultIn(y, ones(n), 0.1)).toContain(fault);
  });
});

describe("a run", () => {
  const size = 2 ** 10;
  const copy: Peer = {
    name: "copy",
    group: "reference",
    passes: 1,
    copies: true,
    load: async () => (x, _, out) => ({ call: () => out.set(x), output: () => out }),
  };
  const fake = (name: string, prepare: Prepare): Peer => ({ name, group: "peer", passes: 1, load: async () => prepare });
  const right: Prepare = (x, p, out) => {
    const loop = new XorshiftLoop(p, 1);
    return { call: () => loop.run(out, x), output: () => out };
  };
  // One that is right but for what `change` gives instead.
  const wrong = (change: (prepared: Prepared, ...args: Parameters<Prepare>) => Partial<Prepared>): Prepare => {
    return async (...args) => {
      const prepared = await right(...args);
      return { ...prepared, ...change(prepared, ...args) };
    };
  };
  const run = async (peers: readonly Peer[], options: { sizes?: number[]; filter?: string; mostMs?: number } = {}) => {
    const plan = { peers: [copy, ...peers], sizes: [size], filter: "", rounds: 2, mostMs: HANG_MS, ...options };
    const all: Found[] = [];
    let expected = 0;
    let steps = 0;
    for await (const found of runPeers(
      plan,
      (_, count) => (expected += count),
      () => ++steps,
    )) {
      all.push(found);
    }
    expect(steps).toBeLessThanOrEqual(expected);
    return { results: all.flatMap(({ results }) => results), missing: all.flatMap(({ missing }) => missing) };
  };

  it("measures each peer at each p beside the copy", async () => {
    const slow = wrong(({ call }) => ({ call: async () => call() }));
    const { results, missing } = await run([fake("a", right), { ...fake("b", slow), passes: 2 }]);
    expect(missing).toEqual([]);
    expect(results.map(({ name }) => name)).toEqual(["copy", "a", "a, p = 0.5", "b", "b, p = 0.5"]);
    for (const result of results) {
      expect(result).toMatchObject({ size, copy: "copy" });
      expect(result.nsPerElement).toBeGreaterThan(0);
      expect(result.ratio).toBeGreaterThan(0);
      const bytes = (result.name.startsWith("b") ? 2 : 1) * 8;
      expect(result.gbPerSecond).toBeCloseTo(bytes / result.nsPerElement, 6);
    }
  });

  it.each<[string, Peer["load"], string]>([
    ["does not load", () => Promise.reject(new Error("nowhere\nto be found")), "does not load: Error: nowhere"],
    ["cannot be prepared", async () => () => Promise.reject(new Error("no memory")), "fails: Error: no memory"],
    [
      "throws",
      async () =>
        wrong(() => ({
          call: () => {
            throw new Error("no such operator");
          },
        })),
      "fails: Error: no such operator",
    ],
    ["rejects", async () => wrong(() => ({ call: () => Promise.reject(new Error("no backend")) })), "fails: Error: no backend"],
    ["is short", async () => wrong(({ output }) => ({ output: () => output().subarray(1) })), "wrong: the output has 1023 elements"],
    ["does not scale", async () => wrong(({ output }) => ({ output: () => output().map(Math.sign) })), "wrong: element"],
    ["drops nothing", async () => wrong((_, x, p) => ({ output: () => x.map((value) => value / (1 - p)) })), "wrong: it kept a share of 1"],
    [
      "repeats itself",
      async () => (x, p, out) => ({ call: () => new XorshiftLoop(p, 1).run(out, x), output: () => out }),
      "wrong: two calls gave the same mask",
    ],
    [
      "cannot be freed",
      async () =>
        wrong(() => ({
          free: () => {
            throw new Error("gone");
          },
        })),
      "does not free its memory: Error: gone",
    ],
  ])("names a peer that %s, and measures the others", async (_, load, reason) => {
    const { results, missing } = await run([{ ...fake("bad", right), load }, fake("good", right)]);
    const names = results.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["copy", "good", "good, p = 0.5"]));
    expect(missing.length).toBeGreaterThan(0);
    for (const { name, reason: why } of missing) {
      expect(name).toMatch(/^bad/);
      expect(why).toContain(reason);
    }
  });

  it.each([false, true])("names a peer that fails after some calls, asynchronous: %s", async (asynchronous) => {
    const failing = wrong(({ call, output }) => {
      let left = 2;
      const next = () => {
        if (left-- === 0) throw new Error("worn out");
        return call();
      };
      return { call: asynchronous ? async () => next() : next, output };
    });
    const late = wrong(({ call }) => {
      const end = performance.now() + 60;
      return {
        call: () => {
          if (performance.now() > end) throw new Error("too late");
          return call();
        },
      };
    });
    const { results, missing } = await run([fake("failing", failing), fake("late", late), fake("good", right)]);
    expect(results.map(({ name }) => name)).toEqual(["copy", "good", "good, p = 0.5"]);
    expect(missing.map(({ name }) => name).toSorted()).toEqual(["failing", "failing, p = 0.5", "late", "late, p = 0.5"]);
    for (const { reason } of missing) expect(reason).toMatch(/2\^10 elements: .*(worn out|too late)/);
  });

  it("leaves out what is too slow, and does not call it for more elements", async () => {
    const sizes: number[] = [];
    const slow: Prepare = async (x, p, out) => {
      sizes.push(x.length);
      const prepared = await right(x, p, out);
      return {
        ...prepared,
        call: async () => {
          await new Promise((resolve) => setTimeout(resolve, 2));
          await prepared.call();
        },
      };
    };
    const { results, missing } = await run([fake("slow", slow)], { sizes: [2 ** 13, 2 ** 12], mostMs: 1 });
    expect(results.filter(({ name }) => name.startsWith("slow"))).toEqual([]);
    expect(sizes).toEqual([2 ** 12, 2 ** 12]);
    const reasons = missing.filter(({ name }) => name.startsWith("slow")).map(({ reason }) => reason);
    expect(reasons).toEqual([
      expect.stringMatching(/^2\^12 elements: a call takes .* s, at most 0.001 s/),
      expect.stringMatching(/^2\^12 elements: a call takes/),
      expect.stringMatching(/^2\^13 elements: a call would take some/),
      expect.stringMatching(/^2\^13 elements: a call would take some/),
    ]);
  });

  it("enters what shares its state with others, and frees it", async () => {
    let inside = "";
    let open = 0;
    const sharing = (name: string) =>
      fake(
        name,
        wrong(({ call }) => {
          ++open;
          return {
            enter: async () => {
              inside = name;
            },
            call: () => {
              if (inside !== name) throw new Error(`in ${inside}`);
              return call();
            },
            free: () => --open,
          };
        }),
      );
    const { missing } = await run([sharing("a"), sharing("b")]);
    expect(missing).toEqual([]);
    expect(open).toBe(0);
  });

  it("measures what the filter names, beside the copy", async () => {
    const peers = [fake("tfjs cpu", right), fake("other", right)];
    const { results } = await run(peers, { filter: "CPU" });
    expect(results.map(({ name }) => name)).toEqual(["copy", "tfjs cpu", "tfjs cpu, p = 0.5"]);
    await expect(run(peers, { filter: "nosuchpeer" })).rejects.toThrow("nothing has");
  });
});

describe("the ONNX model", () => {
  // Field numbers are those of onnx.proto.
  const model = parse(dropoutModel());

  it("is of version 13 of the operators", () => {
    expect(model.get(1)).toEqual([7]);
    const set = message(model, 8);
    expect(string(set, 1)).toEqual([""]);
    expect(set.get(2)).toEqual([13]);
  });

  it("has a single node between three inputs and an output", () => {
    const graph = message(model, 7);
    const node = message(graph, 1);
    expect(string(node, 1)).toEqual(["x", "ratio", "training"]);
    expect(string(node, 2)).toEqual(["y"]);
    expect(string(node, 4)).toEqual(["Dropout"]);
    expect(graph.get(11)?.map((input) => typeOf(parse(input as Uint8Array)))).toEqual([
      { name: "x", element: 1, dimensions: ["n"] },
      { name: "ratio", element: 1, dimensions: [] },
      { name: "training", element: 9, dimensions: [] },
    ]);
    expect(typeOf(message(graph, 12))).toEqual({ name: "y", element: 1, dimensions: ["n"] });
  });

  function typeOf(info: Fields) {
    const tensor = message(message(info, 2), 1);
    const dimensions = message(tensor, 2).get(1) ?? [];
    return {
      name: string(info, 1)[0],
      element: tensor.get(1)?.[0],
      dimensions: dimensions.flatMap((dimension) => string(parse(dimension as Uint8Array), 2)),
    };
  }
});

type Fields = Map<number, (number | Uint8Array)[]>;

/** The fields of a message in protocol buffers' encoding, of integers and of what has a length. */
function parse(bytes: Uint8Array): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError("the message ends within a number");
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const value = varint();
    if (key % 8 === 2) {
      at += value;
      if (at > bytes.length) throw new RangeError("a field is longer than the message");
    } else {
      expect(key % 8).toBe(0);
    }
    const field = fields.get(key >> 3) ?? [];
    field.push(key % 8 === 0 ? value : bytes.subarray(at - value, at));
    fields.set(key >> 3, field);
  }
  return fields;
}

function message(fields: Fields, field: number): Fields {
  const values = fields.get(field);
  expect(values).toHaveLength(1);
  return parse(values?.[0] as Uint8Array);
}

function string(fields: Fields, field: number): string[] {
  return (fields.get(field) ?? []).map((bytes) => new TextDecoder().decode(bytes as Uint8Array));
}

describe("fused operations", () => {
  it("are those of peers, and are measured beside them", async (context) => {
    const { results, missing } = await measureFused(8, 64, 1);
    expect(results.map(({ name }) => name)).toEqual(["bias + gelu", "bias + geluTanh", "residual + layer norm", "softmax", "relu"]);
    for (const { ours } of results) expect(ours).toBeGreaterThan(0);
    expect(fusedRows([{ name: "softmax", ours: 1, onnx: 2, net: 1.5, met: true }])[1]).toEqual([
      "softmax",
      "1.00",
      "2.00",
      "1.50",
      "1.50",
      "",
      "",
      "met",
    ]);
    const installed = (name: string) => existsSync(join(root, "tools/peers/node_modules", name));
    if (!installed("onnxruntime-web") || !installed("@tensorflow/tfjs-backend-wasm")) {
      console.warn("\n*** NOT RUN on this machine: peers of fused operations, as tools/peers is not installed\n");
      context.skip("tools/peers is not installed");
    }
    expect(missing).toEqual([]);
    for (const { onnx, net, met, name } of results) {
      expect(onnx).toBeGreaterThan(0);
      expect([net, met].map((value) => value === undefined)).toEqual([name === "relu", name === "relu"]);
    }
  });
});

describe("npm run bench:peers", () => {
  const command = (...args: string[]) =>
    spawnSync(process.execPath, ["--import", "tsx", "tools/peers/run.ts", ...args], { cwd: root, encoding: "utf8", timeout: HANG_MS });
  let directory: string;
  let found: Run;
  let output: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "wasm-dropout-peers-"));
    const json = join(directory, "results.json");
    const { status, stdout, stderr } = command("--part", "dropout", "--size", "10", "--rounds", "1", "--json", json);
    expect(status, stderr).toBe(0);
    output = stdout;
    found = JSON.parse(readFileSync(json, "utf8"));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.for(PEERS)("measures $name", (peer, context) => {
    const { name, package: needed } = peer;
    // Too heavy for `npm ci`: `npm run bench:peers` installs them.
    const installed = needed === undefined || existsSync(join(root, "tools/peers/node_modules", needed));
    const measured = found.results.filter((result) => result.name === name || result.name.startsWith(`${name}, p`));
    const missing = found.missing?.filter((entry) => entry.name === name || entry.name.startsWith(`${name}, p`)) ?? [];
    expect(output).toContain(`\n${installed ? "" : "missing: "}${name}`);
    if (!installed) {
      expect(measured).toEqual([]);
      expect(missing.map(({ reason }) => reason)).toEqual([expect.stringContaining("does not load")]);
      console.warn(`\n*** NOT RUN on this machine: ${name}, as tools/peers is not installed\n`);
      context.skip(`${needed} is not installed`);
    }
    expect(missing).toEqual([]);
    expect(measured).toHaveLength(peer.copies ? 1 : PROBABILITIES.length);
    for (const { nsPerElement, ratio } of measured) expect(nsPerElement > 0 && ratio > 0 && Number.isFinite(ratio)).toBe(true);
  });

  it.each([
    [["--size", "99"], "--size expected integer in [4, 26]"],
    [["--rounds", "0"], "--rounds expected integer"],
    [["--json", "no/such/directory/x.json"], "--json expected a path"],
    [["--part", "some"], "--part expected dropout or fused"],
    [["--nosuchflag"], "nosuchflag"],
  ])("refuses %j", (args, reason) => {
    expect(() => readOptions(args)).toThrow(UsageError);
    expect(() => readOptions(args)).toThrow(reason);
  });

  it("explains what it refuses", () => {
    const { status, stderr } = command("--filter", "nosuchpeer");
    expect(status).toBe(2);
    expect(stderr).toContain("nothing has");
    expect(stderr).toContain("--filter text");
  });
});
