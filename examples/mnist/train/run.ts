// npm run example:train: trains with dropout and without, and writes the report.

import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { runCommand } from "../../../bench/command-line.js";
import { standaloneSvg } from "../../../tools/report/plot.js";
import { errorChart } from "./charts.js";
import { writeAtomically } from "./checkpoint.js";
import { type Options, readOptions, USAGE } from "./options.js";
import { carryOutAll } from "./pool.js";
import { formatTime, ProgressBar } from "./progress.js";
import { conclusion, headline, report } from "./report.js";
import { formatResults, resultsOf } from "./results.js";
import { runsOf } from "./settings.js";
import { timeSteps } from "./step-time.js";
import { pairsOf } from "./summary.js";

// The exit status that a shell gives a command ended by SIGINT.
const INTERRUPTED = 130;

async function run({ settings, seeds, directory }: Options): Promise<void> {
  const start = performance.now();
  mkdirSync(directory, { recursive: true });
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);

  const runs = runsOf(settings, seeds);
  const progress = new ProgressBar(runs);
  const width = Math.min(availableParallelism(), runs.length);
  try {
    const outcomes = await carryOutAll(runs, directory, width, progress, interruption.signal);
    progress.say("measuring the time of a step");
    const times = await timeSteps(settings);
    const seconds = (performance.now() - start) / 1000;
    const path = join(directory, "report.html");
    writeAtomically(path, report(settings, outcomes, times, seconds));
    writeAtomically(join(directory, "results.json"), formatResults(resultsOf(settings, outcomes, seconds)));
    const pairs = pairsOf(outcomes);
    writeAtomically(join(directory, "errors.svg"), standaloneSvg(errorChart(pairs, settings), headline(pairs)));
    console.log(`${conclusion(pairs)}\n${path} (${formatTime(seconds)})`);
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    progress.say(`interrupted; the same command goes on from the last epochs, in ${directory}`);
    process.exitCode = INTERRUPTED;
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}

await runCommand(USAGE, readOptions, run);
