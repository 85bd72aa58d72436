// The computations of the extensions in every engine: one SHA-256 for each, of every operation.
// Invariant: an operation that is not tried fails the check.

import type { Dropout } from "wasm-dropout";
import { type ExtensionName, MODULES } from "../../modules.mjs";
import { CHECKS } from "./checks.js";
import type { ENTRIES } from "./entries.js";
import { Digest } from "./extensions/digest.js";

/** The modules of the extensions, of the package or of its sources. */
export type Entries = typeof ENTRIES;

/** Hexadecimal digits of a SHA-256 for each extension. */
export type Hashes = Record<ExtensionName, string>;

type Create = (dropout: Dropout, options: { simd: boolean }) => Promise<object>;
type Check = (extension: object, dropout: Dropout, digest: Digest, entries: Entries, options: { simd: boolean }) => void | Promise<void>;

/** Functions that try an extension over an instance of its own and hash what it gives. */
export function extensionChecks(entries: Entries, simd: boolean): Record<ExtensionName, (dropout: Dropout) => Promise<string>> {
  const options = { simd };
  const checks = MODULES.flatMap(({ name, creates }) => {
    if (name === "core") return [];
    const create = (entries[name] as unknown as Record<string, Create>)[`create${creates}`];
    if (create === undefined) throw new TypeError(`${name} exports no create${creates}`);
    const check = CHECKS[name] as Check;
    return [[name, checker(create, options, (extension, dropout, digest) => check(extension, dropout, digest, entries, options))]];
  });
  return Object.fromEntries(checks);
}

function checker<E extends object>(
  create: (dropout: Dropout, options: { simd: boolean }) => Promise<E>,
  options: { simd: boolean },
  check: (extension: E, dropout: Dropout, digest: Digest) => void | Promise<void>,
): (dropout: Dropout) => Promise<string> {
  return async (dropout) => {
    const digest = new Digest();
    const { extension, untried } = traced(await create(dropout, options));
    await check(extension, dropout, digest);
    if (untried.size > 0) throw new Error(`not tried: ${[...untried].join(", ")}`);
    return digest.hex;
  };
}

/** An extension that notes which of its operations have not been called; a method that begins with _ is none, but there for other entries. */
function traced<E extends object>(extension: E): { extension: E; untried: ReadonlySet<string | symbol> } {
  const untried = new Set(Reflect.ownKeys(Object.getPrototypeOf(extension)).filter((name) => !String(name).startsWith("_")));
  untried.delete("constructor");
  const get = (target: E, name: string | symbol) => {
    untried.delete(name);
    const value: unknown = Reflect.get(target, name);
    return typeof value === "function" ? value.bind(target) : value;
  };
  return { extension: new Proxy(extension, { get }), untried };
}
