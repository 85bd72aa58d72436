// npm run bench:report: results of any number of runs as a page, and the main chart as a file of its own.

import { writeFileSync } from "node:fs";
import { parseCommandLine, runCommand, UnusableFile, UsageError } from "../../bench/command-line.js";
import { readRun } from "../../bench/read-run.js";
import { P } from "../../bench/subjects/subject.js";
import { answersChart } from "./charts.js";
import { formatMachine } from "./figures.js";
import { page } from "./page.js";
import { standaloneSvg } from "./plot.js";
import { answersOf } from "./select.js";

const USAGE = `Makes a page of the results of the benchmark, which needs no network and no script.

npm run bench:report -- results.json [more.json ...] [options]
  --out path    where to write the page
  --svg path    where to write the chart of one dropout beside what else there is, from the file that has most of that
  --help        this text`;

function readOptions(args: string[]) {
  const options = { out: { type: "string" }, svg: { type: "string" }, help: { type: "boolean", default: false } } as const;
  const { values, positionals } = parseCommandLine({ args, allowPositionals: true, options });
  return { ...values, files: positionals };
}

function run({ out, svg, files }: ReturnType<typeof readOptions>): void {
  if (files.length === 0) throw new UsageError("expected files of results");
  if (out === undefined && svg === undefined) throw new UsageError("expected --out or --svg");
  const runs = files.map(readRun);
  if (out !== undefined) write(out, page(runs));
  if (svg === undefined) return;
  const found = answersOf(runs);
  const chart = answersChart(runs);
  if (found === undefined || chart === undefined)
    throw new UnusableFile("--svg: no file has results of Dropout.dropout or what stands beside it");
  const { engine, machine } = found.run;
  write(svg, standaloneSvg(chart, `${engine.name} ${engine.version}, ${formatMachine(machine)}; p = ${P}; whiskers: half of the rounds`));
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new UnusableFile(`${path}: ${(error as Error).message}`);
  }
  console.log(path);
}

await runCommand(USAGE, readOptions, run);
