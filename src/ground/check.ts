// Every refusal of the package, in one shape: a TypeError for a wrong kind, a RangeError for a wrong value, and the message
// `"p" expected number in [0, 1], got 1.5`.

// The most characters of a value that a message repeats.
const MOST_SHOWN = 40;

/** Returns text cut to the length that messages may repeat. */
export function shorten(text: string): string {
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}

/** Returns a description of a value for a message: bounded in length for every value. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return `string ${JSON.stringify(shorten(value))}`;
    case "number":
    case "boolean":
    case "undefined":
      return String(value);
    case "bigint":
      // Long integers are not converted: that takes quadratic time.
      return BigInt.asIntN(128, value) === value ? `${value}n` : "bigint of more than 128 bits";
    case "function":
    case "symbol":
      return typeof value;
  }
  if (value === null) return "null";
  return describeObject(value as object);
}

function describeObject(value: object): string {
  try {
    const tag = tagOf(value);
    const name = tag ?? Object.prototype.toString.call(value).slice("[object ".length, -1);
    const shown = tag === undefined && name === "Object" ? classOf(value) : name;
    const length = tag !== undefined && isTypedArray(value) ? lengthOf(value) : (value as { length?: unknown }).length;
    return typeof length === "number" ? `${shorten(shown)}(${length})` : shorten(shown);
  } catch {
    // A proxy or a getter that throws: its own error would hide which argument was wrong.
    return "object that cannot be read";
  }
}

function classOf(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? name : "object";
}

// The getters of %TypedArray%.prototype read internal slots: own properties of an array cannot change what they return, and they work for
// arrays of every realm (iframe, vm context, edge sandbox).
function intrinsic(key?: "length" | "byteLength" | "buffer" | "byteOffset"): () => unknown {
  const prototype: object = Object.getPrototypeOf(Uint8Array.prototype);
  return Object.getOwnPropertyDescriptor(prototype, key ?? Symbol.toStringTag)?.get as () => unknown;
}
const TAG = /* @__PURE__ */ intrinsic();
const LENGTH = /* @__PURE__ */ intrinsic("length");
const BYTES = /* @__PURE__ */ intrinsic("byteLength");
const BUFFER = /* @__PURE__ */ intrinsic("buffer");
const OFFSET = /* @__PURE__ */ intrinsic("byteOffset");
// Throws where the buffer of a typed array is detached, or has been made too short for it, in every engine.
const KEYS = /* @__PURE__ */ typedArrayKeys();
function typedArrayKeys(): () => unknown {
  return (Object.getPrototypeOf(Uint8Array.prototype) as { keys: () => unknown }).keys;
}

/** Returns the number of items of a typed array; 0 once its buffer is detached. */
export function lengthOf(array: ArrayBufferView): number {
  return LENGTH.call(array) as number;
}

/** Returns the number of bytes of a typed array; 0 once its buffer is detached. */
export function bytesOf(array: ArrayBufferView): number {
  return BYTES.call(array) as number;
}

/** Returns the buffer of a typed array. */
export function bufferOf(array: ArrayBufferView): ArrayBufferLike {
  return BUFFER.call(array) as ArrayBufferLike;
}

/** Returns the byte offset of a typed array in its buffer; 0 once that is detached. */
export function offsetOf(array: ArrayBufferView): number {
  return OFFSET.call(array) as number;
}

/** Returns true if `value` is a typed array of any realm. */
export function isTypedArray(value: unknown): value is ArrayBufferView {
  return TAG.call(value) !== undefined;
}

/** Returns the name of a typed array's class, or the tag of another built-in class; undefined for ordinary objects. */
export function tagOf(value: object): string | undefined {
  const tag = (TAG.call(value) ?? (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]) as unknown;
  return typeof tag === "string" ? tag : undefined;
}

/** Returns the error for a value of the wrong kind; `cause` is the engine's own error, if there is one. */
export function wrongKind(name: string, expected: string, got: unknown, cause?: unknown): TypeError {
  return new TypeError(`"${name}" expected ${expected}, got ${describe(got)}`, causeOf(cause));
}

/** Returns the error for an object that is not in the state which a call needs. */
export function wrongState(name: string, expected: string, got: string): TypeError {
  return new TypeError(`"${name}" expected ${expected}, got ${got}`);
}

/** Returns the error for a value of the right kind that is out of range. `got` is shown by describe(), unless the caller has put it in words. */
export function wrongValue(name: string, expected: string, got: string | number | bigint, cause?: unknown): RangeError {
  return new RangeError(`"${name}" expected ${expected}, got ${typeof got === "string" ? got : describe(got)}`, causeOf(cause));
}

// Without a cause an error has no such property at all.
function causeOf(cause: unknown): ErrorOptions | undefined {
  return cause === undefined ? undefined : { cause };
}

/** Throws unless `value` is a number in [0, 1]. */
export function checkProbability(value: unknown, name: string): asserts value is number {
  checkNumber(value, name, 0, 1);
}

/** Throws unless `value` is a number in [min, max]. */
export function checkNumber(value: unknown, name: string, min: number, max: number): asserts value is number {
  if (typeof value === "number" && value >= min && value <= max) return;
  throw refusal(`number in [${min}, ${max}]`, value, name);
}

/** Throws unless `value` is a number in [0, 1). */
export function checkBelowOne(value: unknown, name: string): asserts value is number {
  if (typeof value === "number" && value >= 0 && value < 1) return;
  throw refusal("number in [0, 1)", value, name);
}

/** Throws unless `value` is a finite number that is not negative. */
export function checkAmount(value: unknown, name: string): asserts value is number {
  if (typeof value === "number" && value >= 0 && value < Infinity) return;
  throw refusal("finite number of at least 0", value, name);
}

/** Returns the error for a value that is no number, or one that is out of range. */
function refusal(expected: string, value: unknown, name: string): TypeError | RangeError {
  return typeof value === "number" ? wrongValue(name, expected, value) : wrongKind(name, expected, value);
}

/** Throws unless `value` is an integer in [min, max]. */
export function checkInteger(value: unknown, name: string, min: number, max: number): asserts value is number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return;
  throw refusal(`integer in [${min}, ${max}]`, value, name);
}

/** Throws unless `value` is one of `choices`. */
export function checkChoice<T extends string>(value: unknown, name: string, choices: readonly T[]): asserts value is T {
  // The first choice is the commonest, and a comparison costs less than a search.
  if (value === choices[0] || choices.includes(value as T)) return;
  const expected = choices.map((choice) => JSON.stringify(choice)).join(" or ");
  if (typeof value !== "string") throw wrongKind(name, expected, value);
  throw wrongValue(name, expected, describe(value));
}

/** Returns true if `value` is an array, of whatever realm; Array.isArray() throws on proxies that were revoked. */
export function isArray(value: unknown): value is unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** Throws unless `value` is an object of named properties: no array, typed array or buffer. */
export function checkObject(value: unknown, name: string, expected: string): asserts value is object {
  try {
    if (typeof value === "object" && value !== null && !Array.isArray(value) && !(Symbol.toStringTag in value)) return;
  } catch (cause) {
    // A proxy that was revoked, or whose handler throws.
    throw wrongKind(name, expected, value, cause);
  }
  throw wrongKind(name, expected, value);
}

/** Throws TypeError unless `value` is a function. */
export function checkFunction(value: unknown, name: string): asserts value is (...args: never[]) => unknown {
  if (typeof value !== "function") throw wrongKind(name, "function", value);
}

/** Returns true if `value` is a promise of any library. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

/** Throws unless `value` is a boolean or undefined. */
export function checkFlag(value: unknown, name: string): asserts value is boolean | undefined {
  if (value !== undefined && typeof value !== "boolean") throw wrongKind(name, "boolean", value);
}

/** Throws TypeError unless `value` is an ArrayBuffer or a Uint8Array. */
export function checkBytes(value: unknown, name: string): asserts value is ArrayBuffer | Uint8Array {
  if (isArrayBuffer(value) || TAG.call(value) === "Uint8Array") return;
  throw wrongKind(name, "ArrayBuffer or Uint8Array", value);
}

const BYTE_LENGTH = /* @__PURE__ */ byteLengthGetter();
function byteLengthGetter(): () => number {
  return Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength")?.get as () => number;
}

/** Returns true if `value` is an ArrayBuffer of any realm; a SharedArrayBuffer is none. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  try {
    BYTE_LENGTH.call(value);
    return true;
  } catch {
    return false;
  }
}

/** Throws TypeError if the array's buffer was detached (transferred, or wasm memory that has grown since) or made too short for the array. */
export function checkAttached(array: ArrayBufferView, name: string): void {
  if (lengthOf(array) > 0) return;
  try {
    KEYS.call(array);
  } catch (cause) {
    if (isDetached(bufferOf(array))) throw detached(array, name, cause);
    throw wrongKind(name, "array within its buffer, which was made too short for it", array, cause);
  }
}

/** Returns the error for an array whose buffer was detached. */
export function detached(array: ArrayBufferView, name: string, cause?: unknown): TypeError {
  return wrongKind(name, "attached array (growth of wasm memory detaches views of it: take buffer.array anew)", array, cause);
}

function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    // The `detached` property is younger than the engines supported.
    new Uint8Array(buffer, 0, 0);
    return false;
  } catch {
    return true;
  }
}
