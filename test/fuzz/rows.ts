// The operations that are tried, a row each: how a call of it is made, and what it has to give, in plain formulas.

import { normal, uniform } from "../../docs/normal-reference.js";
import { calibration, streamOf } from "../../src/monte-carlo/index.js";
import { chance, uniforms } from "../support/oracle.js";
import { ATTENTION_ROWS } from "./attention.js";
import {
  type Answer,
  bit,
  type Call,
  dataFor,
  dropped,
  F16_REFUSAL,
  halfOption,
  lengthOf,
  maskFor,
  near,
  PROBABILITIES,
  type Row,
  type Setting,
  same,
  scaleOf,
  some,
  streamFor,
} from "./call.js";
import { LAYER_ROWS } from "./layers.js";
import { PASS_ROWS } from "./passes.js";
import { RATE_ROWS } from "./rates.js";
import { type Dtype, resultOf, rounding } from "./world.js";

/** Dropout, its backward and its replay in one row each: they share what they have to give. */
function coreDropout(name: "dropout" | "forward"): Row {
  return {
    name: `dropout.${name}`,
    make(setting) {
      const { world, random } = setting;
      const length = lengthOf(random);
      const { dtype, x, out, outputs } = dataFor(setting, length);
      const stream = streamFor(setting, true, 2 ** 53 - length);
      const rescale = random.pick(["train", "train", "test", "none"]);
      const mask = random.chance(0.4) ? maskFor(setting, length) : undefined;
      const p = random.pick(PROBABILITIES);
      const c = stream.chanceOf(p);
      const options = { ...stream.options, ...halfOption(dtype), rescale, out: out?.value, mask: mask?.value };
      return {
        args: [x.value, p, options],
        call: (...args) => world.dropout[name](...(args as unknown as [Float32Array, number])),
        results: mask === undefined ? outputs : [...outputs, mask],
        refusal: dtype === "f16" ? F16_REFUSAL : undefined,
        check(result: unknown) {
          const y = resultOf(dtype, name === "dropout" ? result : (result as Answer).y);
          if (y.length !== length) throw new Error(`length ${y.length}`);
          for (const i of some(setting, length)) {
            const kept = stream.keep(stream.start + i, c);
            near(
              y[i],
              dropped(dtype, x.numbers[i] as number, kept, c, rescale, stream.training),
              stream.training ? 0 : Math.abs((y[i] as number) * 1e-6) || 0,
              `y[${i}]`,
            );
            if (mask !== undefined) same(bit(mask, i), stream.training && !kept ? 0 : 1, `mask bit ${i}`);
          }
          if (name === "dropout") return;
          const { ticket } = result as Answer;
          const { version, op } = ticket as { version: number; op: string };
          same(version, 1, "ticket.version");
          if (op !== "dropout") throw new Error(`ticket.op ${op}`);
        },
      } as Call;
    },
  };
}

const coreBackward: Row = {
  name: "dropout.backward",
  make(setting) {
    const { world, random } = setting;
    const length = lengthOf(random);
    const { dtype, x, out, outputs } = dataFor(setting, length);
    const stream = streamFor(setting, true, 2 ** 53 - length);
    const p = random.pick(PROBABILITIES);
    const c = stream.chanceOf(p);
    const { ticket } = world.dropout.forward(new Float32Array(length), p, { ...stream.options, training: true } as object);
    const stored = random.chance(0.4) ? maskFor(setting, length) : undefined;
    const saved = stored === undefined ? {} : { mask: stored.value, format: "bits" };
    const rate = random.chance(0.5) ? { p, kind: ticket.kind } : ticket;
    const bits = stored === undefined ? undefined : stored.region.read().slice(stored.at, stored.at + stored.bytes);
    return {
      args: [x.value, stored === undefined ? ticket : rate, saved, { ...halfOption(dtype), dx: out?.value }],
      call: (...args) => world.dropout.backward(...(args as unknown as [Float32Array, typeof ticket])),
      results: outputs,
      refusal: dtype === "f16" ? F16_REFUSAL : undefined,
      check({ dx }: { dx: unknown }) {
        const y = resultOf(dtype, dx);
        if (y.length !== length) throw new Error(`length ${y.length}`);
        for (const i of some(setting, length)) {
          const kept = bits === undefined ? stream.keep(stream.start + i, c) : (((bits[i >> 3] as number) >> (i & 7)) & 1) === 1;
          const given = x.numbers[i] as number;
          const scaled = rounding(dtype)(given * scaleOf(dtype, c));
          // A stored mask may keep what p = 0 or 1 would not.
          const expected = c.scale64 === Number.POSITIVE_INFINITY || !kept ? 0 : c.threshold === 0 && bits === undefined ? given : scaled;
          near(y[i], expected, 0, `dx[${i}]`);
        }
      },
    } as Call;
  },
};

function coreMask(name: "mask" | "replay"): Row {
  return {
    name: `dropout.${name}`,
    make(setting) {
      const { world, random, places } = setting;
      const length = lengthOf(random);
      const stream = streamFor(setting, true, 2 ** 53 - length);
      const { training: _, ...draw } = stream.options;
      const p = random.pick(PROBABILITIES);
      const c = stream.chanceOf(p);
      const format = random.pick(["bits", "bytes", "f32"] as const);
      const out = random.chance(0.5) ? (format === "bits" ? maskFor(setting, length) : places.place(format, length)) : undefined;
      const { ticket } = world.dropout.forward(new Float32Array(length), p, { ...draw, training: true } as object);
      const options = { format, out: out?.value };
      const now = name === "mask" && stream.options.stream === undefined ? 1n : 0n;
      return {
        args:
          name === "mask"
            ? [length, p, { ...draw, ...options }]
            : [ticket, random.chance(0.5) ? { ...options, maxLength: length } : options],
        call: (...args) => world.dropout[name](...(args as unknown as [never, never])),
        results: out === undefined ? [] : [out],
        check(result: unknown) {
          // forward() above took the number that mask() would have taken.
          const kind = ticket.kind;
          const number = BigInt(ticket.stream) + now;
          const array = ArrayBuffer.isView(result) ? result : (result as { array: Uint8Array }).array;
          const bytes = new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);
          for (const i of some(setting, length)) {
            const kept = (uniforms(kind, stream.seed, number, stream.start + i, 1)[0] as number) >= c.threshold;
            if (format === "bits") same(((bytes[i >> 3] as number) >> (i & 7)) & 1, kept ? 1 : 0, `bit ${i}`);
            else if (format === "bytes") same(bytes[i], kept ? 1 : 0, `byte ${i}`);
            else same(resultOf("f32", result)[i], kept ? c.scale32 : 0, `factor ${i}`);
          }
        },
      } as Call;
    },
  };
}

const countKept: Row = {
  name: "dropout.countKept",
  make(setting) {
    const length = lengthOf(setting.random);
    const mask = maskFor(setting, length);
    return {
      args: [mask.value, length],
      call: (...args) => setting.world.dropout.countKept(...(args as unknown as [Uint8Array])),
      results: [],
      check(count: number) {
        let expected = 0;
        for (let i = 0; i < length; ++i) expected += bit(mask, i);
        same(count, expected, "count");
      },
    } as Call;
  },
};

function noiseRow(name: "gaussianDropout" | "gaussianNoise"): Row {
  return {
    name: `noise.${name}`,
    make(setting) {
      const { world, random } = setting;
      const length = lengthOf(random);
      const { dtype, x, out, outputs } = dataFor(setting, length);
      const stream = streamFor(setting, false, 2 ** 53 - length);
      const amount = random.pick(name === "gaussianDropout" ? [0, 0.1, 0.5, 0.999] : [0, 0.5, 3]);
      return {
        args: [x.value, amount, { ...stream.options, ...halfOption(dtype), out: out?.value }],
        call: (...args) => world.noise[name](...(args as unknown as [Float32Array, number])),
        results: outputs,
        check({ y: result }: Answer) {
          const y = resultOf(dtype, result);
          const inner = rounding(dtype === "f64" ? "f64" : "f32");
          const s = inner(stream.training ? (name === "gaussianDropout" ? Math.sqrt(amount / (1 - amount)) : amount) : 0);
          for (const i of some(setting, length)) {
            const given = x.numbers[i] as number;
            const z = inner(s * Math.fround(normal(stream.seed, stream.stream, BigInt(stream.start + i))));
            const noisy = name === "gaussianDropout" ? given * inner(1 + z) : given + z;
            same(y[i], s === 0 ? given : rounding(dtype)(noisy), `y[${i}]`);
          }
        },
      } as Call;
    },
  };
}

function numbersRow(name: "normal" | "uniform"): Row {
  return {
    name: `noise.${name}`,
    make(setting) {
      const { world, random, places } = setting;
      const length = lengthOf(random);
      const stream = streamFor(setting, false, 2 ** 53 - length);
      const { training: _, ...draw } = stream.options;
      const out = random.chance(0.5) ? places.place("f32", length) : undefined;
      const moments = name === "normal" ? { mean: random.pick([0, 3, -0.5]), stddev: random.pick([0, 1, 2.5]) } : {};
      const { mean, stddev } = { mean: 0, stddev: 1, ...moments };
      return {
        args: [length, { ...draw, ...moments, out: out?.value }],
        call: (...args) => world.noise[name](...(args as unknown as [number])),
        results: out === undefined ? [] : [out],
        check(result: unknown) {
          const y = resultOf("f32", result);
          const at = { normal, uniform }[name];
          for (const i of some(setting, length)) {
            const z = Math.fround(at(stream.seed, stream.stream, BigInt(stream.start + i)));
            near(y[i], Math.fround(mean + Math.fround(stddev * z)), 0, `number ${i}`);
          }
        },
      } as Call;
    },
  };
}

function convertRow(name: "toFloat32" | "fromFloat32"): Row {
  return {
    name: `half.${name}`,
    make(setting) {
      const { world, random, places } = setting;
      const length = lengthOf(random);
      const dtype = random.pick(["f16", "bf16"] as const);
      const [from, to]: [Dtype, Dtype] = name === "toFloat32" ? [dtype, "f32"] : ["f32", dtype];
      const x = places.place(from, length, true);
      const out = random.chance(0.5) ? places.place(to, length) : undefined;
      return {
        args: [x.value, dtype, { out: out?.value }],
        call: (...args) => (world.half[name] as (...args: never[]) => unknown)(...args),
        results: out === undefined ? [] : [out],
        check(result: unknown) {
          const y = resultOf(to, result);
          for (const i of some(setting, length)) same(y[i], rounding(to)(x.numbers[i] as number), `y[${i}]`);
        },
      } as Call;
    },
  };
}

/** Operations of shapes that drop: what one decision governs is dropped or kept as one. */
function shapesRow(name: "broadcastDropout" | "spatialDropout" | "dropPath"): Row {
  return {
    name: `shapes.${name}`,
    make(setting) {
      const { world, random, places } = setting;
      const [n, c, h, w] = [random.pick([0, 1, 2, 3]), random.pick([1, 3, 17]), random.pick([1, 4, 5]), random.pick([1, 7, 16])];
      const shape = [n, c, h, w];
      const length = n * c * h * w;
      const dataFormat = random.pick(["channelsFirst", "channelsLast"] as const);
      const noiseShape =
        name === "dropPath"
          ? [n, 1, 1, 1]
          : name === "spatialDropout"
            ? dataFormat === "channelsFirst"
              ? [n, c, 1, 1]
              : [n, 1, 1, w]
            : shape.map((size) => (random.chance(0.5) ? 1 : size));
      const decisions = noiseShape.reduce((a, b) => a * b, 1);
      const { dtype, x, out, outputs } = dataFor(setting, length);
      const stream = streamFor(setting, true, 2 ** 53 - decisions);
      const rescale = random.pick(["train", "test", "none"]);
      const p = random.pick(PROBABILITIES);
      const chances = stream.chanceOf(p);
      const mask = random.chance(0.3) ? places.place("bits", decisions) : undefined;
      const own = name === "broadcastDropout" ? { noiseShape } : name === "spatialDropout" ? { dataFormat } : {};
      return {
        args: [x.value, p, { ...stream.options, ...halfOption(dtype), ...own, shape, rescale, out: out?.value, mask: mask?.value }],
        call: (...args) => (world.shapes[name] as (...args: never[]) => unknown)(...args),
        results: mask === undefined ? outputs : [...outputs, mask],
        refusal: dtype === "f16" ? F16_REFUSAL : undefined,
        check({ y: result }: Answer) {
          const y = resultOf(dtype, result);
          if (y.length !== length) throw new Error(`length ${y.length}`);
          for (const i of some(setting, length)) {
            let [rest, decision, step] = [i, 0, 1];
            for (let k = 3; k >= 0; --k) {
              const size = shape[k] as number;
              if (noiseShape[k] !== 1) decision += (rest % size) * step;
              rest = Math.floor(rest / size);
              step *= noiseShape[k] as number;
            }
            const kept = stream.keep(stream.start + decision, chances);
            near(
              y[i],
              dropped(dtype, x.numbers[i] as number, kept, chances, rescale, stream.training),
              stream.training ? 0 : Math.abs((y[i] as number) * 1e-6) || 0,
              `y[${i}]`,
            );
            if (mask !== undefined) same(bit(mask, decision), stream.training && !kept ? 0 : 1, `mask bit ${decision}`);
          }
        },
      } as Call;
    },
  };
}

const alphaDropout: Row = {
  name: "shapes.alphaDropout",
  make(setting) {
    const { world, random } = setting;
    const length = lengthOf(random);
    const { dtype, x, out, outputs } = dataFor(setting, length, ["f32", "f64"]);
    const stream = streamFor(setting, true, 2 ** 53 - length);
    const p = random.pick([0, 0.1, 0.5, 0.9]);
    const c = stream.chanceOf(p);
    return {
      args: [x.value, p, { ...stream.options, out: out?.value }],
      call: (...args) => world.shapes.alphaDropout(...(args as unknown as [Float32Array, number])),
      results: outputs,
      check({ y: result }: Answer) {
        const y = resultOf(dtype, result);
        const alpha = 1.7580993408473766;
        const a = 1 / Math.sqrt((1 - p) * (1 + p * alpha ** 2));
        const b = alpha * a * p;
        for (const i of some(setting, length)) {
          const given = x.numbers[i] as number;
          const kept = !stream.training || stream.keep(stream.start + i, c);
          const expected = !stream.training || p === 0 ? given : kept ? a * given + b : b - a * alpha;
          near(y[i], rounding(dtype)(expected), Math.abs(expected) * 1e-6 + 1e-6, `y[${i}]`);
        }
      },
    } as Call;
  },
};

/** Linear operations of one input: forward and backward multiply by the same factors. */
const dropBlock: Row = {
  name: "shapes.dropBlock",
  make(setting) {
    const { world, random } = setting;
    const shape = [random.pick([0, 1, 2]), random.pick([1, 3]), random.pick([1, 5, 9]), random.pick([1, 8, 17])];
    const length = shape.reduce((a, b) => a * b, 1);
    const { dtype, x, out, outputs } = dataFor(setting, length);
    const stream = streamFor(setting, true, 2 ** 50);
    const own = {
      shape,
      blockSize: random.pick([1, 2, 3, 7, 100]),
      batchwise: random.chance(0.3),
      coupleChannels: random.chance(0.3),
      borderSeeds: random.chance(0.3),
      withNoise: random.chance(0.3),
      dataFormat: random.pick(["channelsFirst", "channelsLast"]),
    };
    const scaleByKeep = random.pick(own.withNoise ? [undefined, false] : [undefined, true, false]);
    return {
      args: [x.value, random.pick([0, 0.1, 0.5]), { ...stream.options, ...halfOption(dtype), ...own, scaleByKeep, out: out?.value }],
      call: (...args) => world.shapes.dropBlock(...(args as unknown as [Float32Array, number, never])),
      results: outputs,
      check({ y: result, ticket }: Answer) {
        const y = resultOf(dtype, result);
        const ones = new Float64Array(length).fill(1);
        const { dx } = world.shapes.backward(ones, ticket as never);
        const last = own.dataFormat === "channelsLast";
        const [channels, area] = last
          ? [shape[3] as number, (shape[1] as number) * (shape[2] as number)]
          : [shape[1] as number, (shape[2] as number) * (shape[3] as number)];
        const noiseAt = (i: number) => {
          const sample = own.batchwise ? 0 : Math.floor(i / (channels * area));
          const inside = i % (channels * area);
          const [channel, place] = last ? [inside % channels, Math.floor(inside / channels)] : [Math.floor(inside / area), inside % area];
          const map = own.coupleChannels ? sample : sample * channels + channel;
          return Math.fround(normal(stream.seed, stream.stream, BigInt(stream.start + map * area + place)));
        };
        for (const i of some(setting, length)) {
          const factor = dx[i] as number;
          const instead = own.withNoise ? noiseAt(i) : 0;
          const expected = factor === 0 ? instead : (x.numbers[i] as number) * factor;
          near(y[i], rounding(dtype)(expected), Math.abs(expected) * (dtype === "f16" || dtype === "bf16" ? 1e-2 : 1e-6), `y[${i}]`);
        }
      },
    } as Call;
  },
};

const dropConnect: Row = {
  name: "linear.dropConnect",
  make(setting) {
    const { world, random, places } = setting;
    const [batch, inputs, outs] = [random.pick([0, 1, 2, 3]), random.pick([1, 5, 16, 33, 130]), random.pick([1, 3, 8])];
    const dtype = random.pick(["f32", "f64"] as const);
    const [x, w] = [places.place(dtype, batch * inputs), places.place(dtype, outs * inputs)];
    const bias = random.chance(0.5) ? places.place(dtype, outs) : undefined;
    const out = random.chance(0.5) ? places.place(dtype, batch * outs) : undefined;
    const stream = streamFor(setting, true, 2 ** 50);
    const perExample = random.pick([undefined, true, false]);
    const p = random.pick(PROBABILITIES);
    const c = stream.chanceOf(p);
    return {
      args: [
        x.value,
        p,
        { ...stream.options, perExample, w: w.value, bias: bias?.value, shape: { batch, in: inputs, out: outs }, out: out?.value },
      ],
      call: (...args) => world.linear.dropConnect(...(args as unknown as [Float32Array, number, never])),
      results: out === undefined ? [] : [out],
      check({ y: result }: Answer) {
        const y = resultOf(dtype, result);
        if (y.length !== batch * outs) throw new Error(`length ${y.length}`);
        if (y.length === 0) return;
        const at = random.integer(y.length);
        const [row, o] = [Math.floor(at / outs), at % outs];
        let [sum, size] = [0, 1];
        const first = ((perExample === false ? 0 : row) * outs + o) * inputs;
        for (let i = 0; i < inputs; ++i) {
          const product = (w.numbers[o * inputs + i] as number) * (x.numbers[row * inputs + i] as number);
          if (stream.training && !stream.keep(stream.start + first + i, c)) continue;
          sum += product;
          size += Math.abs(product);
        }
        const factor = stream.training && c.scale64 < Number.POSITIVE_INFINITY ? c.scale64 : 1;
        near(y[at], sum * factor + (bias?.numbers[o] ?? 0), size * factor * 1e-5 + 1e-5, `y[${at}]`);
      },
    } as Call;
  },
};

const scaleWeights: Row = {
  name: "linear.scaleWeights",
  make(setting) {
    const length = lengthOf(setting.random);
    const { dtype, x, out, outputs } = dataFor(setting, length);
    const p = setting.random.pick(PROBABILITIES);
    const c = chance(setting.world.dropout.kind, p);
    return {
      args: [x.value, p, { ...halfOption(dtype), out: out?.value }],
      call: (...args) => setting.world.linear.scaleWeights(...(args as unknown as [Float32Array, number])),
      results: outputs,
      check(result: unknown) {
        const y = resultOf(dtype, result);
        for (const i of some(setting, length)) {
          const expected = dropped(dtype, x.numbers[i] as number, true, c, "test", false);
          near(y[i], expected, Math.abs(expected) * 1e-6, `w[${i}]`);
        }
      },
    } as Call;
  },
};

const ACTIVATED: Readonly<Record<string, (v: number) => number>> = {
  none: (v) => v,
  relu: (v) => (v > 0 ? v : Number.isNaN(v) ? v : 0),
  silu: (v) => (v === Number.NEGATIVE_INFINITY ? 0 : v / (1 + Math.exp(-v))),
};

function biasRow(name: "biasDropoutResidual" | "biasActivationDropout"): Row {
  return {
    name: `fused.${name}`,
    make(setting) {
      const { world, random, places } = setting;
      const [rows, columns] = [random.pick([0, 1, 2, 5]), random.pick([1, 3, 16, 17, 64, 257])];
      const length = rows * columns;
      const dtype = random.pick<Dtype>(name === "biasDropoutResidual" ? ["f32", "f64", "f16", "bf16"] : ["f32", "f16", "bf16"]);
      const x = places.place(dtype, length);
      const bias = random.chance(0.7) ? places.place(dtype, columns) : undefined;
      const residual =
        name === "biasDropoutResidual" && (bias === undefined || random.chance(0.7)) ? places.place(dtype, length) : undefined;
      const activation = name === "biasActivationDropout" ? random.pick(Object.keys(ACTIVATED)) : "none";
      const inPlace = random.chance(0.2) && activation === "none";
      const out = random.chance(0.5) ? (inPlace ? x : places.place(dtype, length)) : undefined;
      const stream = streamFor(setting, true, 2 ** 53 - length);
      const p = random.pick(PROBABILITIES);
      const c = stream.chanceOf(p);
      const own = name === "biasDropoutResidual" ? { residual: residual?.value } : { activation };
      return {
        args: [x.value, p, { ...stream.options, ...halfOption(dtype), ...own, bias: bias?.value, out: out?.value }],
        call: (...args) => (world.fused[name] as (...args: never[]) => unknown)(...args),
        results: out === undefined ? [] : [out],
        refusal: dtype === "f16" ? F16_REFUSAL : undefined,
        check({ y: result }: Answer) {
          const y = resultOf(dtype, result);
          if (y.length !== length) throw new Error(`length ${y.length}`);
          const error = dtype === "f16" || dtype === "bf16" ? 2e-2 : 1e-5;
          for (const i of some(setting, length)) {
            const v = (ACTIVATED[activation] as (v: number) => number)((x.numbers[i] as number) + (bias?.numbers[i % columns] ?? 0));
            const kept = !stream.training || stream.keep(stream.start + i, c);
            const factor = stream.training && c.threshold > 0 ? c.scale64 : 1;
            const expected = (kept ? v * factor : 0) + (residual?.numbers[i] ?? 0);
            near(y[i], expected, (Math.abs(v) * (kept ? factor : 0) + 16) * error, `y[${i}]`);
          }
        },
      } as Call;
    },
  };
}

/** RMS norm with all that a branch may have, in f32. */
const rmsNorm: Row = {
  name: "fused.dropoutResidualRMSNorm",
  make(setting) {
    const { world, random, places } = setting;
    const [rows, columns] = [random.pick([0, 2, 4]), random.pick([2, 16, 17, 64])];
    const length = rows * columns;
    const [x, gamma] = [places.place("f32", length), places.place("f32", columns)];
    const given = <V>(make: () => V) => (random.chance(0.5) ? make() : undefined);
    const residual = given(() => places.place("f32", length));
    const layerScale = given(() => places.place("f32", columns));
    const rowScale = given(() => places.place("f32", rows === 0 ? 0 : rows / 2));
    const parallel = given(() => places.place("f32", length));
    const stream = streamFor(setting, true, 2 ** 53 - 2 * length);
    const p = random.pick([0, 0.1, 0.5]);
    const options = { residual: residual?.value, layerScale: layerScale?.value, rowScale: rowScale?.value, parallel: parallel?.value };
    return {
      args: [x.value, p, { ...stream.options, gamma: gamma.value, ...options }],
      call: (...args) => world.fused.dropoutResidualRMSNorm(...(args as unknown as [Float32Array, number, never])),
      results: [],
      check({ y: result, h: stream2 }: { y: unknown; h: unknown }) {
        const [y, h] = [resultOf("f32", result), resultOf("f32", stream2)];
        const c = stream.chanceOf(p);
        const factor = stream.training ? c.scale64 : 1;
        const kept = (i: number) => !stream.training || stream.keep(stream.start + i, c);
        for (const i of some(setting, length)) {
          const [row, column] = [Math.floor(i / columns), i % columns];
          const scale = factor * (rowScale === undefined ? 1 : (rowScale.numbers[Math.floor(row / 2)] as number));
          const branch = (x.numbers[i] as number) * (layerScale === undefined ? 1 : (layerScale.numbers[column] as number)) * scale;
          const other = parallel === undefined || !kept(length + i) ? 0 : (parallel.numbers[i] as number) * factor;
          near(h[i], (residual === undefined ? 0 : (residual.numbers[i] as number)) + (kept(i) ? branch : 0) + other, 1e-4, `h[${i}]`);
          const values = h.slice(row * columns, (row + 1) * columns);
          const mean = values.reduce((a, b) => a + b * b, 0) / columns;
          near(y[i], ((h[i] as number) / Math.sqrt(mean + 1e-5)) * (gamma.numbers[column] as number), 1e-4, `y[${i}]`);
        }
      },
    } as Call;
  },
};

/** Gated linear units with relu, whose gradient is simple, in halves or in two arrays. */
const glu: Row = {
  name: "fused.gluDropout",
  make(setting) {
    const { world, random, places } = setting;
    const [rows, columns] = [random.pick([0, 1, 3]), random.pick([1, 16, 33, 300])];
    const length = rows * columns;
    const gateFirst = random.chance(0.5);
    const halves = random.chance(0.5);
    const x = places.place("f32", halves ? 2 * length : length);
    const value = halves ? undefined : places.place("f32", length);
    const stream = streamFor(setting, true, 2 ** 53 - length);
    const p = random.pick([0, 0.1, 0.5, 1]);
    const options = halves ? { columns, gateFirst } : { value: value?.value };
    return {
      args: [x.value, p, { ...stream.options, activation: "relu", ...options }],
      call: (...args) => world.fused.gluDropout(...(args as unknown as [Float32Array, number, never])),
      results: [],
      check({ y: result }: Answer) {
        const y = resultOf("f32", result);
        const c = stream.chanceOf(p);
        for (const i of some(setting, length)) {
          const at = Math.floor(i / columns) * 2 * columns + (i % columns);
          const [first, second] = halves ? [x.numbers[at], x.numbers[at + columns]] : [x.numbers[i], value?.numbers[i]];
          const [gate, factor] = gateFirst || !halves ? [first, second] : [second, first];
          const kept = !stream.training || stream.keep(stream.start + i, c);
          const expected = Math.max(gate as number, 0) * (factor as number) * (stream.training ? c.scale64 : 1);
          near(y[i], kept ? expected : 0, 1e-5, `y[${i}]`);
        }
      },
    } as Call;
  },
};

const layerNorm: Row = {
  name: "fused.dropoutResidualLayerNorm",
  make(setting) {
    const { world, random, places } = setting;
    const [rows, columns] = [random.pick([0, 1, 2, 5]), random.pick([2, 16, 17, 64, 257])];
    const length = rows * columns;
    const [x, residual, gamma, beta] = [
      places.place("f32", length),
      places.place("f32", length),
      places.place("f32", columns),
      places.place("f32", columns),
    ];
    const out = random.chance(0.5) ? places.place("f32", length) : undefined;
    const stream = streamFor(setting, true, 2 ** 53 - length);
    const p = random.pick([0, 0.1, 0.5]);
    return {
      args: [x.value, p, { ...stream.options, residual: residual.value, gamma: gamma.value, beta: beta.value, out: out?.value }],
      call: (...args) => world.fused.dropoutResidualLayerNorm(...(args as unknown as [Float32Array, number, never])),
      results: out === undefined ? [] : [out],
      check({ y: result, h: stream2 }: { y: unknown; h: unknown }) {
        const [y, h] = [resultOf("f32", result), resultOf("f32", stream2)];
        const c = stream.chanceOf(p);
        for (const i of some(setting, length)) {
          const kept = !stream.training || stream.keep(stream.start + i, c);
          const factor = stream.training ? c.scale64 : 1;
          near(h[i], (kept ? (x.numbers[i] as number) * factor : 0) + (residual.numbers[i] as number), 1e-5, `h[${i}]`);
          const row = h.slice(i - (i % columns), i - (i % columns) + columns);
          const mean = row.reduce((a, b) => a + b, 0) / columns;
          const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / columns;
          const g = gamma.numbers[i % columns] as number;
          near(y[i], (((h[i] as number) - mean) / Math.sqrt(variance + 1e-5)) * g + (beta.numbers[i % columns] as number), 1e-4, `y[${i}]`);
        }
      },
    } as Call;
  },
};

const softmaxDropout: Row = {
  name: "fused.softmaxDropout",
  make(setting) {
    const { world, random, places } = setting;
    const shape = [random.pick([0, 1, 2]), random.pick([1, 3]), random.pick([1, 5, 16, 33])];
    const keys = shape[2] as number;
    const length = shape.reduce((a, b) => a * b, 1);
    const x = places.place("f32", length);
    const out = random.chance(0.5) ? places.place("f32", length) : undefined;
    const stream = streamFor(setting, true, 2 ** 53 - length);
    const p = random.pick([0, 0.1, 0.5, 1]);
    const c = stream.chanceOf(p);
    const scale = random.pick([undefined, 1, 0.125]);
    return {
      args: [x.value, p, { ...stream.options, shape, scale, out: out?.value }],
      call: (...args) => world.fused.softmaxDropout(...(args as unknown as [Float32Array, number, never])),
      results: out === undefined ? [] : [out],
      check({ y: result }: Answer) {
        const y = resultOf("f32", result);
        for (const i of some(setting, length)) {
          const row = x.numbers.slice(i - (i % keys), i - (i % keys) + keys).map((v) => Math.exp(v * (scale ?? 1)));
          const probability = (row[i % keys] as number) / row.reduce((a, b) => a + b, 0);
          const kept = !stream.training || stream.keep(stream.start + i, c);
          near(y[i], kept ? probability * (stream.training ? c.scale64 : 1) : 0, 1e-5, `y[${i}]`);
        }
      },
    } as Call;
  },
};

const calibrationRow: Row = {
  name: "calibration",
  make({ random }) {
    const [rows, classes] = [random.integer(5), random.pick([2, 3, 10])];
    const probabilities = new Float64Array(rows * classes).fill(1 / classes);
    return {
      args: [probabilities, Array.from({ length: rows }, () => random.integer(classes)), { classes, bins: random.pick([1, 10]) }],
      call: (...args) => calibration(...(args as unknown as [Float64Array, number[], never])),
      results: [],
      check({ negativeLogLikelihood }: { negativeLogLikelihood: number }) {
        near(negativeLogLikelihood, rows === 0 ? Number.NaN : Math.log(classes), 1e-9, "likelihood");
      },
    } as Call;
  },
};

const streamOfRow: Row = {
  name: "streamOf",
  make({ random }) {
    return {
      args: [random.integer(1000), random.pick<number | string>([0, 5, "layer"])],
      call: (...args) => streamOf(...(args as unknown as [number, number])),
      results: [],
      check(stream: bigint) {
        if (typeof stream !== "bigint" || stream < 0n || stream >= 2n ** 64n) throw new Error(`stream ${stream}`);
      },
    } as Call;
  },
};

/** Backward passes of extensions: what comes back for dy is what forward gives for it where the operation is linear. */
function backwardRow(name: string, forward: (setting: Setting, dy: Float32Array) => BackwardCase): Row {
  return {
    name,
    make(setting) {
      const { random, places } = setting;
      const dy = places.place("f32", 48);
      const numbers = Float32Array.from(dy.numbers);
      const { backward, ticket, saved, key, expected } = forward(setting, numbers);
      const out = random.chance(0.5) ? places.place("f32", expected.length) : undefined;
      return {
        args: [dy.value, JSON.parse(JSON.stringify(ticket)), saved, { [key]: out?.value }],
        call: backward as Call["call"],
        results: out === undefined ? [] : [out],
        check(gradients: Record<string, unknown>) {
          const got = resultOf("f32", gradients[key]);
          if (got.length !== expected.length) throw new Error(`length ${got.length}`);
          for (const i of some(setting, got.length))
            near(got[i], expected[i] as number, Math.abs(expected[i] as number) * 1e-6, `${key}[${i}]`);
        },
      };
    },
  };
}

interface BackwardCase {
  readonly backward: (...args: never[]) => unknown;
  readonly ticket: object;
  readonly saved: object;
  /** The gradient that is compared. */
  readonly key: string;
  readonly expected: Float32Array;
}

const SHAPE = [2, 3, 2, 4];

const BACKWARD_ROWS: readonly Row[] = [
  backwardRow("shapes.backward", ({ world: { shapes }, random }, dy) => {
    const options = { shape: SHAPE, stream: random.integer(100) };
    const rate = random.pick([0, 0.3, 1]);
    const { y, ticket } = random.chance(0.5)
      ? shapes.broadcastDropout(dy, rate, { ...options, noiseShape: random.pick([[2, 3, 1, 1], SHAPE, [1, 1, 1, 4]]) })
      : shapes.dropBlock(dy, rate === 1 ? 0.2 : rate, { ...options, blockSize: 2 });
    return {
      backward: (...args) => (shapes.backward as (...args: never[]) => unknown)(...args),
      ticket,
      saved: {},
      key: "dx",
      expected: y,
    };
  }),
  backwardRow("noise.backward", ({ world: { noise }, random }, dy) => {
    const { y, ticket } = noise.gaussianDropout(dy, random.pick([0, 0.5]), { stream: random.integer(100), start: random.integer(100) });
    return { backward: (...args) => (noise.backward as (...args: never[]) => unknown)(...args), ticket, saved: {}, key: "dx", expected: y };
  }),
  backwardRow("fused.backward", ({ world: { fused }, random }, dy) => {
    const options = { residual: new Float32Array(dy.length), bias: new Float32Array(16), stream: random.integer(100) };
    const { ticket } = fused.biasDropoutResidual(dy, random.pick([0, 0.3, 1]), options);
    const { y } = fused.biasActivationDropout(dy, ticket.p, { stream: BigInt(ticket.stream) });
    return { backward: (...args) => (fused.backward as (...args: never[]) => unknown)(...args), ticket, saved: {}, key: "dx", expected: y };
  }),
  backwardRow("linear.backward", ({ world: { linear }, random }, dy) => {
    const [batch, out, inputs] = [6, 8, 5];
    const [x, w] = [new Float32Array(batch * inputs).fill(0.5), new Float32Array(out * inputs).fill(2)];
    const { ticket } = linear.dropConnect(x, random.pick([0, 0.3, 1]), { w, shape: { batch }, perExample: random.chance(0.5), stream: 3 });
    const expected = Float32Array.from({ length: out }, (_, o) =>
      Array.from({ length: batch }, (__, n) => dy[n * out + o] as number).reduce((a, b) => a + b, 0),
    );
    return {
      backward: (...args) => (linear.backward as (...args: never[]) => unknown)(...args),
      ticket,
      saved: { x, w },
      key: "dbias",
      expected,
    };
  }),
];

export const ROWS: readonly Row[] = [
  coreDropout("dropout"),
  coreDropout("forward"),
  coreBackward,
  coreMask("mask"),
  coreMask("replay"),
  countKept,
  noiseRow("gaussianDropout"),
  noiseRow("gaussianNoise"),
  numbersRow("normal"),
  numbersRow("uniform"),
  convertRow("toFloat32"),
  convertRow("fromFloat32"),
  shapesRow("broadcastDropout"),
  shapesRow("spatialDropout"),
  shapesRow("dropPath"),
  alphaDropout,
  dropBlock,
  dropConnect,
  scaleWeights,
  biasRow("biasDropoutResidual"),
  biasRow("biasActivationDropout"),
  layerNorm,
  rmsNorm,
  glu,
  softmaxDropout,
  ...ATTENTION_ROWS,
  calibrationRow,
  streamOfRow,
  ...BACKWARD_ROWS,
  ...RATE_ROWS,
  ...LAYER_ROWS,
  ...PASS_ROWS,
];
