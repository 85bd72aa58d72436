// The rows of attention: q, k and v of all kinds of shapes, forward and back.

import { chance, uniforms } from "../support/oracle.js";
import { type Answer, type Call, near, type Row, type Setting, some, streamFor } from "./call.js";
import { type Placed, resultOf } from "./world.js";

/** Operands of attention: sizes, arrays, and the weight of a value in a query's result as the formula has it. */
function attentionCase({ random, places }: Setting) {
  const [batch, group, kvHeads] = [random.pick([0, 1, 2]), random.pick([1, 3]), random.pick([1, 2])];
  const [queries, keys] = [random.pick([0, 1, 5, 9]), random.pick([0, 1, 7, 33])];
  const [depth, size] = [random.pick([0, 1, 3]), random.pick([0, 1, 6])];
  const heads = group * kvHeads;
  const [rows, kvRows] = [batch * heads * queries, batch * kvHeads * keys];
  const [q, k, v] = [places.place("f32", rows * depth), places.place("f32", kvRows * depth), places.place("f32", kvRows * size)];
  const causal = random.pick([undefined, false, true]);
  const shapes = { shape: [batch, heads, queries, depth], kShape: [batch, kvHeads, keys, depth], vShape: [batch, kvHeads, keys, size] };
  const firstKey = (row: number) => {
    const head = Math.floor(row / queries);
    return (Math.floor(head / heads) * kvHeads + Math.floor((head % heads) / group)) * keys;
  };
  /** Probabilities of the keys of a row. */
  const weights = (row: number) => {
    const scores = Array.from({ length: keys }, (_, j) => {
      let dot = 0;
      for (let t = 0; t < depth; ++t)
        dot += (q.numbers[row * depth + t] as number) * (k.numbers[(firstKey(row) + j) * depth + t] as number);
      return causal && j > (row % queries) + keys - queries ? Number.NEGATIVE_INFINITY : dot / Math.sqrt(Math.max(1, depth));
    });
    const most = Math.max(...scores);
    const powers = scores.map((score) => (score === Number.NEGATIVE_INFINITY ? 0 : Math.exp(score - most)));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => (sum === 0 ? 0 : power / sum));
  };
  return { q, k, v, rows, keys, size, length: rows * keys, options: { ...shapes, causal }, firstKey, weights };
}

const attentionForward: Row = {
  name: "attention.forward",
  make(setting) {
    const { world, random, places } = setting;
    const { q, k, v, rows, keys, size, length, options, firstKey, weights } = attentionCase(setting);
    const out = random.chance(0.5) ? places.place("f32", rows * size) : undefined;
    const logSumExp = random.chance(0.5) ? places.place("f32", rows) : undefined;
    const stream = streamFor(setting, true, 2 ** 53 - length);
    const p = random.pick([0, 0.1, 0.5, 1]);
    const c = stream.chanceOf(p);
    const given = { ...stream.options, ...options, k: k.value, v: v.value, out: out?.value, logSumExp: logSumExp?.value };
    return {
      args: [q.value, p, given],
      call: (...args) => world.attention.forward(...(args as unknown as [Float32Array, number, never])),
      results: [out, logSumExp].filter((one) => one !== undefined),
      check({ y: result }: Answer) {
        const y = resultOf("f32", result);
        if (y.length !== rows * size) throw new Error(`length ${y.length}`);
        for (const i of some(setting, y.length)) {
          const row = Math.floor(i / size);
          let expected = 0;
          weights(row).forEach((weight, j) => {
            const kept = !stream.training || stream.keep(stream.start + row * keys + j, c);
            if (kept)
              expected += weight * (stream.training ? c.scale64 : 1) * (v.numbers[(firstKey(row) + j) * size + (i % size)] as number);
          });
          near(y[i], expected, 1e-4, `y[${i}]`);
        }
      },
    } as Call;
  },
};

const attentionBackward: Row = {
  name: "attention.backward",
  make(setting) {
    const { world, random, places } = setting;
    const { q, k, v, rows, keys, size, options, firstKey, weights } = attentionCase(setting);
    const dy = places.place("f32", rows * size);
    const [p, stream] = [random.pick([0, 0.3, 1]), BigInt(random.integer(100))];
    const floats = ({ numbers }: Placed) => Float32Array.from(numbers);
    const [k32, v32] = [floats(k), floats(v)];
    const { y, logSumExp, ticket } = world.attention.forward(floats(q), p, { ...options, k: k32, v: v32, stream });
    const out = random.chance(0.5) ? places.place("f32", v.numbers.length) : undefined;
    const c = chance(ticket.kind, p);
    const saved = { q: q.value, k: k.value, v: v.value, logSumExp, y: random.chance(0.5) ? y : undefined };
    return {
      args: [dy.value, JSON.parse(JSON.stringify(ticket)), saved, { dv: out?.value, dq: random.pick([undefined, false]) }],
      call: (...args) => world.attention.backward(...(args as unknown as Parameters<typeof world.attention.backward>)),
      results: out === undefined ? [] : [out],
      check({ dv }: { dv: unknown }) {
        const got = resultOf("f32", dv);
        if (got.length !== v.numbers.length) throw new Error(`length ${got.length}`);
        for (const i of some(setting, got.length)) {
          let expected = 0;
          for (let row = 0; row < rows; ++row) {
            const j = Math.floor(i / size) - firstKey(row);
            if (j < 0 || j >= keys) continue;
            const [uniform] = uniforms(ticket.kind, BigInt(ticket.seed), stream, row * keys + j, 1) as unknown as [number];
            if (uniform >= c.threshold)
              expected += (weights(row)[j] as number) * c.scale64 * (dy.numbers[row * size + (i % size)] as number);
          }
          near(got[i], expected, 1e-4, `dv[${i}]`);
        }
      },
    } as Call;
  },
};

export const ATTENTION_ROWS: readonly Row[] = [attentionForward, attentionBackward];
