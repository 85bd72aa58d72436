// Every refusal of the package, in one shape: a TypeError for a wrong kind, a RangeError for a wrong value, and the message
// `"p" expected number in [0, 1], got 1.5`.

/** How a message shows a value: bounded in length. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return `string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
    case "number":
    case "boolean":
    case "undefined":
      return String(value);
    case "bigint":
      return `${value}n`;
    case "function":
    case "symbol":
      return typeof value;
  }
  if (value === null) return "null";
  const { length } = value as { length?: unknown };
  const name = tagOf(value as object) ?? (value as object).constructor?.name ?? "object";
  return typeof length === "number" ? `${name}(${length})` : name;
}

/** The name of a typed array's class, which unlike the class itself is the same in every realm (iframe, vm context, edge sandbox). */
export function tagOf(value: object): string | undefined {
  return (value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag];
}

/** A value of the wrong kind; `cause` is what another part of the engine said, if one did. */
export function wrongKind(name: string, expected: string, got: unknown, cause?: unknown): TypeError {
  return new TypeError(`"${name}" expected ${expected}, got ${describe(got)}`, optionsOf(cause));
}

/** A value of the right kind that is out of range. `got` is shown by describe(), or as it is where the caller has put it in words. */
export function wrongValue(name: string, expected: string, got: string | number | bigint, cause?: unknown): RangeError {
  return new RangeError(`"${name}" expected ${expected}, got ${typeof got === "string" ? got : describe(got)}`, optionsOf(cause));
}

// Without a cause an error has no such property at all.
function optionsOf(cause: unknown): ErrorOptions | undefined {
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

/** A value that is no number, or one that is out of range. */
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
  if (choices.includes(value as T)) return;
  const expected = choices.map((choice) => JSON.stringify(choice)).join(" or ");
  if (typeof value !== "string") throw wrongKind(name, expected, value);
  throw wrongValue(name, expected, describe(value));
}

/** Throws unless `value` is an object with properties to read: no array, typed array or buffer that took the place of one. */
export function checkObject(value: unknown, name: string, expected: string): asserts value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value) || tagOf(value) !== undefined)
    throw wrongKind(name, expected, value);
}

/** Throws unless `value` is a boolean or undefined. */
export function checkFlag(value: unknown, name: string): asserts value is boolean | undefined {
  if (value !== undefined && typeof value !== "boolean") throw wrongKind(name, "boolean", value);
}

/** Throws TypeError unless `value` is an ArrayBuffer or a Uint8Array. */
export function checkBytes(value: unknown, name: string): asserts value is ArrayBuffer | Uint8Array {
  const tag = typeof value === "object" && value !== null ? tagOf(value) : undefined;
  if (tag !== "ArrayBuffer" && tag !== "Uint8Array") throw wrongKind(name, "ArrayBuffer or Uint8Array", value);
}

/** Throws TypeError if the array's buffer was detached: transferred, or wasm memory that has grown since. */
export function checkAttached(array: ArrayBufferView & { readonly length: number }, name: string): void {
  if (array.length > 0) return;
  try {
    // Throws on a detached buffer in every engine; the `detached` property is younger than the engines supported.
    new Uint8Array(array.buffer, 0, 0);
  } catch (cause) {
    throw wrongKind(name, "attached array (growth of wasm memory detaches views of it: take buffer.array anew)", array, cause);
  }
}
