// The results of layer norm and softmax behind dropout, in double precision and one element at a time, with bounds for what rounding to
// f32 may do. Shares no code with src/ or assembly/.

import { type Chance, chance, keepBytes, uniforms } from "../support/oracle.js";

/** Numbers in (-1, 1), the same for the same salt: the fractional parts of multiples of an irrational number. */
export function numbers(length: number, salt: number, size = 1, shift = 0): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, i) => shift + size * (2 * (((i + 1) * (0.6180339887498949 + 0.01 * salt)) % 1) - 1));
}

/**
 * Numbers of which the large ones cancel where they are even in number: the sum of the rest, in f64, then shows in which order they were
 * added.
 */
export function cancelling(length: number, salt: number): Float32Array<ArrayBuffer> {
  const large = (i: number) => (i - Math.floor(i / 3)) % 2 === 0;
  return numbers(length, salt, 1000).map((v, i) => (i % 3 === 0 ? v : large(i) ? 2 ** 55 : -(2 ** 55))) as Float32Array<ArrayBuffer>;
}

/** The sum in the documented order: eight parts of every eighth number each, in f64. */
export function sumInOrder(row: Float32Array): number {
  const parts = new Float64Array(8);
  row.forEach((v, c) => {
    parts[c % 8] = (parts[c % 8] as number) + v;
  });
  const [a, b, c, d, e, f, g, h] = Array.from(parts) as [number, number, number, number, number, number, number, number];
  return a + e + (c + g) + (b + f + (d + h));
}

/** Decisions that keep about a share q. */
export function decisions(length: number, salt: number, q = 0.7): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(numbers(length, salt + 3.7), (u) => (u < 2 * q - 1 ? 1 : 0));
}

/** Decisions and scale of a stream. */
export function drawn(kind: "tile" | "philox", seed: bigint, stream: bigint, start: number, length: number, p: number): Drawn {
  const c: Chance = chance(kind, p);
  return { keep: keepBytes(uniforms(kind, seed, stream, start, length), c), scale: c.scale32 };
}

export interface Drawn {
  readonly keep: Uint8Array;
  readonly scale: number;
}

/** Expected results and, for each, the size of the terms that it is made of, to which errors are in proportion. */
export interface Close {
  readonly value: Float64Array;
  readonly size: Float64Array;
}

const close = (length: number): Close => ({ value: new Float64Array(length), size: new Float64Array(length) });

/** Throws unless got[i] is within `error` times size[i] of value[i], or a NaN where that is one. */
export function expectNear(got: ArrayLike<number>, { value, size }: Close, error: number, what: string): void {
  if (got.length !== value.length) throw new Error(`${what}: length ${got.length} instead of ${value.length}`);
  for (let i = 0; i < value.length; ++i) {
    const [g, v] = [got[i] as number, value[i] as number];
    if (!(Math.abs(g - v) <= error * (size[i] as number) + 1e-38) && !Object.is(g, v))
      throw new Error(`${what}: element ${i} is ${g} instead of ${v}`);
  }
}

export interface NormInput {
  readonly columns: number;
  readonly x: Float32Array;
  readonly residual: Float32Array;
  readonly bias: Float32Array | undefined;
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly epsilon: number;
  readonly drawn: Drawn;
}

/** h, bit for bit: three operations, each rounded to f32. */
export function residualStream({ columns, x, residual, bias, drawn: { keep, scale } }: NormInput): Float32Array<ArrayBuffer> {
  const once = (v: number, i: number) => (bias === undefined ? v : Math.fround(v + (bias[i % columns] as number)));
  return Float32Array.from(x, (v, i) => (residual[i] as number) + (keep[i] ? Math.fround(once(v, i) * scale) : 0));
}

/** y, mean and rstd of rows of h. */
export function layerNorm(h: ArrayLike<number>, columns: number, gamma: ArrayLike<number>, beta: ArrayLike<number>, epsilon: number) {
  const rows = h.length / columns;
  const [y, mean, rstd] = [close(h.length), close(rows), close(rows)];
  for (let r = 0; r < rows; ++r) {
    const row = Float64Array.from({ length: columns }, (_, c) => h[r * columns + c] as number);
    const m = row.reduce((a, v) => a + v, 0) / columns;
    const variance = row.reduce((a, v) => a + (v - m) ** 2, 0) / columns;
    const inverse = 1 / Math.sqrt(variance + epsilon);
    mean.value[r] = m;
    mean.size[r] = Math.abs(m) + row.reduce((a, v) => a + Math.abs(v), 0) / columns;
    rstd.value[r] = inverse;
    rstd.size[r] = inverse;
    row.forEach((v, c) => {
      const xhat = (v - m) * inverse;
      const [g, b] = [gamma[c] as number, beta[c] as number];
      y.value[r * columns + c] = xhat * g + b;
      y.size[r * columns + c] = Math.abs(g) * (Math.abs(xhat) + Math.abs(m) * inverse) + Math.abs(b);
    });
  }
  return { y, mean, rstd };
}

/** The gradients of y = LN(h) with respect to h, gamma and beta, as published; mean and rstd are given. */
export function layerNormGradient(
  dy: Float32Array,
  h: Float32Array,
  mean: Float32Array,
  rstd: Float32Array,
  gamma: Float32Array,
  dh: Float32Array | undefined,
) {
  const columns = gamma.length;
  const [dresidual, dgamma, dbeta] = [close(h.length), close(columns), close(columns)];
  for (let r = 0; r < h.length / columns; ++r) {
    const [m, inverse] = [mean[r] as number, rstd[r] as number];
    const at = (a: Float32Array, c: number) => a[r * columns + c] as number;
    const xhat = Float64Array.from({ length: columns }, (_, c) => (at(h, c) - m) * inverse);
    const g = Float64Array.from({ length: columns }, (_, c) => at(dy, c) * (gamma[c] as number));
    const meanG = g.reduce((a, v) => a + v, 0) / columns;
    const meanGx = g.reduce((a, v, c) => a + v * (xhat[c] as number), 0) / columns;
    const size = g.reduce((a, v) => a + Math.abs(v), 0) / columns;
    const sizeX = g.reduce((a, v, c) => a + Math.abs(v) * (Math.abs(xhat[c] as number) + Math.abs(m) * inverse), 0) / columns;
    for (let c = 0; c < columns; ++c) {
      const i = r * columns + c;
      const extra = dh?.[i] ?? 0;
      const shifted = Math.abs(xhat[c] as number) + Math.abs(m) * inverse;
      dresidual.value[i] = inverse * ((g[c] as number) - meanG - (xhat[c] as number) * meanGx) + extra;
      dresidual.size[i] = inverse * (Math.abs(g[c] as number) + size + shifted * sizeX) + Math.abs(extra);
      add(dgamma, c, at(dy, c) * (xhat[c] as number), Math.abs(at(dy, c)) * shifted);
      add(dbeta, c, at(dy, c), Math.abs(at(dy, c)));
    }
  }
  return { dresidual, dgamma, dbeta };
}

function add({ value, size }: Close, i: number, v: number, s: number): void {
  value[i] = (value[i] as number) + v;
  size[i] = (size[i] as number) + s;
}

/** The operands of a norm whose branch has more to it, and the gradients that come back. */
export interface Branches {
  readonly rows: number;
  readonly columns: number;
  readonly x: Float64Array;
  readonly gamma: Float64Array;
  readonly residual: Float64Array | undefined;
  readonly bias: Float64Array | undefined;
  readonly beta: Float64Array | undefined;
  readonly layerScale: Float64Array | undefined;
  /** One for every so many rows. */
  readonly rowScale: Float64Array | undefined;
  readonly parallel: Float64Array | undefined;
  readonly dh: Float64Array | undefined;
  readonly dy: Float64Array;
  readonly epsilon: number;
}

/**
 * Results and gradients of a norm, from the definitions, element by element. `paths` are the decisions on samples. `given` are h and the statistics that the
 * call found, from which y and the gradients go on.
 */
export function branchesOf(
  norm: "layer" | "rms",
  all: Branches,
  keep: Uint8Array,
  second: Uint8Array,
  s: number,
  paths: { readonly keep: Uint8Array; readonly scale: number } | undefined,
  given: { readonly h: Float64Array; readonly mean: Float64Array | undefined; readonly rstd: Float64Array },
) {
  const { rows, columns, x, gamma, residual, bias, beta, layerScale, rowScale, parallel, dh, dy, epsilon } = all;
  const n = rows * columns;
  const of = (a: Float64Array | undefined, i: number, otherwise: number) => (a === undefined ? otherwise : (a[i] as number));
  const group = (r: number, groups: number) => Math.floor((r * groups) / rows);
  const factorOf = (r: number) => {
    const f = s * (rowScale === undefined ? 1 : (rowScale[group(r, rowScale.length)] as number));
    if (paths === undefined) return f;
    return paths.keep[group(r, paths.keep.length)] ? f * paths.scale : 0;
  };
  const [h, mean, rstd, y] = [close(n), close(rows), close(rows), close(n)];
  const [dx, dresidual, dparallel] = [close(n), close(n), close(n)];
  const [dgamma, dbeta, dbias, dlayerScale] = [close(columns), close(columns), close(columns), close(columns)];
  for (let r = 0; r < rows; ++r) {
    const f = factorOf(r);
    const indices = Array.from({ length: columns }, (_, c) => r * columns + c);
    const sum = (term: (i: number, c: number) => number) => indices.reduce((total, i, c) => total + term(i, c), 0);
    for (const [c, i] of indices.entries()) {
      const branch = keep[i] ? ((x[i] as number) + of(bias, c, 0)) * of(layerScale, c, 1) * f : 0;
      const other = parallel !== undefined && second[i] ? (parallel[i] as number) * s : 0;
      h.value[i] = of(residual, i, 0) + branch + other;
      h.size[i] = Math.abs(of(residual, i, 0)) + 4 * (Math.abs(x[i] as number) + Math.abs(of(bias, c, 0))) + Math.abs(other);
    }
    const at = (i: number) => given.h[i] as number;
    const m = norm === "layer" ? sum(at) / columns : 0;
    const variance = sum((i) => (at(i) - m) ** 2) / columns;
    mean.value[r] = m;
    mean.size[r] = 1 + Math.abs(m);
    rstd.value[r] = 1 / Math.sqrt(variance + epsilon);
    rstd.size[r] = rstd.value[r] as number;
    const inverse = given.rstd[r] as number;
    const shift = Math.abs(m) * inverse;
    const xhat = (i: number) => (at(i) - m) * inverse;
    const g = (i: number, c: number) => (dy[i] as number) * (gamma[c] as number);
    const meanG = norm === "layer" ? sum(g) / columns : 0;
    const meanGx = sum((i, c) => g(i, c) * xhat(i)) / columns;
    const sizeG = sum((i, c) => Math.abs(g(i, c))) / columns;
    const sizeGx = sum((i, c) => Math.abs(g(i, c)) * (Math.abs(xhat(i)) + shift)) / columns;
    for (const [c, i] of indices.entries()) {
      const [z, b] = [xhat(i), of(beta, c, 0)];
      y.value[i] = z * (gamma[c] as number) + b;
      y.size[i] = (1 + Math.abs(z) + shift) * Math.abs(gamma[c] as number) + Math.abs(b);
      const d = inverse * (g(i, c) - meanG - z * meanGx) + of(dh, i, 0);
      const size = inverse * (Math.abs(g(i, c)) + sizeG + (Math.abs(z) + shift) * sizeGx) + Math.abs(of(dh, i, 0));
      dresidual.value[i] = d;
      dresidual.size[i] = size;
      const passed = keep[i] ? f : 0;
      const scale = of(layerScale, c, 1);
      dx.value[i] = d * passed * scale;
      dx.size[i] = size * Math.abs(passed * scale);
      dparallel.value[i] = second[i] ? d * s : 0;
      dparallel.size[i] = size * s;
      const v = (x[i] as number) + of(bias, c, 0);
      add(dgamma, c, (dy[i] as number) * z, Math.abs(dy[i] as number) * (Math.abs(z) + shift));
      add(dbeta, c, dy[i] as number, Math.abs(dy[i] as number));
      add(dbias, c, dx.value[i] as number, dx.size[i] as number);
      add(dlayerScale, c, d * passed * v, size * Math.abs(passed) * (Math.abs(x[i] as number) + Math.abs(of(bias, c, 0))));
    }
  }
  return { h, mean, rstd, y, dx, dresidual, dgamma, dbeta, dbias, dlayerScale, dparallel };
}

/** The form of softmax: rows of `columns`, of which `queries` belong together where that is not 0. */
export interface SoftmaxForm {
  readonly columns: number;
  readonly scale: number;
  /** Queries of a block in causal order, or 0. */
  readonly queries: number;
  /** An additive mask of whole rows that begins anew after its last. */
  readonly mask: Float32Array | undefined;
}

/** v: what softmax is taken of, -Infinity where something is left out. */
function scores(logits: ArrayLike<number>, { columns, scale, queries, mask }: SoftmaxForm): Float64Array {
  return Float64Array.from({ length: logits.length }, (_, i) => {
    const [row, key] = [Math.floor(i / columns), i % columns];
    if (queries > 0 && key > (row % queries) + columns - queries) return -Infinity;
    const added = mask === undefined ? 0 : (mask[i % mask.length] as number);
    return added === -Infinity ? added : (logits[i] as number) * scale + added;
  });
}

/** P, a row of zeros where everything is left out; errors are in proportion to P times the largest finite |v| of the row. */
export function probabilities(logits: ArrayLike<number>, form: SoftmaxForm): Close {
  const { columns } = form;
  const v = scores(logits, form);
  const p = close(v.length);
  for (let begin = 0; begin < v.length; begin += columns) {
    const row = v.subarray(begin, begin + columns);
    if (row.every((one) => one === -Infinity)) continue;
    const most = row.reduce((a, b) => (b > a ? b : a), -Infinity);
    const sum = row.reduce((a, b) => a + Math.exp(b - most), 0);
    const largest = row.reduce((a, b) => (Math.abs(b) < Infinity ? Math.max(a, Math.abs(b)) : a), 0);
    row.forEach((one, k) => {
      p.value[begin + k] = Math.exp(one - most) / sum;
      // Sums of f32 numbers of the row's size are off by a unit in the last place, which the exponential makes relative; and below 2^-126
      // there is nothing.
      p.size[begin + k] = (p.value[begin + k] as number) * (4 + 2 * largest) + 1e-30;
    });
  }
  return p;
}

/** dropout(P). */
export function dropped(p: Close, { keep, scale }: Drawn): Close {
  const pass = (v: number, i: number) => (keep[i] ? v * scale : 0);
  return { value: p.value.map(pass), size: p.size.map(pass) };
}

/** scale * P * (dP - sum of dP * P). */
export function softmaxGradient(dy: Float32Array, logits: Float32Array, form: SoftmaxForm, { keep, scale }: Drawn): Close {
  const p = probabilities(logits, form);
  const result = close(dy.length);
  const dp = Float64Array.from(dy, (v, i) => (keep[i] ? v * scale : 0));
  for (let begin = 0; begin < dy.length; begin += form.columns) {
    const end = begin + form.columns;
    let [mean, size] = [0, 0];
    for (let i = begin; i < end; ++i) {
      mean += (dp[i] as number) * (p.value[i] as number);
      size += Math.abs(dp[i] as number) * (p.size[i] as number);
    }
    for (let i = begin; i < end; ++i) {
      result.value[i] = form.scale * (p.value[i] as number) * ((dp[i] as number) - mean);
      result.size[i] = Math.abs(form.scale) * (p.size[i] as number) * (Math.abs(dp[i] as number) + size);
    }
  }
  return result;
}
