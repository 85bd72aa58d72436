// Objects of named options: every key is known, or the call is refused with the nearest known one.

import { checkObject, shorten } from "./check.js";

/** The keys that an object of options may have. */
export class Known {
  readonly #groups: readonly (string | Known)[];
  // Collected from the groups at the first look-up: a module makes many tables when it is loaded, of which a program uses few.
  #keys: ReadonlySet<string> | undefined;
  // The keys found last, by their place in the object. Property names are compared by address, faster than a look-up, and calls repeat their options.
  #found: string[] | undefined;

  constructor(groups: readonly (string | Known)[]) {
    this.#groups = groups;
  }

  has(key: string): boolean {
    return this.#collected.has(key);
  }

  /** Returns the same as has(), sooner if the object read before had `key` in the same `place`. */
  hasAt(key: string, place: number): boolean {
    if (this.#found !== undefined && key === this.#found[place]) return true;
    const keys = this.#collected;
    if (!keys.has(key)) return false;
    this.#found ??= Array.from(keys, () => "");
    if (place < this.#found.length) this.#found[place] = key;
    return true;
  }

  get #collected(): ReadonlySet<string> {
    this.#keys ??= new Set(this.#groups.flatMap((group) => (typeof group === "string" ? [group] : [...group])));
    return this.#keys;
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#collected[Symbol.iterator]();
  }
}

/** Returns the keys of one or several groups of options. */
export function known(...groups: readonly (string | Known)[]): Known {
  return new Known(groups);
}

/** The keys of an object without options, such as `saved` of operations whose backward reads nothing again. */
export const NO_KEYS: Known = /* @__PURE__ */ known();

/**
 * Throws TypeError unless `value` is an object whose enumerable keys, inherited ones too, are all `keys`. `name` is what messages call the object,
 * and goes before a key that is not an option of the call itself. What other code has added to Object.prototype is no key of the caller's: it is
 * ignored, and refused where it would be read as an option.
 */
export function checkOptions(value: unknown, keys: Known, name = "options"): asserts value is object {
  checkObject(value, name, "object");
  // No list of keys is made: calls on buffers allocate nothing.
  let place = 0;
  for (const key in value) if (!keys.hasAt(key, place++) && !isAdded(key, value)) throw unknownKey(key, keys, name);
  for (const key in Object.prototype) {
    if (keys.has(key) && isAdded(key, value))
      throw new TypeError(`"${key}" expected an option of the call, got a property of Object.prototype`);
  }
}

/** Returns true if a key of `value` is one that other code has added to Object.prototype. */
function isAdded(key: string, value: object): boolean {
  return !Object.hasOwn(value, key) && Object.prototype.propertyIsEnumerable.call(Object.prototype, key);
}

function unknownKey(key: string, keys: Known, name: string): TypeError {
  const prefix = name === "options" ? "" : `${name}.`;
  const nearest = nearestOf(key, keys);
  const hint =
    nearest === undefined && [...keys].length === 0
      ? "there are none"
      : nearest === undefined
        ? `the options are ${[...keys].map((one) => JSON.stringify(one)).join(", ")}`
        : `did you mean ${JSON.stringify(nearest)}?`;
  return new TypeError(`${JSON.stringify(prefix + shorten(key))} is no option; ${hint}`);
}

// Keys longer than this resemble no option.
const LONGEST = 40;

/** Returns the known key that differs in the fewest characters, if that is fewer than half of them. */
function nearestOf(key: string, keys: Known): string | undefined {
  if (key.length > LONGEST) return undefined;
  let [nearest, least]: [string | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
  for (const one of keys) {
    const distance = distanceOf(key.toLowerCase().replace(/[_-]/g, ""), one.toLowerCase());
    if (distance < least) [nearest, least] = [one, distance];
  }
  return nearest !== undefined && least <= Math.max(1, Math.floor(Math.min(key.length, nearest.length) / 2) - 1) ? nearest : undefined;
}

/** Returns the number of insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment distance). */
function distanceOf(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number) => (rows[i] as number[])[j] as number;
  for (let i = 1; i <= a.length; ++i) {
    rows.push([i]);
    for (let j = 1; j <= b.length; ++j) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, at(i - 2, j - 2) + 1);
      (rows[i] as number[]).push(least);
    }
  }
  return at(a.length, b.length);
}
