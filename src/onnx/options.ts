// The options that say where a model drops.

import { checkChoice, checkObject, checkProbability, isArray, shorten, wrongKind, wrongValue } from "../ground/check.js";
import { checkOptions, type Known, known } from "../ground/options.js";

/** The options about the places that drop, once read. */
export interface SiteOptions {
  readonly rates: ReadonlyMap<string, number>;
  readonly insert: readonly Insertion[];
  readonly batchNorm: BatchNorm;
}

/** A place, or the kinds of nodes, that dropout is inserted after. */
export type Insertion =
  | { readonly after: string; readonly p: number; readonly name: string | undefined }
  | { readonly kinds: readonly string[]; readonly p: number };

/** The treatment of batch normalization that is in training mode: "refuse" (default), or computed with the moving averages. */
export type BatchNorm = (typeof BATCH_NORMS)[number];
export const BATCH_NORMS = ["refuse", "inference"] as const;

/** Dropout to be inserted after one tensor. */
export interface InsertAfter {
  /** Name of a tensor that a node makes or of an input, or of a node: then of its first output. */
  readonly after: string;
  /** Drop probability in [0, 1]. */
  readonly p: number;
  /** Name of the dropout, that its streams and `rates` go by; `after` by default. */
  readonly name?: string | undefined;
}
const AFTER_KEYS: Known = /* @__PURE__ */ known("after", "p", "name");

/** Dropout to be inserted after all nodes of some kinds, each by the name of its tensor. */
export interface InsertAtKinds {
  /** Operators, such as "Relu", or activations that exporters write as several nodes: "Gelu", "Swish". */
  readonly kinds: string | readonly string[];
  /** Drop probability in [0, 1]. */
  readonly p: number;
}
const KINDS_KEYS: Known = /* @__PURE__ */ known("kinds", "p");

/** Options that say where a model drops. */
export interface SitesOptions {
  /** Drop probabilities by the names of dropouts, in [0, 1], in place of those in the file. A rate of 0 turns a dropout off. */
  rates?: Readonly<Record<string, number>> | undefined;
  /** Dropout to be inserted, for files whose exporter has left it out. */
  insert?: readonly (InsertAfter | InsertAtKinds)[] | undefined;
  /**
   * The treatment of batch normalization that is in training mode, in which examples change each other: "refuse" (default), or "inference", which computes
   * it with its moving averages.
   */
  batchNorm?: BatchNorm | undefined;
}
export const SITE_KEYS: Known = /* @__PURE__ */ known("rates", "insert", "batchNorm");

/** Reads and copies these options; throws TypeError or RangeError. */
export function readSiteOptions({ rates, insert, batchNorm = "refuse" }: { [K in keyof SitesOptions]: unknown }): SiteOptions {
  checkChoice(batchNorm, "batchNorm", BATCH_NORMS);
  const byName = new Map<string, number>();
  if (rates !== undefined) {
    checkObject(rates, "rates", "object of rates by the names of dropouts");
    for (const [name, rate] of Object.entries(rates)) {
      checkProbability(rate, `rates[${JSON.stringify(shorten(name))}]`);
      byName.set(name, rate);
    }
  }
  if (insert !== undefined && !isArray(insert)) throw wrongKind("insert", "array of places", insert);
  return { rates: byName, insert: ((insert ?? []) as unknown[]).map((one, k) => readInsertion(one, `insert[${k}]`)), batchNorm };
}

function readInsertion(value: unknown, name: string): Insertion {
  checkObject(value, name, `object with "after" or "kinds"`);
  if ("kinds" in value) {
    checkOptions(value, KINDS_KEYS, name);
    const { kinds, p } = value as { kinds: unknown; p?: unknown };
    checkProbability(p, `${name}.p`);
    const list: unknown[] = isArray(kinds) ? [...kinds] : [kinds];
    if (list.length === 0) throw wrongValue(`${name}.kinds`, "at least one kind", "none");
    return { kinds: list.map((kind) => textOf(kind, `${name}.kinds`)), p };
  }
  checkOptions(value, AFTER_KEYS, name);
  const { after, p, name: own } = value as { after?: unknown; p?: unknown; name?: unknown };
  checkProbability(p, `${name}.p`);
  return { after: textOf(after, `${name}.after`), p, name: own === undefined ? undefined : textOf(own, `${name}.name`) };
}

/** Returns `value` if it is text that is not empty. */
export function textOf(value: unknown, name: string): string {
  if (typeof value !== "string") throw wrongKind(name, "string", value);
  if (value === "") throw wrongValue(name, "string that is not empty", "an empty one");
  return value;
}
