// Linear layers beside DropConnect itself, and the gradients of whole rows: layer norm and softmax, whose attention masks are of every sort.

import { type Call, lengthOf, near, PROBABILITIES, type Row, type Setting, same, some, streamFor } from "./call.js";
import { type Placed, resultOf } from "./world.js";

/** A layer's operands, [batch, inputs] and [outs, inputs], and the means and variances of its results. */
function layerFor({ random, places, world }: Setting) {
  const [batch, inputs, outs] = [random.pick([0, 1, 3]), random.pick([1, 5, 16, 33]), random.pick([1, 3, 8])];
  const dtype = random.pick(["f32", "f64"] as const);
  const [x, w] = [places.place(dtype, batch * inputs), places.place(dtype, outs * inputs)];
  const bias = random.chance(0.5) ? places.place(dtype, outs) : undefined;
  const p = random.pick(PROBABILITIES);
  const kept = world.dropout.kind === "tile" ? 1 - Math.round(p * 2 ** 48) / 2 ** 48 : 1 - p;
  const rescale = random.pick(["train", "none"] as const);
  /** The mean of result `at`, its variance, and the size of their terms. */
  const momentsOf = (at: number) => {
    const [n, o] = [Math.floor(at / outs), at % outs];
    let [mean, squares, size] = [0, 0, 0];
    for (let i = 0; i < inputs; ++i) {
      const product = (w.numbers[o * inputs + i] as number) * (x.numbers[n * inputs + i] as number);
      mean += product;
      squares += product ** 2;
      size += Math.abs(product);
    }
    const added = bias?.numbers[o] ?? 0;
    if (kept === 0) return { mean: added, variance: 0, size: Math.abs(added) };
    const [factor, spread] = rescale === "train" ? [1, (1 - kept) / kept] : [kept, kept * (1 - kept)];
    return { mean: factor * mean + added, variance: spread * squares, size: size + Math.abs(added) };
  };
  const options = { w: w.value, bias: bias?.value, rescale, shape: { batch, in: inputs, out: outs } };
  return { dtype, batch, inputs, outs, length: batch * outs, x, w, bias, p, options, momentsOf };
}

const moments: Row = {
  name: "linear.dropConnectMoments",
  make(setting) {
    const { world, random, places } = setting;
    const { dtype, length, x, p, options, momentsOf } = layerFor(setting);
    const [mean, variance] = [0, 1].map(() => (random.chance(0.5) ? places.place(dtype, length) : undefined));
    return {
      args: [x.value, p, { ...options, mean: mean?.value, variance: variance?.value }],
      call: (...args) => (world.linear.dropConnectMoments as (...args: never[]) => unknown)(...args),
      results: [mean, variance].filter((one) => one !== undefined),
      check(result: { mean: unknown; variance: unknown }) {
        const [means, variances] = [resultOf(dtype, result.mean), resultOf(dtype, result.variance)];
        for (const at of some(setting, length)) {
          const expected = momentsOf(at);
          near(means[at], expected.mean, expected.size * 1e-5 + 1e-5, `mean[${at}]`);
          near(variances[at], expected.variance, expected.variance * 1e-5 + 1e-5, `variance[${at}]`);
        }
      },
    } as Call;
  },
};

const inference: Row = {
  name: "linear.dropConnectInference",
  make(setting) {
    const { world, random, places } = setting;
    const { dtype, length, x, p, options, momentsOf } = layerFor(setting);
    const out = random.chance(0.5) ? places.place(dtype, length) : undefined;
    const [samples, activation] = [random.pick([1, 3]), random.pick(["none", "relu"] as const)];
    const numberAt = (index: number) => Math.sin(index * 3.7);
    const normal = (count: number, index: number) => Float64Array.from({ length: count }, (_, k) => numberAt(index + k));
    return {
      args: [x.value, p, { ...options, samples, activation, normal, out: out?.value }],
      call: (...args) => (world.linear.dropConnectInference as (...args: never[]) => unknown)(...args),
      results: out === undefined ? [] : [out],
      check({ y: result }: { y: unknown }) {
        const y = resultOf(dtype, result);
        for (const at of some(setting, length)) {
          const { mean, variance, size } = momentsOf(at);
          let sum = 0;
          for (let s = 0; s < samples; ++s) {
            const z = mean + Math.sqrt(variance) * numberAt(s * length + at);
            sum += activation === "relu" ? Math.max(z, 0) : z;
          }
          near(y[at], sum / samples, (size + Math.sqrt(variance)) * 1e-5 + 1e-5, `y[${at}]`);
        }
      },
    } as Call;
  },
};

const dropoutLevel: Row = {
  name: "linear.dropoutLevel",
  make(setting) {
    const { world, random, places } = setting;
    const length = lengthOf(random);
    const x = places.place("f32", length, true);
    const out = random.chance(0.5) ? places.place("f32", length) : undefined;
    const [level, seed] = [random.pick([0, 0.1, 0.5]), random.pick([undefined, 0, 7])];
    return {
      args: [x.value, level, { seed, out: out?.value }],
      call: (...args) => (world.linear.dropoutLevel as (...args: never[]) => unknown)(...args),
      results: out === undefined ? [] : [out],
      check({ y: result, ticket }: { y: unknown; ticket: never }) {
        const y = resultOf("f32", result);
        const mask = world.dropout.replay(ticket, { format: "f32" });
        for (const i of some(setting, length)) {
          const factor = mask[i] as number;
          same(y[i], level === 0 ? (x.numbers[i] as number) : factor === 0 ? 0 : Math.fround((x.numbers[i] as number) * factor), `y[${i}]`);
        }
      },
    } as Call;
  },
};

const linearBackward: Row = {
  name: "linear.backward, all gradients",
  make(setting) {
    const { world, random, places } = setting;
    const { dtype, batch, inputs, outs, length, x, w, p, options } = layerFor(setting);
    const stream = streamFor(setting, true, 2 ** 50);
    const perExample = random.chance(0.5);
    const dy = places.place(dtype, length);
    const { training: _, ...draw } = stream.options;
    const { ticket } = world.linear.dropConnect(new Float64Array(batch * inputs), p, {
      ...draw,
      w: new Float64Array(outs * inputs),
      shape: options.shape,
      perExample,
    });
    const wanted = { dx: batch * inputs, dw: outs * inputs, dbias: outs };
    const placed = Object.entries(wanted).map(([key, size]): [string, Placed | false | undefined] => [
      key,
      random.pick([undefined, false, places.place(dtype, size)]),
    ]);
    const c = stream.chanceOf(p);
    const factor = c.scale64 === Number.POSITIVE_INFINITY ? 0 : c.scale64;
    const kept = (n: number, o: number, i: number) => stream.keep(stream.start + ((perExample ? n : 0) * outs + o) * inputs + i, c);
    return {
      args: [
        dy.value,
        JSON.parse(JSON.stringify(ticket)),
        { x: x.value, w: w.value },
        Object.fromEntries(placed.map(([key, place]) => [key, place ? place.value : place])),
      ],
      call: (...args) => (world.linear.backward as (...args: never[]) => unknown)(...args),
      results: placed.flatMap(([, place]) => (place ? [place] : [])),
      check(result: Record<string, unknown>) {
        for (const [key, place] of placed) {
          if (place === false) {
            if (result[key] !== undefined) throw new Error(`${key} is there`);
            continue;
          }
          const got = resultOf(dtype, result[key]);
          if (got.length === 0) continue;
          const at = random.integer(got.length);
          let [sum, size] = [0, 0];
          const add = (term: number) => {
            sum += term;
            size += Math.abs(term);
          };
          if (key === "dbias") for (let n = 0; n < batch; ++n) add(dy.numbers[n * outs + at] as number);
          else if (key === "dx") {
            const [n, i] = [Math.floor(at / inputs), at % inputs];
            for (let o = 0; o < outs; ++o)
              if (kept(n, o, i)) add(factor * (dy.numbers[n * outs + o] as number) * (w.numbers[o * inputs + i] as number));
          } else {
            const [o, i] = [Math.floor(at / inputs), at % inputs];
            for (let n = 0; n < batch; ++n)
              if (kept(n, o, i)) add(factor * (dy.numbers[n * outs + o] as number) * (x.numbers[n * inputs + i] as number));
          }
          near(got[at], sum, size * 1e-5 + 1e-5, `${key}[${at}]`);
        }
      },
    } as Call;
  },
};

const normBackward: Row = {
  name: "fused.backward of layer norm",
  make(setting) {
    const { world, random, places } = setting;
    const [rows, columns] = [random.pick([0, 1, 2, 5]), random.pick([2, 16, 17, 65])];
    const length = rows * columns;
    const stream = streamFor(setting, true, 2 ** 53 - length);
    const { training: _, ...draw } = stream.options;
    const p = random.pick([0, 0.3, 1]);
    const x = Float32Array.from({ length }, (_v, i) => Math.cos(i * 1.3));
    const gamma = Float32Array.from({ length: columns }, (_v, k) => 1 + Math.sin(k));
    const forward = { ...draw, residual: x.map((value) => value / 2), gamma, beta: gamma };
    const { h, mean, rstd, ticket } = world.fused.dropoutResidualLayerNorm(x, p, forward);
    const dy = places.place("f32", length);
    const dh = random.chance(0.4) ? places.place("f32", length) : undefined;
    const inPlace = random.chance(0.3);
    const wanted = { dx: length, dresidual: length, dgamma: columns, dbeta: columns };
    const placed = Object.entries(wanted).map(([key, size]): [string, Placed | false | undefined] => {
      if (key === "dx") return [key, inPlace ? dy : random.pick([undefined, places.place("f32", size)])];
      return [key, random.pick([undefined, false, places.place("f32", size)])];
    });
    const c = stream.chanceOf(p);
    return {
      args: [
        dy.value,
        JSON.parse(JSON.stringify(ticket)),
        { h, mean, rstd, gamma },
        { dh: dh?.value, ...Object.fromEntries(placed.map(([key, place]) => [key, place ? place.value : place])) },
      ],
      call: (...args) => (world.fused.backward as (...args: never[]) => unknown)(...args),
      results: placed.flatMap(([, place]) => (place ? [place] : [])),
      check(result: Record<string, unknown>) {
        const hatOf = (i: number) => {
          const row = Math.floor(i / columns);
          return ((h[i] as number) - (mean[row] as number)) * (rstd[row] as number);
        };
        for (const [key, place] of placed) {
          if (place === false) continue;
          const got = resultOf("f32", result[key]);
          for (const at of some(setting, got.length)) {
            let [value, size] = [0, 0];
            if (key === "dgamma" || key === "dbeta") {
              for (let r = 0; r < rows; ++r) {
                const i = r * columns + at;
                const term = (dy.numbers[i] as number) * (key === "dgamma" ? hatOf(i) : 1);
                value += term;
                size += Math.abs(term);
              }
            } else {
              const begin = at - (at % columns);
              let [sum, sumOfHats] = [0, 0];
              for (let k = 0; k < columns; ++k) {
                const g = (dy.numbers[begin + k] as number) * (gamma[k] as number);
                sum += g / columns;
                sumOfHats += (g * hatOf(begin + k)) / columns;
                size += Math.abs(g);
              }
              const g = (dy.numbers[at] as number) * (gamma[at % columns] as number);
              const scale = rstd[begin / columns] as number;
              value = scale * (g - sum - hatOf(at) * sumOfHats) + (dh?.numbers[at] ?? 0);
              size = (scale * size + Math.abs(value)) * 4;
              const kept = stream.keep(stream.start + at, c) && c.scale64 < Number.POSITIVE_INFINITY;
              if (key === "dx") [value, size] = kept ? [value * c.scale64, size * c.scale64] : [0, 0];
            }
            near(got[at], value, size * 1e-5 + 1e-6, `${key}[${at}]`);
          }
        }
      },
    } as Call;
  },
};

/** An attention mask of some sort and shape for scores [batch, queries, keys], and what it leaves out or adds. */
function attentionFor({ random, places }: Setting, [batch, queries, keys]: readonly [number, number, number]) {
  const sort = random.pick(["none", "boolean", "additive", "lengths", "both"] as const);
  const maskShape = [random.pick([1, batch]), random.pick([1, queries]), random.pick([1, keys])];
  const count = maskShape.reduce((a, b) => a * b, 1);
  const flags = Array.from({ length: count }, () => (random.chance(0.7) ? 1 : 0));
  const additive = sort === "additive";
  const mask = sort === "none" || sort === "lengths" ? undefined : places.place(additive ? "f32" : "bytes", count);
  if (mask !== undefined) {
    const bytes = mask.region.read();
    const Class = additive ? Float32Array : Uint8Array;
    const view = new Class(bytes.buffer as ArrayBuffer, bytes.byteOffset + mask.at, count);
    view.set(additive ? flags.map((flag, k) => (flag ? Math.sin(k) : Number.NEGATIVE_INFINITY)) : flags);
  }
  const keyLengths = sort === "lengths" || sort === "both" ? Array.from({ length: batch }, () => random.integer(keys + 1)) : undefined;
  const causal = random.chance(0.3);
  /** The number that is added to a score; -Infinity where it is left out. */
  const addedTo = (b: number, q: number, k: number): number => {
    if (keyLengths !== undefined && k >= (keyLengths[b] as number)) return Number.NEGATIVE_INFINITY;
    if (causal && k > q + keys - queries) return Number.NEGATIVE_INFINITY;
    if (mask === undefined) return 0;
    const [sb, sq, sk] = maskShape as [number, number, number];
    const at = ((sb === 1 ? 0 : b) * sq + (sq === 1 ? 0 : q)) * sk + (sk === 1 ? 0 : k);
    return flags[at] ? (additive ? Math.fround(Math.sin(at)) : 0) : Number.NEGATIVE_INFINITY;
  };
  const options = { causal, keyLengths, attentionMask: mask?.value, maskShape: mask === undefined ? undefined : maskShape };
  return { mask, options, addedTo };
}

function attentionRow(name: "softmaxDropout" | "backward"): Row {
  return {
    name: `fused.${name}, attention masks`,
    make(setting) {
      const { world, random, places } = setting;
      const shape = [random.pick([1, 2]), random.pick([1, 3]), random.pick([1, 5, 16, 33])] as const;
      const [, queries, keys] = shape;
      const length = shape.reduce((a, b) => a * b, 1);
      const x = places.place("f32", length);
      const { mask, options, addedTo } = attentionFor(setting, shape);
      const stream = streamFor(setting, true, 2 ** 53 - length);
      const p = random.pick([0, 0.1, 0.5, 1]);
      const c = stream.chanceOf(p);
      const scale = random.pick([undefined, 0.125]);
      /** The probabilities of the row of element i. */
      const rowOf = (i: number) => {
        const row = Math.floor(i / keys);
        const [b, q] = [Math.floor(row / queries), row % queries];
        const scores = Array.from({ length: keys }, (_, k) => {
          const added = addedTo(b, q, k);
          return added === Number.NEGATIVE_INFINITY ? added : (x.numbers[row * keys + k] as number) * (scale ?? 1) + added;
        });
        const most = Math.max(...scores);
        if (most === Number.NEGATIVE_INFINITY) return scores.map(() => 0);
        const powers = scores.map((score) => Math.exp(score - most));
        const sum = powers.reduce((a, power) => a + power, 0);
        return powers.map((power) => power / sum);
      };
      const own = { ...options, shape, scale };
      if (name === "softmaxDropout") {
        const out = random.chance(0.5) ? places.place("f32", length) : undefined;
        return {
          args: [x.value, p, { ...stream.options, ...own, out: out?.value }],
          call: (...args) => (world.fused.softmaxDropout as (...args: never[]) => unknown)(...args),
          results: out === undefined ? [] : [out],
          check({ y: result }: { y: unknown }) {
            const y = resultOf("f32", result);
            for (const i of some(setting, length)) {
              const kept = !stream.training || stream.keep(stream.start + i, c);
              const factor = stream.training && c.scale64 < Number.POSITIVE_INFINITY ? c.scale64 : stream.training ? 0 : 1;
              near(y[i], kept ? (rowOf(i)[i % keys] as number) * factor : 0, 1e-5, `y[${i}]`);
            }
          },
        } as Call;
      }
      const { training: _, ...draw } = stream.options;
      const { ticket } = world.fused.softmaxDropout(x.value as Float32Array, p, { ...draw, ...own } as never);
      const dy = places.place("f32", length);
      const dlogits = random.pick([undefined, dy, places.place("f32", length)]);
      return {
        args: [dy.value, JSON.parse(JSON.stringify(ticket)), { logits: x.value, attentionMask: mask?.value }, { dlogits: dlogits?.value }],
        call: (...args) => (world.fused.backward as (...args: never[]) => unknown)(...args),
        results: dlogits === undefined ? [] : [dlogits],
        check({ dlogits: result }: { dlogits: unknown }) {
          const got = resultOf("f32", result);
          for (const i of some(setting, length)) {
            const row = rowOf(i);
            const begin = i - (i % keys);
            const gradient = (k: number) => {
              const kept = stream.keep(stream.start + begin + k, c) && c.scale64 < Number.POSITIVE_INFINITY;
              return kept ? (dy.numbers[begin + k] as number) * c.scale64 : 0;
            };
            const mean = row.reduce((sum, probability, k) => sum + probability * gradient(k), 0);
            near(got[i], (scale ?? 1) * (row[i % keys] as number) * (gradient(i % keys) - mean), 1e-4, `dlogits[${i}]`);
          }
        },
      } as Call;
    },
  };
}

export const LAYER_ROWS: readonly Row[] = [
  moments,
  inference,
  dropoutLevel,
  linearBackward,
  normBackward,
  attentionRow("softmaxDropout"),
  attentionRow("backward"),
];
