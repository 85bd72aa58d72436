// npm run bench:report: results of any number of runs as a page, and the main chart as a file of its own.

import { writeFileSync } from "node:fs";
import { parseCommandLine, UsageError } from "../command-line.js";
import { readRun, UnusableFile } from "../read-run.js";
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

function run(args: string[]): void {
  const options = { out: { type: "string" }, svg: { type: "string" }, help: { type: "boolean", default: false } } as const;
  const { values, positionals } = parseCommandLine({ args, allowPositionals: true, options });
  const { out, svg, help } = values;
  if (help) return void console.log(USAGE);
  if (positionals.length === 0) throw new UsageError("expected files of results");
  if (out === undefined && svg === undefined) throw new UsageError("expected --out or --svg");
  const runs = positionals.map(readRun);
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

try {
  run(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n\n${USAGE}`);
  else if (error instanceof UnusableFile) console.error(error.message);
  else throw error;
  process.exitCode = 2;
}
