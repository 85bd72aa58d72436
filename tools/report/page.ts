// The report: one page that needs no network and no script.

import { isMet } from "../../bench/bars.js";
import type { Run } from "../../bench/results.js";
import { P } from "../../bench/subjects/subject.js";
import { answersChart, enginesChart, kernelsChart, peersChart, sizesChart } from "./charts.js";
import { document, figure } from "./document.js";
import { formatDate, formatMachine } from "./figures.js";
import { type Content, element, type Markup, plain } from "./markup.js";
import type { Chart } from "./plot.js";
import { answersOf, hasPeers, labelsOf, mainRun } from "./select.js";
import { resultTables, table, verdictTable } from "./tables.js";

const TITLE = "wasm-dropout: benchmark";

/** The page for `runs`. */
export function page(runs: readonly Run[]): string {
  const labels = labelsOf(runs);
  const label = (run: Run) => labels[runs.indexOf(run)] as string;
  const answer = answersOf(runs)?.run;
  const main = mainRun(runs);
  const details = [
    ["sizes", main && sizesChart(main, label(main))],
    ["engines", enginesChart(runs)],
    ...runs.filter(hasPeers).map((run, i) => [`peers-${i + 1}`, peersChart(run, runs)]),
  ] as [string, Chart | undefined][];
  const body = [
    plain(
      "header",
      plain("h1", TITLE),
      answer === undefined ? [] : plain("p", `${label(answer)} on ${formatMachine(answer.machine)}, p = ${P}.`),
    ),
    plain(
      "main",
      figure("answers", answersChart(runs)),
      element(
        "section",
        { "aria-labelledby": "details-heading" },
        element("h2", { id: "details-heading" }, "In detail"),
        plain("p", READING),
        overviewOf(runs, labels),
        ...details.map(([id, chart]) => figure(id, chart)),
      ),
      ...runs.map((run, i) => section(run, i, label(run), main)),
    ),
  ];
  return document(TITLE, body);
}

const READING =
  "Times are medians over rounds in which all subjects take turns. A ratio compares a subject with memory.copy of the same data in the same run: " +
  "1× is as fast as copying, 2× takes twice as long. Bands and whiskers are 95% confidence intervals of the median ratio, unless a chart says otherwise.";

function overviewOf(runs: readonly Run[], labels: readonly string[]): Content {
  const rows = runs.map((run, i): Content[] => {
    const { machine, date, version, rounds, results, missing = [] } = run;
    return [
      element("a", { href: `#run-${i + 1}` }, labels[i] as string),
      formatMachine(machine),
      formatDate(date),
      version,
      `${rounds}`,
      `${results.length}`,
      `${missing.length}`,
      summaryOf(run),
    ];
  });
  return table(
    "Runs",
    [
      ["engine and build", "prose"],
      ["machine", "prose"],
      ["date", "text"],
      ["wasm-dropout", "text"],
      ["rounds", "figure"],
      ["results", "figure"],
      ["missing", "figure"],
      ["bars", "text"],
    ],
    rows,
  );
}

function summaryOf({ bars = [] }: Run): Content {
  if (bars.length === 0) return "–";
  const met = bars.filter(isMet).length;
  return `${met} of ${bars.length} met`;
}

function section(run: Run, index: number, label: string, main: Run | undefined): Markup {
  const id = `run-${index + 1}`;
  const { machine, engine, date, version, rounds, bars = [], missing = [] } = run;
  return element(
    "section",
    { id, "aria-labelledby": `${id}-heading` },
    element("h2", { id: `${id}-heading` }, label),
    plain(
      "p",
      `${engine.name} ${engine.version} (${engine.build}) with wasm-dropout ${version} on ${formatMachine(machine)}; ${rounds} ${rounds === 1 ? "round" : "rounds"}; ${formatDate(date)}.`,
    ),
    run.results.length === 0 ? plain("p", "This run has no results.") : [],
    missing.length > 0 ? missingOf(missing) : [],
    run === main ? [] : figure(`${id}-sizes`, sizesChart(run, label)),
    figure(`${id}-kernels`, kernelsChart(run, label)),
    bars.length > 0 ? verdictTable(bars, label) : [],
    run.results.length > 0 ? plain("details", plain("summary", `All results of ${label}`), resultTables(run, label)) : [],
  );
}

function missingOf(missing: NonNullable<Run["missing"]>): Content {
  const items = missing.map(({ name, reason }) => plain("li", plain("code", name), `: ${reason}`));
  return element("div", { class: "missing" }, plain("h3", "Not measured"), plain("ul", items));
}
