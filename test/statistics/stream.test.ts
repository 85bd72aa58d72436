// `npm run stream`: its bytes are those of the stream, and it ends in good order.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../../bench/command-line.js";
import { normal, uniform } from "../../docs/normal-reference.js";
import { keep } from "../../docs/reference.js";
import { createDropout, type Dropout } from "../../src/core/index.js";
import { createNoise, type Noise } from "../../src/noise/index.js";
import { uniforms } from "../support/oracle.js";
import { normalByte } from "./battery.js";
import { bytesOf, type Draw, WHATS } from "./bytes.js";
import { readOptions, USAGE } from "./options.js";

const COMMAND = ["--import", "tsx", fileURLToPath(new URL("stream.ts", import.meta.url))];
const run = (...args: string[]) =>
  spawnSync(process.execPath, [...COMMAND, ...args], { maxBuffer: 2 ** 26, env: { ...process.env, npm_lifecycle_event: "" } });

let dropout: Dropout;
let noise: Noise;
beforeAll(async () => {
  dropout = await createDropout({ seed: 7 });
  noise = await createNoise(dropout);
});

/** The first bytes of a stream, by the references. */
function expected({ what, kind, seed, stream }: Draw, count: number): Uint8Array {
  const at = (i: number): number => {
    if (what === "normal") return normalByte(normal(seed, stream, BigInt(i)));
    if (what === "uniform") return ((uniform(seed, stream, BigInt(Math.floor(i / 3))) * 2 ** 24) >>> (8 * (i % 3))) & 255;
    if (what === "bytes") return Math.floor((uniforms(kind, seed, stream, i, 1)[0] as number) / 2 ** (kind === "tile" ? 40 : 24));
    return [0, 1, 2, 3, 4, 5, 6, 7].reduce((sum, b) => sum + (Number(keep(kind, seed, stream, 0.5, BigInt(8 * i + b))) << b), 0);
  };
  return Uint8Array.from({ length: count }, (_, i) => at(i));
}

describe.each(WHATS)("%s", (what) => {
  it.each(["tile", "philox"] as const)("are those of the stream: %s", (kind) => {
    const draw = { what, kind, seed: 2n ** 63n + 5n, stream: 9n };
    const pieces = [...bytesOf(dropout, noise, draw, 10)];
    expect(pieces).toEqual([expected(draw, 10)]);
  });
});

it("goes on from piece to piece, and ends after the last byte", () => {
  const draw = { what: "uniform", kind: "tile", seed: 3n, stream: 4n } as const;
  const all = [...bytesOf(dropout, noise, draw, 3 * 2 ** 18 + 7)];
  expect(all.map((piece) => piece.length)).toEqual([3 * 2 ** 18, 7]);
  const last = uniform(3n, 4n, 2n ** 18n + 1n) * 2 ** 24;
  expect([...(all[1] as Uint8Array)].slice(3, 6)).toEqual([last & 255, (last >> 8) & 255, last >> 16]);
});

it("writes what it is asked for", () => {
  const { status, stdout, stderr } = run("--kind", "philox", "--seed", "42", "--stream", "3", "--what", "bits", "--bytes", "100001");
  expect([status, stderr.toString()]).toEqual([0, ""]);
  const whole = Buffer.concat([...bytesOf(dropout, noise, { what: "bits", kind: "philox", seed: 42n, stream: 3n }, 100_001)]);
  expect(stdout.equals(whole)).toBe(true);
});

it("ends without a word where the reader closes the pipe", async () => {
  const child = spawn(process.execPath, [...COMMAND, "--bytes", "1000000000000"], { env: { ...process.env, npm_lifecycle_event: "" } });
  let errors = "";
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const ended = once(child, "close");
  await once(child.stdout, "data");
  child.stdout.destroy();
  expect(await ended).toEqual([0, null]);
  expect(errors).toBe("");
});

it("ends with code 2, words and nothing else for options that make no sense", () => {
  const { status, stdout, stderr } = run("--bytes", "8", "--byte", "8");
  expect([status, stdout.length]).toEqual([2, 0]);
  expect(stderr.toString()).toBe(`Unknown option '--byte'\n\n${USAGE}\n`);
});

it.each([
  ["--bytes expected", []],
  ["--bytes expected integer in [1, 1125899906842624]", ["--bytes", "0"]],
  ["--bytes expected integer in [1, 1125899906842624]", ["--bytes", "1125899906842625"]],
  ["--bytes expected integer in [1, 9007199254740992]", ["--bytes", "9007199254740993", "--what", "normal"]],
  ['--bytes expected integer in [1, 1125899906842624], got "1e6"', ["--bytes", "1e6"]],
  ['--kind expected tile, philox, got "normal"', ["--bytes", "8", "--kind", "normal"]],
  ["--what expected bits, bytes, uniform, normal", ["--bytes", "8", "--what", "words"]],
  ["--seed expected integer in [0, 18446744073709551615]", ["--bytes", "8", "--seed", "18446744073709551616"]],
  ["--seed", ["--bytes", "8", "--seed=-1"]],
  ["--stream expected integer in [0, 18446744073709551615]", ["--bytes", "8", "--stream", "9".repeat(10_000)]],
  ["Unexpected argument '8'", ["8"]],
])("refuses: %s", (message, args) => {
  let refusal: unknown;
  try {
    readOptions([...args]);
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(UsageError);
  expect((refusal as UsageError).message).toContain(message);
  expect((refusal as UsageError).message.length).toBeLessThan(250);
});
