// One case: a call of some operation, sound or with something wrong in it, and what holds of every call whatever comes of it.

import type { Call } from "./call.js";
import { Random } from "./random.js";
import { ROWS } from "./rows.js";
import { census, Places, resizable, type World } from "./world.js";

/** Messages of refusals name an argument first, in quotes. */
const NAMED = /^"[\w.[\]…]+(\(\))?" (expected|is no option)/;
const LONGEST_MESSAGE = 700;
const START = { version: 1, kind: "tile", seed: "42", nextStream: "100" } as const;

const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const detached = () => {
  const array = new Float32Array(8);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
};
const shrunk = () => {
  const buffer = resizable(64);
  const array = new Float32Array(buffer, 8, 4);
  (buffer as ArrayBuffer & { resize(bytes: number): void }).resize(4);
  return array;
};
const throwing = () =>
  new Proxy(
    {},
    {
      get: () => {
        throw new RangeError('"proxy" expected nobody to read it');
      },
    },
  );

/** Values that hardly any argument takes. */
const BAD: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => Number.NaN,
  () => -1,
  () => 1.5,
  () => 2 ** 53,
  () => Number.POSITIVE_INFINITY,
  () => -(2n ** 70n),
  () => 1n << 100_000n,
  () => "x".repeat(100_000),
  () => "",
  () => Symbol("s"),
  () => true,
  () => [],
  () => [-1, 2],
  () => new Array(2 ** 32 - 1),
  () => ({}),
  () => ({ length: 4 }),
  () => ({ [Symbol.toStringTag]: "Float32Array", length: 4, buffer: new ArrayBuffer(16), byteOffset: 0 }),
  () => new Float32Array(3),
  () => new Float64Array(5),
  () => new Uint8Array(2),
  () => new BigInt64Array(4),
  () => new DataView(new ArrayBuffer(8)),
  () => new Proxy(new Float32Array(4), {}),
  () => Object.defineProperties(new Float32Array(4), { length: { value: 1e6 }, buffer: { value: null }, byteOffset: { value: -8 } }),
  () => () => 1,
  revoked,
  throwing,
  detached,
  shrunk,
];

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Puts something wrong into a call's arguments; returns a word for it. */
function spoil({ args }: Call, random: Random): string {
  const at = random.integer(args.length);
  const given = args[at];
  if (!isPlain(given) || random.chance(0.1)) {
    args[at] = random.pick(BAD)();
    return `argument ${at}`;
  }
  if (random.chance(0.15)) {
    args[at] = { ...given, [random.pick(["traning", "Seed", "x".repeat(5000), "0"])]: 1 };
    return `key of argument ${at}`;
  }
  const key = random.pick(Object.keys(given).length === 0 ? ["out"] : Object.keys(given));
  const bad = random.pick(BAD)();
  const items: unknown = given[key];
  const place = random.integer(Array.isArray(items) ? items.length : 1);
  const value = Array.isArray(items) && random.chance(0.5) ? items.map((item, k) => (k === place ? bad : item)) : bad;
  args[at] = { ...given, [key]: value };
  return `${key} of argument ${at}`;
}

/** Has a property of the call's options or ticket call the instance when it is read, and give the same value: the call stays sound. */
function interrupt({ args }: Call, { dropout }: World, random: Random): void {
  const at = random.integer(args.length);
  const given = args[at];
  if (!isPlain(given) || Object.keys(given).length === 0) return;
  const key = random.pick(Object.keys(given));
  const value = given[key];
  const get = () => {
    dropout.dropout(new Float64Array(5), 0.1, { stream: 1, kind: "philox", start: 3 });
    return value;
  };
  args[at] = Object.defineProperty({ ...given }, key, { get, enumerable: true });
}

/** Runs case `index` of seed `seed`. Rejects with Error that says what is wrong, and how to run the case again. */
export async function runCase(world: World, seed: number, index: number): Promise<void> {
  const random = new Random(seed, index);
  const row = random.pick(ROWS);
  let stage = "making the call";
  try {
    let later: (() => Promise<void>) | undefined;
    world.other.tidy(() =>
      world.dropout.tidy(() => {
        later = tryRow(world, row, random, (text) => {
          stage = text;
        });
      }),
    );
    await later?.();
    const left = census(world.half.dropout);
    if (!left.endsWith("buffers: 0 of 0 bytes }")) throw new Error(`buffers are left: ${left}`);
  } catch (error) {
    const { message, stack } = error as Error;
    throw new Error(`npm run fuzz -- --seed ${seed} --case ${index}\n  ${row.name}, ${stage}: ${message}\n${stack}`, { cause: error });
  }
}

/** Makes a call and checks what came of it; of one that is promised, returns what waits for it and does so then. */
function tryRow(world: World, row: (typeof ROWS)[number], random: Random, say: (stage: string) => void): (() => Promise<void>) | undefined {
  world.dropout.restore(START);
  const places = new Places(world, random);
  const call = row.make({ world, random, places });
  const wrong = random.chance(0.35) ? spoil(call, random) : undefined;
  if (wrong === undefined && random.chance(0.15)) interrupt(call, world, random);
  say(wrong === undefined ? "sound" : `spoilt ${wrong}`);
  const size = world.dropout.memory.buffer.byteLength;
  const before = JSON.stringify(world.dropout.state);
  const judge = (result: unknown, refusal: unknown) => {
    if (refusal !== undefined) {
      checkRefusal(refusal);
      const { message } = refusal as Error;
      if (wrong === undefined && !call.refusal?.test(message)) throw new Error(`refused: ${message}`);
      if (JSON.stringify(world.dropout.state) !== before) throw new Error(`the state changed, although the call was refused: ${message}`);
      places.check([]);
    } else {
      places.check(call.results);
      if (wrong === undefined) call.check(result as never);
    }
    if (world.dropout.memory.buffer.byteLength !== size) throw new Error("the memory has grown");
  };
  places.snapshot();
  let result: unknown;
  try {
    result = call.call(...(call.args as never[]));
  } catch (error) {
    judge(undefined, error);
    return undefined;
  }
  if (result instanceof Promise) {
    const promise: Promise<unknown> = result;
    return () =>
      promise.then(
        (value) => judge(value, undefined),
        (error) => judge(undefined, error),
      );
  }
  judge(result, undefined);
  return undefined;
}

function checkRefusal(error: unknown): void {
  if (!(error instanceof TypeError) && !(error instanceof RangeError)) throw new Error(`threw ${error}`);
  const { message } = error;
  if (message.length > LONGEST_MESSAGE) throw new Error(`a message of ${message.length} characters: ${message.slice(0, 200)}`);
  if (!NAMED.test(message)) throw new Error(`a message that names no argument: ${error.stack}`);
}
