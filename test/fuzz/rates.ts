// Several probabilities in one call, forward and backward.

import { type Answer, type Call, dataFor, halfOption, type Row, type Setting, same, scaleOf, some, streamFor } from "./call.js";
import { type Dtype, resultOf, rounding } from "./world.js";

const RATES = [0, 2 ** -48, 0.1, 0.25, 0.5, 0.9, 1];
const F16 = /f16/;

/** Index of the element of an array of `small` that is broadcast to element i of `shape`. */
function indexIn(small: readonly number[], shape: readonly number[], i: number): number {
  let [rest, index, step] = [i, 0, 1];
  for (let k = shape.length - 1; k >= 0; --k) {
    const size = shape[k] as number;
    if (small[k] !== 1) index += (rest % size) * step;
    rest = Math.floor(rest / size);
    step *= small[k] as number;
  }
  return index;
}

/** Shape of data, and the shapes of decisions and probabilities, which are broadcast to it. */
function shapesFor({ random }: Setting) {
  const shape = [random.pick([0, 1, 2, 3]), random.pick([1, 5, 17]), random.pick([1, 4, 33])];
  const noiseShape = shape.map((size) => (random.chance(0.6) ? size : 1));
  const pShape = shape.map((size) => (random.chance(0.4) ? size : 1));
  const count = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
  return { shape, noiseShape, pShape, length: count(shape), decisions: count(noiseShape), probabilities: count(pShape) };
}

function rateRow(name: "broadcastDropout" | "backward"): Row {
  return {
    name: `shapes.${name}, several probabilities`,
    make(setting) {
      const { world, random, places } = setting;
      const { shape, noiseShape, pShape, length, decisions, probabilities } = shapesFor(setting);
      const { dtype, x, out, outputs } = dataFor(setting, length);
      const stream = streamFor(setting, true, 2 ** 53 - decisions);
      const rates = Array.from({ length: probabilities }, () => random.pick(RATES));
      const held = random.chance(0.3) ? places.place("f64", probabilities) : undefined;
      if (held !== undefined)
        new Float64Array(held.region.read().buffer, held.region.read().byteOffset + held.at, probabilities).set(rates);
      const p = held?.value ?? rates;
      const own = { shape, noiseShape, pShape };
      const check = (got: unknown) => {
        const y = resultOf(dtype, got);
        if (y.length !== length) throw new Error(`length ${y.length}`);
        for (const i of some(setting, length)) {
          const c = stream.chanceOf(rates[indexIn(pShape, shape, i)] as number);
          const given = x.numbers[i] as number;
          const kept = stream.keep(stream.start + indexIn(noiseShape, shape, i), c);
          const plain = (name === "broadcastDropout" && !stream.training) || c.threshold === 0;
          same(y[i], plain ? given : kept ? scaled(dtype, given * scaleOf(dtype, c)) : 0, `element ${i}`);
        }
      };
      const refusal = dtype === "f16" ? F16 : undefined;
      if (name === "broadcastDropout") {
        return {
          args: [x.value, p, { ...stream.options, ...halfOption(dtype), ...own, out: out?.value }],
          call: (...args) => world.shapes.broadcastDropout(...(args as unknown as [Float32Array, number[], never])),
          results: outputs,
          refusal,
          check: ({ y }: Answer) => check(y),
        } as Call;
      }
      const { ticket } = world.shapes.broadcastDropout(new Float32Array(length), rates, { ...stream.options, training: true, ...own });
      return {
        args: [x.value, JSON.parse(JSON.stringify(ticket)), { p }, { ...halfOption(dtype), dx: out?.value }],
        call: (...args) => (world.shapes.backward as (...args: never[]) => unknown)(...args),
        results: outputs,
        refusal,
        check: ({ dx }: { dx: unknown }) => check(dx),
      } as Call;
    },
  };
}

const scaled = (dtype: Dtype, value: number): number => rounding(dtype)(value);

export const RATE_ROWS: readonly Row[] = [rateRow("broadcastDropout"), rateRow("backward")];
