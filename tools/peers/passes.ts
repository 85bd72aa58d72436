// npm run bench:onnx: Monte-Carlo passes of ONNX models beside plain runs of the same files in the same runtime, and beside ONNX Runtime's own Dropout in
// training mode, which neither seeds nor replays. Processor time, least of rounds that take turns, so that a busy machine changes little; each way is warm
// before, as the compiler works beside it until then, and short ones run several times a round.

import { createRequire } from "node:module";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { TensorProto_DataType as DataType, ModelProtoSchema } from "onnx-buf";
import { parseCommandLine, readRounds, runCommand, UsageError } from "../../bench/command-line.js";
import { createDropout } from "../../src/core/index.js";
import { createOnnxMonteCarlo, type OnnxRuntime } from "../../src/onnx/index.js";
import { Numbers, tensor } from "../../test/support/onnx/build.js";
import { cnn, mlp, type Network, transformer } from "../../test/support/onnx/networks.js";

const USAGE = `Measures 30 Monte-Carlo passes of ONNX models beside as many plain runs.

npm run bench:onnx -- [options]
  --runtime name  onnxruntime-web or onnxruntime-node; both by default
  --rounds N      rounds to take minima over (default 15)
  --help          this text`;

const PASSES = 30;
const WARM_MS = 300;
const ROUND_MS = 10;
const ONE_THREAD = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 };

interface Subject {
  readonly name: string;
  readonly network: Network;
  readonly samples: number;
  /** Rates that leave only some dropouts live. */
  readonly rates?: Readonly<Record<string, number>>;
  /** The most that passes may cost: times as many plain runs, or times one of them where all but the head runs once. */
  readonly bar: number;
  readonly ofOne: boolean;
}

const SUBJECTS: readonly Subject[] = [
  { name: "MLP 784-800-800-10, 16 rows", network: mlp(), samples: 16, bar: 1.15, ofOne: false },
  { name: "MLP 784-800-800-10, 1 row", network: mlp(), samples: 1, bar: 1.15, ofOne: false },
  { name: "CNN 32 x 32, 16 channels, 4 images", network: cnn(32, 16), samples: 4, bar: 1.15, ofOne: false },
  { name: "transformer block, 64 x 256, 1 text", network: transformer(64, 256, 8), samples: 1, bar: 1.15, ofOne: false },
  {
    name: "CNN 96 x 96, 32 channels, dropout in the head",
    network: cnn(96, 32, true),
    samples: 1,
    rates: { features: 0 },
    bar: 1.3,
    ofOne: true,
  },
];

type Tensor = { readonly type: string; readonly dims: readonly number[] };
interface Runtime extends OnnxRuntime {
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options?: object,
    ): Promise<{ run(feeds: Record<string, Tensor>): Promise<unknown>; release(): Promise<void> }>;
  };
  readonly Tensor: new (type: string, data: Float32Array, dims: readonly number[]) => Tensor;
  readonly env: { readonly wasm: { numThreads?: number } };
}

/** The model with its dropout in training mode, by operator set 13. */
function training(bytes: Uint8Array): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  for (const set of model.opsetImport) if (set.version < 13n) set.version = 13n;
  const { node: nodes = [], initializer = [] } = model.graph ?? {};
  initializer.push(tensor("in training", [], [1], DataType.BOOL));
  for (const [k, node] of nodes.entries()) {
    if (node.opType !== "Dropout") continue;
    const ratio = node.attribute.find(({ name }) => name === "ratio")?.f;
    const [x = "", given = ""] = node.input;
    if (ratio !== undefined) initializer.push(tensor(`ratio ${k}`, [], [ratio]));
    node.attribute = [];
    node.input = [x, ratio === undefined ? given : `ratio ${k}`, "in training"];
  }
  return toBinary(ModelProtoSchema, model);
}

/** Milliseconds of processor time since a moment. */
function since(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

async function measure(ort: Runtime, { network, samples, rates, bar, ofOne }: Subject, rounds: number): Promise<string[]> {
  const dims = [samples, ...network.input];
  const x = new ort.Tensor("float32", new Numbers(9).take(dims.reduce((a, b) => a * b, 1)), dims);
  const dropout = await createDropout({ seed: 1 });
  const onnx = await createOnnxMonteCarlo(dropout, { ort, model: network.bytes, rates, sessionOptions: ONE_THREAD });
  const [input = ""] = onnx.inputNames;
  const plain = await ort.InferenceSession.create(network.bytes, ONE_THREAD);
  const own = await ort.InferenceSession.create(training(network.bytes), ONE_THREAD);
  const repeat = (session: typeof plain) => async () => {
    for (let pass = 0; pass < PASSES; ++pass) await session.run({ [input]: x });
  };
  const ways: Readonly<Record<string, () => Promise<unknown>>> = {
    plain: repeat(plain),
    passes: () => onnx.predict(x, { passes: PASSES, sliceMs: Number.POSITIVE_INFINITY }),
    apart: () => onnx.predict(x, { passes: PASSES, sliceMs: Number.POSITIVE_INFINITY, batchPasses: 1 }),
    own: repeat(own),
    one: () => plain.run({ [input]: x }),
  };
  const least: Record<string, number> = {};
  const repeats: Record<string, number> = {};
  for (const [name, run] of Object.entries(ways)) {
    let runs = 0;
    const start = process.cpuUsage();
    do {
      await run();
      ++runs;
    } while (since(start) < WARM_MS);
    repeats[name] = Math.ceil((runs * ROUND_MS) / since(start));
  }
  for (let round = 0; round < rounds; ++round) {
    for (const [name, run] of Object.entries(ways)) {
      for (let k = 0; k < (repeats[name] as number); ++k) {
        const start = process.cpuUsage();
        await run();
        least[name] = Math.min(least[name] ?? Number.POSITIVE_INFINITY, since(start));
      }
    }
  }
  for (const one of [onnx, plain, own]) await one.release();
  const { plain: base = 0, passes = 0, apart = 0, own: others = 0, one = 0 } = least;
  const ratio = ofOne ? passes / one : passes / base;
  const said = `${ratio.toFixed(2)} x ${ofOne ? "one run" : `${PASSES} runs`}, at most ${bar}: ${ratio <= bar ? "met" : "MISSED"}`;
  return [base.toFixed(1), passes.toFixed(1), apart.toFixed(1), others.toFixed(1), one.toFixed(2), said];
}

interface Options {
  readonly runtimes: readonly string[];
  readonly rounds: number;
  readonly help: boolean;
}

const NAMES = ["onnxruntime-web", "onnxruntime-node"];

function readOptions(args: string[]): Options {
  const { runtime, rounds, help } = parseCommandLine({
    args,
    options: { runtime: { type: "string" }, rounds: { type: "string", default: "15" }, help: { type: "boolean", default: false } },
  }).values;
  if (runtime !== undefined && !NAMES.includes(runtime)) throw new UsageError(`--runtime: expected ${NAMES.join(" or ")}`);
  return { runtimes: runtime === undefined ? NAMES : [runtime], rounds: readRounds(rounds), help };
}

async function run({ runtimes, rounds }: Options): Promise<void> {
  const require = createRequire(import.meta.url);
  for (const name of runtimes) {
    const ort = require(name) as Runtime;
    ort.env.wasm.numThreads = 1;
    console.log(`\n${name}, ${PASSES} passes, milliseconds of processor time: least of ${rounds} rounds`);
    const head = ["plain runs", "passes", "one by one", "own training mode", "one run", ""];
    console.log(["".padEnd(46), ...head.map((text) => text.padStart(18))].join(""));
    for (const subject of SUBJECTS) {
      const cells = await measure(ort, subject, rounds);
      console.log([subject.name.padEnd(46), ...cells.slice(0, -1).map((text) => text.padStart(18)), `   ${cells.at(-1)}`].join(""));
    }
  }
}

await runCommand(USAGE, readOptions, run);
