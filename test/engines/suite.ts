// The same checks for every JavaScript engine: bundled, or imported as it is, and run inside the engine. Uses nothing but the package, pure
// JavaScript, and what all engines have.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { compileDropout, createDropout, Dropout, keepProbability, simdSupported, type WasmBuffer } from "wasm-dropout";
import { createMonteCarlo } from "wasm-dropout/monte-carlo";
import vectors from "../vectors/keep-streams.json" with { type: "json" };
import { END_LENGTH, endsOf, LONG_MASKS, OUTPUT_LENGTH, sampleData } from "./data.js";
import { ENTRIES } from "./entries.js";
import { bytesOf, equal, rejectsWith, throwsWith } from "./expect.js";
import { float16Array } from "./extensions/float16.js";
import { checkAbort } from "./extensions/monte-carlo.js";
import { KINDS } from "./extensions/operands.js";
import { extensionChecks, type Hashes } from "./extensions.js";

/** The report of an engine. */
export interface Report {
  readonly builds: readonly BuildReport[];
  /** The build that the engine picks by itself. */
  readonly simdSupported: boolean;
  /** True if it has arrays of f16, and so was checked with them. */
  readonly float16Array: boolean;
  /** Names of the package's exports. */
  readonly exports: readonly string[];
}

/** The results with one build of the kernels. */
export interface BuildReport {
  readonly build: "simd" | "scalar" | "JavaScript";
  /** Names of the checks that passed. */
  readonly passed: readonly string[];
  readonly failures: readonly { readonly check: string; readonly error: string }[];
  /** SHA-256 of both ends of all long masks, and of what dropout and its backward pass make of data there, f32 and f64. */
  readonly ends: string;
  /** SHA-256 of all long masks, of the SIMD build: of the others both ends must do, as to hash them takes most of the time. */
  readonly masks?: string;
  /** SHA-256 of the outputs of dropout and of its backward pass by these masks, f32 and f64. */
  readonly outputs?: string;
  /** SHA-256 of the results of each extension whose check passed. */
  readonly extensions: Partial<Hashes>;
  /** Time of f32 dropout in wasm memory. */
  readonly nsPerElement: number;
}

/** The abilities of the engine. */
export interface Engine {
  /** True if bytes may be compiled. */
  readonly compilesBytes: boolean;
  /** True for the entries whose kernels are JavaScript. */
  readonly plain?: boolean;
  /** False if buffers cannot be detached. */
  readonly detaches?: boolean;
  /** Extensions that are not tried. */
  readonly untried?: readonly string[];
}

const EDGES = [0, 1, 15, 16, 17, 4095, 4096, 4097];

export async function runSuite(engine: Engine): Promise<Report> {
  const builds = engine.plain ? [await runBuild(false, engine)] : [await runBuild(true, engine), await runBuild(false, engine)];
  return { builds, simdSupported: simdSupported(), float16Array, exports: Object.keys(await import("wasm-dropout")).sort() };
}

async function runBuild(simd: boolean, { compilesBytes, plain = false, detaches = true, untried = [] }: Engine): Promise<BuildReport> {
  const passed: string[] = [];
  const failures: { check: string; error: string }[] = [];
  const check = async (name: string, act: () => unknown) => {
    try {
      await act();
      passed.push(name);
    } catch (error) {
      failures.push({ check: name, error: error instanceof Error ? `${error}\n${error.stack}` : String(error) });
    }
  };

  const module = await compileDropout({ simd });
  const dropout = new Dropout(module, { seed: 42 });
  const hashes: { ends: string; masks?: string; outputs?: string } = { ends: "" };
  const extensions: { -readonly [E in keyof Hashes]?: string } = {};
  await check("known answers", () => checkKnownAnswers(dropout));
  await check("SHA-256 of both ends of long masks", () => Object.assign(hashes, { ends: hashEnds(dropout) }));
  if (simd) await check(LONG_MASKS, () => Object.assign(hashes, hashLongMasks(dropout)));
  await check("the mask of a slice is the slice of the mask", () => checkSlices(dropout));
  await check("backward from a ticket, a bit mask and a byte mask, in and out of place", () => checkBackward(dropout));
  await check("p = 0, p = 1 and dropped NaN", () => checkLimits(dropout));
  await check("growth of memory while views are alive", () => checkGrowth(dropout, detaches));
  await check("use after free", () => checkFree(dropout));
  await check("saved states", () => checkStates(module));
  await check("bad input", () => checkRefusals(dropout));
  await check("realised probabilities", checkProbabilities);
  await check("ways to make an instance", () => (plain ? checkPlain(module) : checkCreation(module, simd, compilesBytes)));
  for (const [name, hash] of Object.entries(extensionChecks(ENTRIES, simd))) {
    if (untried.includes(name)) continue;
    await check(`every operation of ${name}`, async () => {
      extensions[name as keyof Hashes] = await hash(new Dropout(module, { seed: 42 }));
    });
  }
  await check("a run of passes ended by a timer", async () => checkAbort(await createMonteCarlo(dropout, { simd })));
  return {
    build: plain ? "JavaScript" : simd ? "simd" : "scalar",
    passed,
    failures,
    ...hashes,
    extensions,
    nsPerElement: await time(dropout),
  };
}

function checkKnownAnswers(dropout: Dropout): void {
  for (const { p, count, bits, ...rest } of vectors.cases) {
    const options = drawOf(rest);
    equal(bytesToHex(dropout.mask(count, p, options)), bits, "bits");
    const bytes = dropout.mask(count, p, { ...options, format: "bytes" });
    equal(bytesToHex(pack(bytes)), bits, "bytes");
    using buffer = dropout.alloc("bits", count);
    dropout.mask(count, p, { ...options, out: buffer });
    equal(bytesToHex(buffer.array), bits, "bits in wasm memory");
  }
}

/** Returns a hash of masks, and of data that are dropped by them forward and backward. */
function hashEnds(dropout: Dropout): string {
  const hash = sha256.create();
  for (const { p, count, sha256: _, ...rest } of vectors.hashed) {
    for (const start of endsOf({ ...rest, count })) {
      const options = { ...drawOf(rest), start };
      hash.update(dropout.mask(END_LENGTH, p, options));
      for (const dtype of ["f32", "f64"] as const) {
        const { y, ticket } = dropout.forward(sampleData(dtype, END_LENGTH) as Float32Array, p, options);
        hash.update(bytesOf(y));
        hash.update(bytesOf(dropout.backward(y, JSON.parse(JSON.stringify(ticket))).dx));
      }
    }
  }
  return bytesToHex(hash.digest());
}

function hashLongMasks(dropout: Dropout): { masks: string; outputs: string } {
  const masks = sha256.create();
  const outputs = sha256.create();
  for (const { p, count, sha256: expected, ...rest } of vectors.hashed) {
    const options = drawOf(rest);
    const mask = dropout.mask(count, p, options);
    equal(bytesToHex(sha256(mask)), expected, "hash of mask");
    masks.update(mask);
    for (const dtype of ["f32", "f64"] as const) {
      const x = sampleData(dtype, OUTPUT_LENGTH);
      const { y, ticket } = dropout.forward(x as Float32Array, p, options);
      outputs.update(bytesOf(y));
      outputs.update(bytesOf(dropout.backward(y, JSON.parse(JSON.stringify(ticket))).dx));
    }
  }
  return { masks: bytesToHex(masks.digest()), outputs: bytesToHex(outputs.digest()) };
}

function checkSlices(dropout: Dropout): void {
  for (const kind of KINDS) {
    const whole = dropout.mask(10_000, 0.3, { kind, stream: 5, format: "bytes" });
    for (const start of EDGES) {
      for (const length of EDGES) {
        const slice = dropout.mask(length, 0.3, { kind, stream: 5, start, format: "bytes" });
        equal(bytesToHex(slice), bytesToHex(whole.subarray(start, start + length)), `${kind} ${start}+${length}`);
      }
    }
  }
}

function checkBackward(dropout: Dropout): void {
  for (const length of EDGES) {
    const mask = new Uint8Array(Math.ceil(length / 8));
    const x = sampleData("f32", length);
    const { y, ticket } = dropout.forward(x, 0.4, { mask });
    const expected = bytesToHex(bytesOf(dropout.backward(x, ticket).dx));
    equal(bytesToHex(bytesOf(y)), expected, "forward is its own backward");
    equal(bytesToHex(bytesOf(dropout.backward(x, { p: 0.4 }, { mask }).dx)), expected, "bit mask");
    const bytes = dropout.replay(ticket, { format: "bytes" });
    equal(bytesToHex(bytesOf(dropout.backward(x, { p: 0.4 }, { mask: bytes, format: "bytes" }).dx)), expected, "byte mask");
    using buffer = dropout.from(x);
    dropout.backward(buffer, ticket, {}, { dx: buffer });
    equal(bytesToHex(bytesOf(buffer.array)), expected, "buffer in place");
    dropout.backward(x, ticket, {}, { dx: x });
    equal(bytesToHex(bytesOf(x)), expected, "array in place");
  }
}

function checkLimits(dropout: Dropout): void {
  const x = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, -1, 1e-42);
  const bits = bytesToHex(bytesOf(x));
  equal(bytesToHex(bytesOf(dropout.dropout(x, 0))), bits, "p = 0");
  equal(bytesToHex(bytesOf(dropout.dropout(x, 0.5, { training: false }))), bits, "not training");
  equal(bytesToHex(bytesOf(dropout.dropout(x, 1))), "00".repeat(x.byteLength), "p = 1");
  const poison = new Float32Array(5000).fill(Number.NaN);
  const mask = new Uint8Array(625);
  const y = dropout.dropout(poison, 0.5, { mask });
  for (let i = 0; i < y.length; ++i) {
    const kept = ((mask[i >> 3] as number) >> (i & 7)) & 1;
    if (kept ? !Number.isNaN(y[i]) : !Object.is(y[i], 0)) throw new Error(`element ${i} is ${y[i]}`);
  }
}

function checkGrowth(dropout: Dropout, detaches: boolean): void {
  const x = dropout.from(sampleData("f32", 5000));
  const y = dropout.alloc("f32", 5000);
  const before = x.array;
  const expected = bytesToHex(bytesOf(dropout.dropout(sampleData("f32", 5000), 0.5, { stream: 1 })));
  const grown: WasmBuffer[] = [];
  for (let round = 0; round < 3; ++round) {
    grown.push(dropout.alloc("f64", 300_000));
    if (detaches) equal(before.length, 0, "length of a view from before");
    else equal(Number.isNaN(before[0]), true, "a view from before has no numbers");
    dropout.dropout(x, 0.5, { stream: 1, out: y });
    equal(bytesToHex(bytesOf(y.array)), expected, "after growth");
  }
  throwsWith(TypeError, '"x" expected attached array', () => dropout.dropout(before, 0.5));
  for (const buffer of [x, y, ...grown]) buffer.free();
}

function checkFree(dropout: Dropout): void {
  const x = dropout.alloc("f32", 16);
  const { pointer } = x;
  x.free();
  x.free();
  throwsWith(TypeError, '"x" expected live buffer, got freed f32 buffer(16)', () => dropout.dropout(x, 0.5));
  const again = dropout.alloc("f32", 16);
  equal(again.pointer, pointer, "address of the next buffer");
  again.free();
}

function checkStates(module: WebAssembly.Module): void {
  const first = new Dropout(module, { seed: (1n << 64n) - 1n, kind: "philox" });
  first.mask(10, 0.5);
  const saved = JSON.stringify(first.state);
  const expected = [first.mask(100, 0.5), first.mask(100, 0.5)].map(bytesToHex).join();
  const second = new Dropout(module, { state: JSON.parse(saved) });
  equal([second.mask(100, 0.5), second.mask(100, 0.5)].map(bytesToHex).join(), expected, "masks after a saved state");
  const [a, b] = [new Dropout(module), new Dropout(module)];
  if (a.seed === b.seed) throw new Error(`two instances drew the same seed ${a.seed}`);
}

function checkRefusals(dropout: Dropout): void {
  const x = sampleData("f32", 100);
  const out = new Float32Array(100).fill(7);
  const { nextStream } = dropout.state;
  // The types forbid some of these.
  const call = dropout.dropout.bind(dropout) as (x: unknown, p: unknown, options?: object) => unknown;
  const refusals: [new (message: string) => Error, string, unknown, unknown, object?][] = [
    [RangeError, '"p" expected number in [0, 1], got 1.5', x, 1.5],
    [RangeError, '"p" expected number in [0, 1], got NaN', x, Number.NaN],
    [TypeError, '"p" expected number in [0, 1], got string "0.5"', x, "0.5"],
    [TypeError, '"x" expected Float32Array, Float64Array or buffer of f32 or f64, got Array(1)', [1], 0.5],
    [TypeError, '"out" expected Float32Array or f32 buffer, got Float64Array(100)', x, 0.5, { out: new Float64Array(100) }],
    [RangeError, '"out" expected length 100, got 99', x, 0.5, { out: new Float32Array(99) }],
    [
      RangeError,
      '"seed" expected safe integer or bigint in [0, 2^64) (for a negative one, take BigInt.asUintN(64, BigInt(value))), got -1',
      x,
      0.5,
      { seed: -1 },
    ],
    [RangeError, `"kind" expected ${KINDS.map((kind) => `"${kind}"`).join(" or ")}, got string "x"`, x, 0.5, { kind: "x" }],
  ];
  for (const [type, message, data, p, options] of refusals) throwsWith(type, message, () => call(data, p, { out, ...options }));
  throwsWith(RangeError, '"length" expected', () => dropout.alloc("f32", 2 ** 40));
  if (!out.every((value) => value === 7)) throw new Error("a refused call has written");
  equal(dropout.state.nextStream, nextStream, "stream number after refused calls");
  equal(dropout.dropout(x, 0.5, { out }), out, "result of the next call");
}

function checkProbabilities(): void {
  const realised = [0, 2 ** -48, 0.1, 0.5, 1 - 2 ** -48, 1].map((p) => 1 - keepProbability(p));
  equal(realised.join(), [0, 2 ** -48, 28147497671066 / 2 ** 48, 0.5, 1 - 2 ** -48, 1].join(), "P(drop)");
  equal(keepProbability(0.1, "philox"), 1 - 429496730 / 2 ** 32, "keep probability of philox");
}

async function checkCreation(module: WebAssembly.Module, simd: boolean, compilesBytes: boolean): Promise<void> {
  const draw = (dropout: Dropout) => bytesToHex(dropout.mask(1000, 0.5, { stream: 0 }));
  const expected = draw(new Dropout(module, { seed: 9 }));
  equal(draw(await createDropout({ seed: 9 })), expected, "by default");
  equal(draw(await createDropout({ simd, seed: 9 })), expected, "chosen build");
  equal(draw(await createDropout({ module, seed: 9 })), expected, "given module");
  equal(await compileDropout({ simd }), module, "second compilation");
  // Not by name: there is no such entry of JavaScript.
  const { dropoutBytes } = await import("wasm-dropout/inline");
  const fromBytes = createDropout({ bytes: dropoutBytes({ simd }), seed: 9 });
  if (compilesBytes) {
    equal(draw(await fromBytes), expected, "given bytes");
  } else {
    const error = await fromBytes.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    // Of another realm where the engine makes it.
    if ((error as Error | undefined)?.message === undefined) throw new Error("bytes were compiled where that should be forbidden");
  }
}

async function checkPlain(module: WebAssembly.Module): Promise<void> {
  const draw = (dropout: Dropout) => bytesToHex(dropout.mask(1000, 0.5, { stream: 0 }));
  const expected = draw(new Dropout(module, { seed: 9 }));
  equal(draw(await createDropout({ seed: 9 })), expected, "by default");
  equal(draw(await createDropout({ simd: false, seed: 9 })), expected, "chosen build");
  equal(draw(await createDropout({ module, seed: 9 })), expected, "given module");
  equal(await compileDropout(), module, "second compilation");
  await rejectsWith(RangeError, '"simd" expected false', createDropout({ simd: true }));
  const host = { memory: {} as WebAssembly.Memory, region: { start: 65_536, bytes: 262_144 } };
  await rejectsWith(TypeError, '"host" expected nothing', createDropout({ host }));
}

/** Nanoseconds an element of f32 dropout in wasm memory; the fastest of several spans, each long enough for a coarse clock. */
async function time(dropout: Dropout): Promise<number> {
  const length = 2 ** 18;
  const leastMs = 50;
  using x = dropout.from(sampleData("f32", length));
  using y = dropout.alloc("f32", length);
  let best = Number.POSITIVE_INFINITY;
  let calls = 4;
  for (let span = 0; span < 5; ) {
    const start = performance.now();
    for (let call = 0; call < calls; ++call) dropout.dropout(x, 0.1, { out: y });
    // Clocks of edge runtimes stand still until the code waits for something.
    await new Promise((resolve) => setTimeout(resolve, 1));
    const elapsed = performance.now() - start;
    if (elapsed < leastMs) {
      calls *= 2;
    } else {
      best = Math.min(best, (elapsed * 1e6) / (calls * length));
      ++span;
    }
  }
  return best;
}

function drawOf({ stream_kind, seed, stream, start }: { stream_kind: string; seed: string; stream: string; start: number }) {
  return { kind: stream_kind as "tile" | "philox", seed: BigInt(seed), stream: BigInt(stream), start };
}

function pack(bytes: Uint8Array): Uint8Array {
  const bits = new Uint8Array(Math.ceil(bytes.length / 8));
  bytes.forEach((keep, i) => {
    bits[i >> 3] = (bits[i >> 3] as number) | (keep << (i & 7));
  });
  return bits;
}
