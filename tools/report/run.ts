// npm run bench:report: results of any number of runs as a page, and the main chart as a file of its own.

import { writeFileSync } from "node:fs";
import { parseCommandLine, runCommand, UnusableFile, UsageError } from "../../bench/command-line.js";
import { readRun } from "../../bench/read-run.js";
import { sizesChart } from "./charts.js";
import { formatMachine } from "./figures.js";
import { page } from "./page.js";
import { labelsOf, MAIN } from "./select.js";
import { standaloneSvg } from "./svg.js";

const USAGE = `Makes a page of the results of the benchmark, which needs no network and no script.

npm run bench:report -- results.json [more.json ...] [options]
  --out path    where to write the page
  --svg path    where to write the chart of the main kernels over sizes, from the first file that has them
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
  const labels = labelsOf(runs);
  const [text] = runs.flatMap((run, i) => {
    const chart = sizesChart(run, labels[i] as string);
    return chart === undefined ? [] : standaloneSvg(chart, `${formatMachine(run.machine)}; bands: 95% intervals of the median ratio`);
  });
  if (text === undefined) throw new UnusableFile(`--svg: no file has results of ${MAIN.join(" or ")}`);
  write(svg, text);
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
