// npm run bench: measures, prints a table a size, and writes the same as JSON.

import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { BARS, judge, type Verdict } from "./bars.js";
import { measure } from "./measure.js";
import { type Options, readOptions, USAGE, UsageError } from "./options.js";
import { Progress } from "./progress.js";
import { formatSize, formatTable, formatVerdicts, type Result, resultOf } from "./report.js";
import { makeSubjects, P, type Subject } from "./subjects.js";

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url));
const compile = (build: string) => new WebAssembly.Module(read(`build/${build}.wasm`));

/** The subjects with `filter` in their names, and those that they are compared with. */
function select(subjects: readonly Subject[], filter: string): Subject[] {
  const chosen = subjects.filter(({ name }) => name.toLowerCase().includes(filter.toLowerCase()));
  if (chosen.length === 0) throw new UsageError(`--filter: nothing has ${JSON.stringify(filter)} in its name`);
  const names = new Set(chosen.flatMap(({ name, copy }) => [name, copy]));
  for (const { subject, against } of BARS) if (names.has(subject)) names.add(against);
  return subjects.filter(({ name }) => names.has(name));
}

function run({ sizes, filter, rounds, json, scalar, gate }: Options): void {
  const build = scalar ? "scalar" : "simd";
  const [kernels, reference] = [compile(build), compile("reference")];
  const environment = {
    version: JSON.parse(read("package.json").toString()).version,
    date: new Date().toISOString(),
    node: process.versions.node,
    v8: process.versions.v8,
    cpu: cpus()[0]?.model ?? "unknown",
    build,
    p: P,
    rounds,
  };
  const { version, node, v8, cpu } = environment;
  console.log(`wasm-dropout ${version}, ${build} build, p = ${P}, rounds: ${rounds}; Node ${node}, V8 ${v8}, ${cpu}`);

  const results: Result[] = [];
  const verdicts: Verdict[] = [];
  let progress: Progress | undefined;
  for (const size of sizes) {
    const subjects = select(makeSubjects(kernels, reference, size), filter);
    progress ??= new Progress(sizes.length * rounds * subjects.length);
    progress.begin(`${formatSize(size)} elements`);
    const timings = measure(subjects, rounds, () => progress?.step());
    progress.clear();
    const resultsHere = subjects.map((subject) => resultOf(subject, size, timings));
    const verdictsHere = scalar ? [] : judge(timings, new Set(subjects.map(({ name }) => name)), size);
    console.log(`\n${formatSize(size)} elements\n${formatTable(resultsHere, verdictsHere)}`);
    results.push(...resultsHere);
    verdicts.push(...verdictsHere);
  }

  writeFileSync(json, `${JSON.stringify({ ...environment, results, bars: verdicts }, undefined, 2)}\n`);
  console.log(`\n${formatVerdicts(verdicts)}\nResults: ${json}`);
  if (gate && (verdicts.length === 0 || verdicts.some(({ met }) => !met))) process.exitCode = 1;
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) console.log(USAGE);
  else run(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
