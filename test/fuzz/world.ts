// The objects under test, and arrays for them in every place that an array can have, with canaries around each.

import { inspect } from "node:util";
import type { ModuleName } from "../../modules.mjs";
import { createAttention } from "../../src/attention/index.js";
import type { Load } from "../../src/core/create.js";
import { createDropout, type Dropout } from "../../src/core/index.js";
import type { WasmBuffer } from "../../src/engine/buffer.js";
import { createFused } from "../../src/fused/index.js";
import { createHalf } from "../../src/half/index.js";
import { createLinear } from "../../src/linear/index.js";
import { createMonteCarlo } from "../../src/monte-carlo/index.js";
import { createNoise } from "../../src/noise/index.js";
import { createShapes } from "../../src/shapes/index.js";
import { FORMATS } from "../half/oracle.js";
import type { Random } from "./random.js";

export type Dtype = "f32" | "f64" | "f16" | "bf16";
export type Stored = Dtype | "bits" | "bytes" | "words";

const CANARY = 0xa5;
const MARGIN = 64;
const CLASSES = {
  f32: Float32Array,
  f64: Float64Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  bits: Uint8Array,
  bytes: Uint8Array,
  words: Uint32Array,
};
/** Bytes of wasm memory that are there before the first case, more than any case needs. */
const ROOM = 2 ** 24;

/** Bytes that a call may change only where a result of it lies. */
interface Region {
  readonly read: () => Uint8Array;
  before: Uint8Array;
}

/** An array or buffer, placed somewhere. */
export interface Placed {
  readonly value: unknown;
  /** The region that it lies in, and its bytes there. */
  readonly region: Region;
  readonly at: number;
  readonly bytes: number;
  /** Its numbers before the call. */
  readonly numbers: readonly number[];
}

/** The numbers that an array's elements stand for. */
export function numbersOf(stored: Stored, array: ArrayLike<number>): number[] {
  return Array.from(array, stored === "f16" || stored === "bf16" ? FORMATS[stored].decode : (value) => value);
}

/** Rounds a number to a dtype, as a kernel does that computes in f32 or f64. */
export function rounding(dtype: Dtype): (x: number) => number {
  if (dtype === "f64") return (x) => x;
  if (dtype === "f32") return Math.fround;
  const { encode, decode } = FORMATS[dtype];
  return (x) => decode(encode(Math.fround(x)));
}

const SPECIAL = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e-42, 3e38];

/** A buffer that can shrink: ES2024, which the declarations of the project's target do not know. */
export function resizable(bytes: number): ArrayBuffer {
  const Buffer = ArrayBuffer as new (bytes: number, options: { maxByteLength: number }) => ArrayBuffer;
  return new Buffer(bytes, { maxByteLength: bytes });
}

class Subclassed extends Float32Array {
  override get length(): number {
    return 3;
  }
}

export type World = Awaited<ReturnType<typeof makeWorld>>;

/** Returns the kernels of a module in JavaScript. */
async function plainModule(name: ModuleName): Promise<WebAssembly.Module> {
  const { load } = (await import(`../../src/${name}/plain.ts`)) as { load: Load };
  return load(false, false);
}

/** Makes the objects, once for all cases: their kernels are wasm, or `plain` JavaScript. */
export async function makeWorld(plain = false) {
  const of = async (name: ModuleName) => (plain ? { module: await plainModule(name) } : {});
  const dropout = await createDropout({ seed: 42, ...(await of("core")) });
  const half = await createHalf(dropout, await of("half"));
  const other = await createDropout({ seed: 1, ...(await of("core")) });
  const extended = half.dropout;
  const world = {
    dropout: extended as Dropout,
    half,
    shapes: await createShapes(extended, await of("shapes")),
    noise: await createNoise(extended, await of("noise")),
    linear: await createLinear(extended, await of("linear")),
    fused: await createFused(extended, await of("fused")),
    monteCarlo: await createMonteCarlo(extended, await of("monte-carlo")),
    attention: await createAttention(extended, await of("attention")),
    other,
  };
  for (const instance of [dropout, other]) instance.alloc("bytes", ROOM).free();
  return world;
}

/** Returns what the console says of the buffers of an instance. */
export function census(dropout: Dropout): string {
  return inspect(dropout).replace(/^.*memory/s, "memory");
}

/** The arrays of one case. */
export class Places {
  readonly #world: World;
  readonly #random: Random;
  readonly #regions: Region[] = [];

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  #region(read: () => Uint8Array): Region {
    const region = { read, before: new Uint8Array() };
    this.#regions.push(region);
    return region;
  }

  /** Places an array of `length` elements, with data or, where `special` is true, with every kind of number in them. */
  place(
    stored: Stored,
    length: number,
    special = false,
    where = this.#random.pick(["plain", "plain", "shared", "subclass", "resizable", "view", "buffer", "buffer", "other"]),
  ): Placed {
    const Class = CLASSES[stored];
    const size = Class.BYTES_PER_ELEMENT;
    const items = stored === "bits" ? Math.ceil(length / 8) : length;
    const bytes = items * size;
    const random = this.#random;
    const offset = MARGIN + size * random.integer(4);
    let value: unknown;
    let region: Region;
    let at = offset;
    if (where === "buffer" && stored !== "words") {
      const { dropout } = this.#world;
      const guards = [dropout.alloc("bytes", MARGIN), dropout.alloc(stored, length), dropout.alloc("bytes", MARGIN)] as WasmBuffer[];
      for (const guard of [guards[0], guards[2]] as WasmBuffer<"bytes">[]) {
        guard.array.fill(CANARY);
        this.#region(() => guard.array);
      }
      const buffer = guards[1] as WasmBuffer<"bytes">;
      value = buffer;
      at = 0;
      // The block's end belongs to nobody.
      const block = Math.max(1, Math.ceil(bytes / MARGIN)) * MARGIN;
      region = this.#region(() => new Uint8Array(dropout.memory.buffer, buffer.pointer, block));
      region.read().fill(CANARY, bytes);
    } else if (where === "other" && stored !== "words") {
      const buffer = this.#world.other.alloc(stored, length) as WasmBuffer<"bytes">;
      value = buffer;
      at = 0;
      region = this.#region(() => new Uint8Array(this.#world.other.memory.buffer, buffer.pointer, bytes));
    } else {
      const whole = offset + bytes + MARGIN;
      let memory: ArrayBufferLike;
      if (where === "view") {
        const held = this.#world.dropout.alloc("bytes", whole);
        memory = this.#world.dropout.memory.buffer;
        at = offset;
        const { pointer } = held;
        region = this.#region(() => new Uint8Array(memory, pointer, whole));
        value = new Class(memory as ArrayBuffer, pointer + offset, items);
      } else {
        memory = where === "shared" ? new SharedArrayBuffer(whole) : where === "resizable" ? resizable(whole) : new ArrayBuffer(whole);
        region = this.#region(() => new Uint8Array(memory));
        const Made = where === "subclass" && stored === "f32" ? Subclassed : Class;
        value = new Made(memory as ArrayBuffer, offset, items);
      }
      region.read().fill(CANARY);
    }
    const view = viewIn(Class, region, at, items);
    for (let i = 0; i < items; ++i) {
      const number = special && random.chance(0.05) ? random.pick(SPECIAL) : Math.sin(i * 7.3 + 1) * 4;
      view[i] =
        stored === "bits" || stored === "bytes" || stored === "words"
          ? random.integer(256)
          : stored === "f16" || stored === "bf16"
            ? FORMATS[stored].encode(number)
            : number;
    }
    return { value, region, at, bytes, numbers: numbersOf(stored, view) };
  }

  /** Notes what all arrays hold. */
  snapshot(): void {
    for (const region of this.#regions) region.before = region.read().slice();
  }

  /** Throws if a byte changed that belongs to none of `results`. */
  check(results: readonly Placed[]): void {
    for (const region of this.#regions) {
      const now = region.read();
      const { before } = region;
      const own = results.filter((result) => result.region === region);
      if (own.length === 0 && Buffer.compare(now, before) === 0) continue;
      for (let k = 0; k < now.length; ++k) {
        if (now[k] !== before[k] && !own.some(({ at, bytes }) => k >= at && k < at + bytes))
          throw new Error(`byte ${k} of ${now.length} changed outside the results`);
      }
    }
  }
}

function viewIn(Class: (typeof CLASSES)[Stored], region: Region, at: number, items: number) {
  const { buffer, byteOffset } = region.read();
  return new Class(buffer as ArrayBuffer, byteOffset + at, items);
}

/** Returns the numbers of a result: a typed array, or a buffer. */
export function resultOf(stored: Stored, result: unknown): number[] {
  const array = ArrayBuffer.isView(result) ? result : (result as WasmBuffer).array;
  const { buffer, byteOffset, byteLength } = array as Uint8Array;
  const Class = CLASSES[stored];
  return numbersOf(stored, new Class(buffer as ArrayBuffer, byteOffset, byteLength / Class.BYTES_PER_ELEMENT));
}
