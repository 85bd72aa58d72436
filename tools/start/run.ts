// npm run bench:start: starts every subject again and again, one after another, and prints a table an engine, with the bars that apply.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCommandLine, readRounds, runCommand, UsageError } from "../../bench/command-line.js";
import { MACHINE, VERSION } from "../../bench/machine.js";
import { Progress } from "../../bench/progress.js";
import { summarise } from "../../bench/statistics.js";
import { align } from "../../bench/terminal.js";
import { ENGINES, install } from "./engines.js";
import { ALL, CORE, SUBJECTS, type Times, YARDSTICK } from "./subjects.js";

const NAMES = Object.keys(ENGINES) as (keyof typeof ENGINES)[];

const USAGE = `Measures import, creation and the first call in fresh processes and pages, beside other packages that have wasm in them.

npm run bench:start -- [options]
  --engine a,b    of ${NAMES.join(", ")} (default node)
  --rounds N      starts of each package, of which medians are taken (default 21)
  --gate          exits non-zero if a bar is missed
  --help          this text`;

/** The most time of a start in Node, as a multiple of the yardstick's. */
const BARS: Readonly<Record<string, number>> = { [CORE]: 1.5, [ALL]: 3 };

type Options = ReturnType<typeof readOptions>;

function readOptions(args: string[]) {
  const { engine, rounds, ...rest } = parseCommandLine({
    args,
    options: {
      engine: { type: "string", default: "node" },
      rounds: { type: "string", default: "21" },
      gate: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  }).values;
  const engines = engine.split(",").map((name) => {
    const known = NAMES.find((one) => one === name);
    if (known === undefined) throw new UsageError(`--engine expected ${NAMES.join(" or ")}, got ${JSON.stringify(name)}`);
    return known;
  });
  return { ...rest, engines, rounds: readRounds(rounds) };
}

/** Prints the table of an engine; returns false if a bar is missed. */
async function measure(engine: keyof typeof ENGINES, folder: string, rounds: number): Promise<boolean> {
  const { name, open } = ENGINES[engine];
  const running = await open(folder, SUBJECTS);
  const times = new Map<string, Times[]>(SUBJECTS.map((subject) => [subject.name, []]));
  const missing = new Map<string, string>();
  const progress = new Progress();
  try {
    progress.begin(name, rounds * SUBJECTS.length);
    for (let round = 0; round < rounds; ++round) {
      for (const subject of SUBJECTS) {
        try {
          if (!missing.has(subject.name)) times.get(subject.name)?.push(await running.start(subject));
        } catch (error) {
          missing.set(subject.name, `${error instanceof Error ? error.message : error}`.split("\n", 1)[0] as string);
        }
        progress.step();
      }
    }
    progress.clear();
  } finally {
    await running.close?.();
  }
  const yardstick = times.get(YARDSTICK) ?? [];
  let met = true;
  const rows = SUBJECTS.filter((subject) => !missing.has(subject.name)).map((subject) => {
    const own = times.get(subject.name) ?? [];
    const median = (step: keyof Times) => {
      const values = own.flatMap((one) => one[step] ?? []);
      return values.length === 0 ? "" : summarise(values).median.toFixed(2);
    };
    // Against the start next to it, which the same load of the machine has slowed down.
    const ratio = summarise(own.map(({ sum }, round) => sum / (yardstick[round]?.sum ?? Number.NaN)));
    const most = engine === "node" ? BARS[subject.name] : undefined;
    const outcome = most === undefined ? "" : `at most ${most}: ${ratio.median <= most ? "met" : "MISSED"}`;
    if (most !== undefined && !(ratio.median <= most)) met = false;
    const [lower, upper] = ratio.interval.map((bound) => bound.toFixed(2));
    const steps = [median("import"), median("create"), median("call"), median("sum")];
    return [subject.name, ...steps, ratio.median.toFixed(2), `${lower}..${upper}`, outcome];
  });
  console.log(`\n${name} ${running.version}`);
  console.log(align([["package", "import", "create", "call", "sum, ms", `x ${YARDSTICK}`, "95%", "bar"], ...rows]));
  for (const [subject, reason] of missing) console.log(`not measured: ${subject}: ${reason}`);
  return met;
}

async function run({ engines, rounds, gate }: Options): Promise<void> {
  console.log(`wasm-dropout ${VERSION}, rounds: ${rounds}; ${MACHINE.cpu}`);
  const folder = mkdtempSync(join(tmpdir(), "bench-start-"));
  try {
    install(folder);
    for (const engine of engines) {
      const met = await measure(engine, folder, rounds).catch((error: unknown) => {
        console.error(`\n*** NOT MEASURED: ${ENGINES[engine].name}: ${error instanceof Error ? error.message : error}`);
        return false;
      });
      if (gate && !met) process.exitCode = 1;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await runCommand(USAGE, readOptions, run);
