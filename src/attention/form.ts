// The form of a call: shapes of q, k and v, which keys a query sees, and the sizes that follow from them.

import { takeKeyLengths } from "../fused/attention.js";
import { checkNumber, wrongKind, wrongValue } from "../ground/check.js";
import { LARGEST } from "../ground/dtypes.js";
import { checkShape, MAX_RANK, productOf, type Ranks, showShape, takeShape } from "../ground/shape.js";

/** The options that a ticket repeats, checked and copied. */
export interface Form {
  readonly shape: readonly number[];
  readonly kShape: readonly number[];
  readonly vShape: readonly number[];
  readonly scale: number;
  readonly causal: boolean;
  readonly keyLengths: readonly number[] | undefined;
  readonly sizes: Sizes;
}

/**
 * Sizes of a call. Heads of q that share a head of k and v lie one behind the other, so that their queries are the rows of one matrix: a problem is such a
 * matrix and its head of k and v.
 */
export interface Sizes {
  readonly problems: number;
  /** Rows of q of a problem: those of all its heads. */
  readonly rows: number;
  readonly queries: number;
  readonly keys: number;
  /** Columns of q and k. */
  readonly depth: number;
  /** Columns of v and y. */
  readonly size: number;
  /** Shape of the scores, [..., heads, queries, keys]. */
  readonly scores: readonly number[];
}

const RANKS: Ranks = [2, MAX_RANK];

/** Checks and copies the form that options or a ticket give; `prefix` is what goes before names. */
export function readForm(given: { readonly [K in keyof Form]?: unknown }, prefix: string): Form {
  const { shape, kShape, vShape, scale, causal, keyLengths } = given;
  if (typeof causal !== "boolean") throw wrongKind(`${prefix}causal`, "boolean", causal);
  const q = takeShape(shape, `${prefix}shape`, RANKS);
  const k = kShape === undefined ? q : takeShape(kShape, `${prefix}kShape`, RANKS);
  checkKeys(k, q, `${prefix}kShape`);
  const v = vShape === undefined ? k : takeShape(vShape, `${prefix}vShape`, RANKS);
  const expected = k.slice(0, -1);
  if (v.length !== k.length || !expected.every((size, i) => size === v[i])) {
    throw wrongValue(`${prefix}vShape`, `that of k, ${showShape(k)}, but for the last dimension`, showShape(v));
  }
  const depth = q[q.length - 1] as number;
  // Without columns all scores are 0, whatever their factor is.
  const factor = scale === undefined ? 1 / Math.sqrt(Math.max(1, depth)) : scale;
  checkNumber(factor, `${prefix}scale`, -LARGEST.f32, LARGEST.f32);
  const [queries, keys] = [q[q.length - 2] as number, k[k.length - 2] as number];
  const scores = [...q.slice(0, -1), keys];
  checkShape(scores, `${prefix}shape of the scores`);
  const lengths = keyLengths === undefined ? undefined : takeKeyLengths(keyLengths, `${prefix}keyLengths`, scores);
  const problems = productOf(k.slice(0, -2));
  const rows = problems === 0 ? 0 : productOf(q.slice(0, -1)) / problems;
  const sizes = { problems, rows, queries, keys, depth, size: v[v.length - 1] as number, scores };
  return { shape: q, kShape: k, vShape: v, scale: factor, causal, keyLengths: lengths, sizes };
}

/** Throws unless k has the dimensions of q but for the number of keys and, where there is one, that of heads, which must divide that of q. */
function checkKeys(k: readonly number[], q: readonly number[], name: string): void {
  const heads = q.length - 3;
  const fits =
    k.length === q.length && k.every((size, i) => i === q.length - 2 || (i === heads ? divides(size, q[i] as number) : size === q[i]));
  if (fits) return;
  const expected = q.map((size, i) => (i === q.length - 2 ? "keys" : i === heads ? `heads that divide ${size}` : size)).join(", ");
  throw wrongValue(name, `[${expected}]`, showShape(k));
}

function divides(part: number, whole: number): boolean {
  return part === 0 ? whole === 0 : whole % part === 0;
}
