// npm run bench:onnx: Monte-Carlo passes of ONNX models beside plain runs of the same files in the same runtime, and beside ONNX Runtime's own Dropout in
// training mode, which neither seeds nor replays. By the clock, least of rounds that take turns, so that a busy machine changes little; beside it in processor
// time, which counts the engine's threads that collect and compile. Each way is warm before, as the compiler works beside it until then, and short ones run
// several times a round. Plain runs are fed one tensor again and again. The package is measured as it is built: what runs the sources of tools names each
// function anew whenever one is made.

import { createRequire } from "node:module";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { TensorProto_DataType as DataType, ModelProtoSchema, ValueInfoProtoSchema } from "onnx-buf";
import { parseCommandLine, readRounds, runCommand, UsageError } from "../../bench/command-line.js";
import { summarise } from "../../bench/statistics.js";
import { createDropout } from "../../dist/core/index.js";
import { createOnnxMonteCarlo, type OnnxRuntime } from "../../dist/onnx/index.js";
import { Numbers, tensor } from "../../test/support/onnx/build.js";
import { cnn, mlp, type Network, transformer } from "../../test/support/onnx/networks.js";

const USAGE = `Measures 30 Monte-Carlo passes of ONNX models beside as many plain runs. "Fed in advance" are the runs that the passes
make, with all inputs and masks made before and nothing else: what the runtime itself takes.

npm run bench:onnx -- [options]
  --runtime name  onnxruntime-web or onnxruntime-node; both by default
  --rounds N      rounds to take minima over (default 15)
  --help          this text`;

const PASSES = 30;
const WARM_MS = 1000;
const ROUND_MS = 10;
// Those of a ratio stand beside each other, as what else the machine does changes within a round.
const WAYS = ["plain", "passes", "prepared", "one", "apart", "own"] as const;
type Way = (typeof WAYS)[number];
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

type Tensor = { readonly type: string; readonly dims: readonly number[]; readonly data: Float32Array };
type Tensors = Readonly<Record<string, Tensor>>;
interface Session {
  run(feeds: Tensors, fetches?: readonly string[]): Promise<Tensors>;
  release(): Promise<void>;
}
interface Runtime extends OnnxRuntime {
  readonly InferenceSession: { create(model: Uint8Array, options?: object): Promise<Session> };
  readonly Tensor: new (type: string, data: Float32Array, dims: readonly number[]) => Tensor;
  readonly env: { readonly wasm: { numThreads?: number } };
}

/**
 * The model with its dropout in training mode, by operator set 13. Masks are outputs, which nothing asks for: the runtime removes, as in inference, every
 * Dropout but one of an input of the model, unless its mask is used.
 */
function training(bytes: Uint8Array): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  for (const set of model.opsetImport) if (set.version < 13n) set.version = 13n;
  const { node: nodes = [], initializer = [], output = [] } = model.graph ?? {};
  initializer.push(tensor("in training", [], [1], DataType.BOOL));
  for (const [k, node] of nodes.entries()) {
    if (node.opType !== "Dropout") continue;
    const ratio = node.attribute.find(({ name }) => name === "ratio")?.f;
    const [x = "", given = ""] = node.input;
    if (ratio !== undefined) initializer.push(tensor(`ratio ${k}`, [], [ratio]));
    node.attribute = [];
    node.input = [x, ratio === undefined ? given : `ratio ${k}`, "in training"];
    node.output = [node.output[0] ?? "", `mask ${k}`];
    output.push(create(ValueInfoProtoSchema, { name: `mask ${k}` }));
  }
  return toBinary(ModelProtoSchema, model);
}

/** The runtime, with sessions that note what they run in `runs`, on copies of what they are fed. */
function noting(ort: Runtime, runs: (() => Promise<unknown>)[]): Runtime {
  const copy = ({ type, data, dims }: Tensor) => new ort.Tensor(type, data.slice(), dims);
  const create = async (...args: Parameters<Runtime["InferenceSession"]["create"]>): Promise<Session> => {
    const session = await ort.InferenceSession.create(...args);
    const run: Session["run"] = (feeds, fetches) => {
      const fed = Object.fromEntries(Object.entries(feeds).map(([name, one]) => [name, copy(one)]));
      runs.push(() => session.run(fed, fetches));
      return session.run(feeds, fetches);
    };
    return Object.create(session, { run: { value: run }, release: { value: () => session.release() } }) as Session;
  };
  return { InferenceSession: { create }, Tensor: ort.Tensor, env: ort.env };
}

/** Returns whether two runs of a session differ. */
async function drops(session: Session, feeds: Tensors, output: string): Promise<boolean> {
  const [a, b] = [await session.run(feeds, [output]), await session.run(feeds, [output])].map((results) => results[output]?.data);
  return a?.some((one, k) => one !== b?.[k]) ?? false;
}

/** Milliseconds by the clock, and of processor time. */
interface Spent {
  readonly clock: number;
  readonly processor: number;
}

/** Returns what a call takes. */
async function spentBy(call: () => Promise<unknown>): Promise<Spent> {
  const before = process.cpuUsage();
  const start = performance.now();
  await call();
  const clock = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return { clock, processor: (user + system) / 1000 };
}

const NEVER: Spent = { clock: Number.POSITIVE_INFINITY, processor: Number.POSITIVE_INFINITY };
const lesser = (a: Spent, b: Spent): Spent => ({ clock: Math.min(a.clock, b.clock), processor: Math.min(a.processor, b.processor) });

async function measure(ort: Runtime, { network, samples, rates, bar, ofOne }: Subject, rounds: number): Promise<string[]> {
  const dims = [samples, ...network.input];
  const x = new ort.Tensor("float32", new Numbers(9).take(dims.reduce((a, b) => a * b, 1)), dims);
  const dropout = await createDropout({ seed: 1 });
  const options = { passes: PASSES, sliceMs: Number.POSITIVE_INFINITY };
  const open = (runtime: Runtime) =>
    createOnnxMonteCarlo(dropout, { ort: runtime, model: network.bytes, rates, sessionOptions: ONE_THREAD });
  const onnx = await open(ort);
  const runs: (() => Promise<unknown>)[] = [];
  const noted = await open(noting(ort, runs));
  // The first prediction of some sizes also looks at the model.
  await noted.predict(x, options);
  runs.length = 0;
  await noted.predict(x, options);
  const [input = ""] = onnx.inputNames;
  const { outputName } = onnx;
  const feeds = { [input]: x };
  const plain = await ort.InferenceSession.create(network.bytes, ONE_THREAD);
  const own = await ort.InferenceSession.create(training(network.bytes), ONE_THREAD);
  const ownDrops = await drops(own, feeds, outputName);
  const repeat = (session: Session) => async () => {
    for (let pass = 0; pass < PASSES; ++pass) await session.run(feeds, [outputName]);
  };
  const ways: Readonly<Record<Way, () => Promise<unknown>>> = {
    plain: repeat(plain),
    passes: () => onnx.predict(x, options),
    prepared: async () => {
      for (const run of runs) await run();
    },
    one: () => plain.run(feeds, [outputName]),
    apart: () => onnx.predict(x, { ...options, batchPasses: 1 }),
    own: repeat(own),
  };
  const least = Object.fromEntries(WAYS.map((name) => [name, NEVER])) as Record<Way, Spent>;
  const repeats = {} as Record<Way, number>;
  for (const name of WAYS) {
    let times = 0;
    const start = performance.now();
    do {
      await ways[name]();
      ++times;
    } while (performance.now() - start < WARM_MS);
    repeats[name] = Math.ceil((times * ROUND_MS) / (performance.now() - start));
  }
  const inRounds: Record<"passes" | "prepared", number[]> = { passes: [], prepared: [] };
  const baseOf = ({ one, plain: all }: Readonly<Record<Way, Spent>>) => (ofOne ? one : all);
  for (let round = 0; round < rounds; ++round) {
    const now = {} as Record<Way, Spent>;
    for (const name of WAYS) {
      now[name] = NEVER;
      for (let k = 0; k < repeats[name]; ++k) now[name] = lesser(now[name], await spentBy(ways[name]));
      least[name] = lesser(least[name], now[name]);
    }
    for (const name of ["passes", "prepared"] as const) inRounds[name].push(now[name].clock / baseOf(now).clock);
  }
  for (const session of [onnx, noted, plain, own]) await session.release();
  const base = baseOf(least);
  const ratio = least.passes.clock / base.clock;
  const said = [
    `${ratio.toFixed(2)} x ${ofOne ? "one run" : `${PASSES} runs`} (median of rounds ${summarise(inRounds.passes).median.toFixed(2)},`,
    `processor time ${(least.passes.processor / base.processor).toFixed(2)}),`,
    `fed in advance ${(least.prepared.clock / base.clock).toFixed(2)} (${summarise(inRounds.prepared).median.toFixed(2)});`,
    `at most ${bar}: ${ratio <= bar ? "met" : "MISSED"}`,
  ].join(" ");
  const { plain: all, passes, prepared, apart, own: others, one } = least;
  const shown = [all, passes, prepared, apart].map(({ clock }) => clock.toFixed(clock < 10 ? 2 : 1));
  return [...shown, ownDrops ? others.clock.toFixed(1) : "drops nothing", one.clock.toFixed(2), said];
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
    console.log(`\n${name}, ${PASSES} passes, milliseconds by the clock: least of ${rounds} rounds`);
    const head = ["plain runs", "passes", "fed in advance", "one by one", "own training mode", "one run", ""];
    console.log(["".padEnd(46), ...head.map((text) => text.padStart(18))].join(""));
    for (const subject of SUBJECTS) {
      const cells = await measure(ort, subject, rounds);
      console.log([subject.name.padEnd(46), ...cells.slice(0, -1).map((text) => text.padStart(18)), `   ${cells.at(-1)}`].join(""));
    }
  }
}

await runCommand(USAGE, readOptions, run);
