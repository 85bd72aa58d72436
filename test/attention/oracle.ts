// Attention with dropout and its gradients in double precision, by the whole matrix of scores and plain loops. Shares no code with src/ or assembly/.

import type { Close, Drawn } from "../fused/rows-oracle.js";

export interface Case {
  readonly q: ArrayLike<number>;
  readonly k: ArrayLike<number>;
  readonly v: ArrayLike<number>;
  readonly dy: ArrayLike<number>;
  readonly batch: number;
  readonly heads: number;
  /** Heads of k and v. */
  readonly kvHeads: number;
  readonly queries: number;
  readonly keys: number;
  readonly depth: number;
  readonly size: number;
  readonly scale: number;
  /** Added to the scores, of their shape; -Infinity leaves a key out. */
  readonly added: ArrayLike<number> | undefined;
  readonly drawn: Drawn;
}

const close = (length: number): Close => ({ value: new Float64Array(length), size: new Float64Array(length) });

function add({ value, size }: Close, i: number, v: number, s: number): void {
  value[i] = (value[i] as number) + v;
  size[i] = (size[i] as number) + s;
}

/** The mask of the shape of the scores that says what causal order and lengths of keys say: 0 or -Infinity. */
export function leftOut(
  { batch, heads, queries, keys }: Pick<Case, "batch" | "heads" | "queries" | "keys">,
  causal: boolean,
  lengthOf: (row: number) => number = () => keys,
  mask: (index: number) => number = () => 0,
): Float64Array {
  return Float64Array.from({ length: batch * heads * queries * keys }, (_, i) => {
    const [row, j] = [Math.floor(i / keys), i % keys];
    if (j >= lengthOf(row)) return -Infinity;
    if (causal && j > (row % queries) + keys - queries) return -Infinity;
    return mask(i);
  });
}

/** y, log-sum-exps, and the gradients of the sum of dy * y. */
export function attention(c: Case) {
  const { q, k, v, dy, batch, heads, kvHeads, queries, keys, depth, size, scale, added, drawn } = c;
  const rows = batch * heads * queries;
  const [y, lse] = [close(rows * size), close(rows)];
  const [dq, dk, dv] = [close(rows * depth), close(batch * kvHeads * keys * depth), close(batch * kvHeads * keys * size)];
  const at = (a: ArrayLike<number>, i: number) => a[i] as number;
  for (let r = 0; r < rows; ++r) {
    const head = Math.floor(r / queries);
    const first = (Math.floor(head / heads) * kvHeads + Math.floor((head % heads) / (heads / kvHeads))) * keys;
    const s: number[] = [];
    let reach = 0;
    for (let j = 0; j < keys; ++j) {
      let [dot, most] = [0, 0];
      for (let t = 0; t < depth; ++t) {
        const product = at(q, r * depth + t) * at(k, (first + j) * depth + t);
        dot += product;
        most += Math.abs(product);
      }
      const extra = added === undefined ? 0 : at(added, r * keys + j);
      s.push(extra === -Infinity ? extra : scale * dot + extra);
      if (extra !== -Infinity) reach = Math.max(reach, Math.abs(scale) * most + Math.abs(extra));
    }
    const most = s.reduce((a, b) => Math.max(a, b), -Infinity);
    const total = s.reduce((a, b) => a + (b === -Infinity ? 0 : Math.exp(b - most)), 0);
    add(lse, r, total === 0 ? -Infinity : most + Math.log(total), 1 + reach);
    const p = s.map((b) => (b === -Infinity ? 0 : Math.exp(b - most) / total));
    // Rounding of a score shows in proportion to its terms.
    const trust = 1 + reach;
    const dp: number[] = [];
    const sizes: number[] = [];
    let [delta, deltaSize] = [0, 0];
    for (let j = 0; j < keys; ++j) {
      const factor = drawn.keep[r * keys + j] ? drawn.scale : 0;
      let [dot, dotSize] = [0, 0];
      for (let t = 0; t < size; ++t) {
        const [value, slope] = [at(v, (first + j) * size + t), at(dy, r * size + t)];
        const weight = at(p, j) * factor;
        if (weight !== 0) {
          add(y, r * size + t, weight * value, weight * Math.abs(value) * trust);
          add(dv, (first + j) * size + t, weight * slope, weight * Math.abs(slope) * trust);
        }
        dot += slope * value;
        dotSize += Math.abs(slope * value);
      }
      dp.push(factor === 0 ? 0 : factor * dot);
      sizes.push(factor * dotSize);
      if (at(p, j) === 0) continue;
      delta += at(p, j) * at(dp, j);
      deltaSize += at(p, j) * at(sizes, j);
    }
    for (let j = 0; j < keys; ++j) {
      if (at(p, j) === 0) continue;
      const ds = scale * at(p, j) * (at(dp, j) - delta);
      const dsSize = Math.abs(scale) * at(p, j) * (at(sizes, j) + deltaSize) * trust;
      for (let t = 0; t < depth; ++t) {
        const [query, key] = [at(q, r * depth + t), at(k, (first + j) * depth + t)];
        add(dq, r * depth + t, ds * key, dsSize * Math.abs(key));
        add(dk, (first + j) * depth + t, ds * query, dsSize * Math.abs(query));
      }
    }
  }
  return { y, lse, dq, dk, dv };
}
