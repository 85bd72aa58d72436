// The report: a page that needs no network and no script, with what the runs found, in words, charts and tables.

import { MACHINE, VERSION } from "../../../bench/machine.js";
import type { Summary } from "../../../bench/statistics.js";
import { document, figure } from "../../../tools/report/document.js";
import { formatDate, formatFigure, formatMachine } from "../../../tools/report/figures.js";
import { type Content, type Markup, plain } from "../../../tools/report/markup.js";
import { type Column, table } from "../../../tools/report/tables.js";
import { averageChart, errorChart, gapChart, timeChart, uncertaintyChart } from "./charts.js";
import type { MonteCarloResult, Uncertainty } from "./monte-carlo.js";
import type { Outcome } from "./outcome.js";
import { formatTime } from "./progress.js";
import { testOf } from "./results.js";
import { curveCounts, evaluated, finalCount, HIDDEN_RATE, INPUT_RATE, type Schedule, type Settings, type Variant } from "./settings.js";
import type { StepTimes } from "./step-time.js";
import { gainsOf, type Measure, measureOver, type Pair, pairsOf, type Spread, spreadOf, testError } from "./summary.js";

const TITLE = "What dropout is for: MNIST with and without";

/** The page. */
export function report(settings: Settings, outcomes: readonly Outcome[], times: StepTimes, seconds: number): string {
  const pairs = pairsOf(outcomes);
  const body = [
    plain("header", plain("h1", TITLE), plain("p", setting(settings)), plain("p", conclusion(pairs))),
    plain(
      "main",
      section("Test error", errorTable(pairs, settings), plain("p", PUBLISHED_NOTE), publishedTable()),
      section(
        "Learning curves",
        plain("p", curvesNote(settings)),
        figure("errors", errorChart(pairs, settings)),
        figure("gap", gapChart(pairs, settings)),
        curveTable(pairs, settings),
      ),
      averageSection(pairs, settings),
      uncertaintySection(pairs),
      timeSection(times, settings),
      section("How this was made", plain("p", provenance(outcomes, seconds)), settingsTable(settings)),
    ),
  ];
  return document(TITLE, body);
}

/** The result in a short line. */
export function headline(pairs: readonly Pair[]): string {
  const error = (variant: Variant) => formatSpread(spreadOf(pairs.map((pair) => testError(pair[variant]))));
  return `Error ${error("without")} without dropout, ${error("with")} with; McNemar's exact test: ${probabilities(pairs)}`;
}

function probabilities(pairs: readonly Pair[]): string {
  return `p = ${pairs.map((pair) => formatProbability(testOf(pair).p)).join(", ")}`;
}

/** The result in three sentences. */
export function conclusion(pairs: readonly Pair[]): string {
  const [without, withDropout] = [
    spreadOf(pairs.map((pair) => testError(pair.without))),
    spreadOf(pairs.map((pair) => testError(pair.with))),
  ];
  const gains = gainsOf(pairs);
  const gain = spreadOf(gains);
  const better = gains.filter((value) => value > 0).length;
  return (
    `${capitalised(evaluated((pairs[0] as Pair).with.run))} error over ${pairs.length} ${pairs.length === 1 ? "seed" : "seeds"}: ${formatSpread(without)} without dropout, ${formatSpread(withDropout)} with. ` +
    `Dropout ${gain.mean < 0 ? "raises" : "lowers"} it by ${Math.abs(gain.mean).toFixed(2)} percentage points, that is ` +
    `${((100 * Math.abs(gain.mean)) / without.mean).toFixed(0)}% of the errors, and is better with ${better} of ${pairs.length}. ` +
    `McNemar's exact test: ${probabilities(pairs)}.`
  );
}

function setting(settings: Settings): string {
  const { images, hidden, schedules } = settings;
  const layers = [784, ...hidden, 10].join("-");
  const same = isSame(schedules);
  const epochs = same ? `${schedules.with.epochs} epochs` : `${schedules.with.epochs} epochs with and ${schedules.without.epochs} without`;
  return (
    `A network ${layers} with ReLU is trained on ${images} images of MNIST for ${epochs}, with dropout of ${100 * INPUT_RATE}% of the ` +
    `input and ${100 * HIDDEN_RATE}% of hidden units, and without. Each seed gives the subset of the training images, the initial weights and ` +
    `the order of images, which both variants share; both have a max-norm constraint. ` +
    `${same ? "Dropout is all they differ in. " : "Each has the settings that suit it, see below. "}` +
    `No setting was chosen by test errors, and none of these runs was stopped early: errors are those after the last epoch, not the best.${
      settings.validation > 0 ? ` All errors are those of ${settings.validation} training images that were held out.` : ""
    }`
  );
}

function isSame({ with: a, without: b }: Settings["schedules"]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function errorTable(pairs: readonly Pair[], settings: Settings): Content {
  const row = (label: string, values: readonly number[], test: readonly string[] = ["–", "–", "–"]) => [
    label,
    ...values.map((value) => value.toFixed(2)),
    ...test,
  ];
  const gains = gainsOf(pairs);
  const [without, withDropout] = [pairs.map((pair) => testError(pair.without)), pairs.map((pair) => testError(pair.with))];
  const spreads = [without, withDropout, gains].map(spreadOf);
  const tests = pairs.map(testOf).map(({ onlyFirst, onlySecond, p }) => [`${onlyFirst}`, `${onlySecond}`, formatProbability(p)]);
  const rows = [
    ...pairs.map(({ seed }, i) => row(`seed ${seed}`, [without[i] as number, withDropout[i] as number, gains[i] as number], tests[i])),
    row(
      "mean",
      spreads.map(({ mean }) => mean),
    ),
    ...(pairs.length > 1
      ? [
          row(
            "standard deviation",
            spreads.map(({ deviation }) => deviation),
          ),
        ]
      : []),
  ];
  const columns: Column[] = [
    ["seed", "text"],
    ["without dropout", "figure"],
    ["with dropout", "figure"],
    ["difference", "figure"],
    ["images wrong without only", "figure"],
    ["with only", "figure"],
    ["p", "figure"],
  ];
  return table(
    `Percent of ${finalCount(settings)} ${evaluated(settings)} images classified wrong, and McNemar's exact test, both sides`,
    columns,
    rows,
  );
}

const PUBLISHED_NOTE =
  "For comparison, what was published of networks that do not know which pixels are neighbours. All of them were trained on 60,000 images, for much " +
  "longer, with settings chosen on held-out images, and are of other sizes; the first has neither ReLU nor the max-norm constraint. The size of the " +
  "errors depends on all of that: what can be compared is that dropout lowers them. The last two, of one network, differ as those here do.";

function publishedTable(): Content {
  return table(
    "Published: Srivastava et al. 2014, tables 2 and 9",
    [
      ["network", "text"],
      ["units", "text"],
      ["test error in percent", "figure"],
    ],
    [
      ["without dropout (Simard et al. 2003)", "logistic, 2 layers of 800", "1.60"],
      ["with dropout", "ReLU, 3 layers of 1024", "1.25"],
      ["with dropout and max-norm constraint", "ReLU, 3 layers of 1024", "1.06"],
      ["with dropout and max-norm constraint", "ReLU, 2 layers of 8192", "0.95"],
      ["with max-norm constraint", "ReLU, layers of 1024, 1024 and 2048", "1.35"],
      ["with dropout and max-norm constraint", "ReLU, layers of 1024, 1024 and 2048", "1.05"],
    ],
  );
}

function curvesNote(settings: Settings): string {
  const { training, test } = curveCounts(settings);
  const which = settings.validation > 0 ? `${test} images held out` : `${test} test images, spread evenly over the 10,000,`;
  return (
    `After each epoch, ${training} of the ${settings.images} training images and ${which} were classified without dropping ` +
    "anything. The gap between test and training error is what a network has learnt by heart. The axes end where the last epochs can be told apart."
  );
}

function curveTable(pairs: readonly Pair[], { schedules }: Settings): Content {
  const ends = [schedules.with.epochs, schedules.without.epochs];
  const shown = [...new Set([1, 2, 5, 10, 20, 30, 50, 100, 200, 500, ...ends])]
    .filter((epoch) => epoch <= Math.max(...ends))
    .toSorted((a, b) => a - b);
  const columns = [
    ["training", "without"],
    ["training", "with"],
    ["test", "without"],
    ["test", "with"],
    ["gap", "without"],
    ["gap", "with"],
  ] as const satisfies (readonly [Measure, Variant])[];
  return table(
    "Errors in percent, means over the seeds",
    [["epoch", "figure"], ...columns.map(([measure, variant]): Column => [`${measure}, ${variant}`, "figure"])],
    shown.map((epoch) => [
      `${epoch}`,
      ...columns.map(([measure, variant]) =>
        epoch <= schedules[variant].epochs ? measureOver(pairs, variant, epoch - 1, measure).mean.toFixed(2) : "–",
      ),
    ]),
  );
}

function averageSection(pairs: readonly Pair[], settings: Settings): Content {
  const passes = settings.passes;
  const count = finalCount(settings);
  const averages = Array.from({ length: passes }, (_, k) =>
    spreadOf(pairs.map((pair) => (100 * (averageOf(pair).wrong[k] as number)) / count)),
  );
  const scaling = spreadOf(pairs.map((pair) => testError(pair.with)));
  const first = averages.findIndex(({ mean }) => mean <= scaling.mean);
  const crossing =
    first < 0
      ? `in ${passes} passes its mean error does not come down to that of weight scaling`
      : `its mean error first is not above that of weight scaling at k = ${first + 1}`;
  const shown = [1, 2, 3, 5, 10, 20, 50, 100].filter((k) => k <= passes);
  return section(
    "Weight scaling against the Monte-Carlo average",
    plain(
      "p",
      "At test time nothing is dropped. As kept units were scaled up in training, that is what the paper calls weight scaling: it stands for the average " +
        "over all thinned networks. That average itself can be had by k stochastic passes (Srivastava et al. 2014, figure 11, where about 50 were as good " +
        `as weight scaling). Here ${crossing}; after ${passes} passes ` +
        `it is ${formatSpread(averages.at(-1) as Spread)} against ${formatSpread(scaling)}.`,
    ),
    figure("average", averageChart(averages, scaling)),
    table(
      `Percent of ${count} ${evaluated(settings)} images classified wrong, over the seeds`,
      [
        ["average", "text"],
        ["mean", "figure"],
        ["least", "figure"],
        ["greatest", "figure"],
      ],
      [...shown.map((k): [string, Spread] => [`k = ${k}`, averages[k - 1] as Spread]), ["weight scaling", scaling] as const].map(
        ([label, spread]) => [label, ...[spread.mean, spread.least, spread.most].map((value) => value.toFixed(2))],
      ),
    ),
  );
}

function averageOf(pair: Pair): MonteCarloResult {
  return pair.with.monteCarlo as MonteCarloResult;
}

function uncertaintySection(pairs: readonly Pair[]): Content {
  const results = pairs.map(averageOf);
  const [first, seed] = [results[0] as MonteCarloResult, (pairs[0] as Pair).seed];
  const kinds = [
    ["predictive entropy", "predictiveEntropy"],
    ["mutual information", "mutualInformation"],
  ] as const;
  const rows = kinds.map(([name, key]) => {
    const separations = spreadOf(results.map((result) => result[key].separation));
    return [name, separations.mean.toFixed(3), `${separations.least.toFixed(3)}–${separations.most.toFixed(3)}`];
  });
  return section(
    "Does it know when it is wrong?",
    plain(
      "p",
      "The same passes say how sure the network is: predictive entropy is all uncertainty, mutual information what the thinned networks disagree about. " +
        `The histograms are of seed ${seed}.`,
    ),
    ...kinds.map(([name, key]) => figure(key, uncertaintyChart(`Histogram of ${name}`, first[key]))),
    table(
      "How probable it is that a wrong answer is more uncertain than a right one (0.5: no relation)",
      [
        ["measure of uncertainty", "text"],
        ["mean over the seeds", "figure"],
        ["range", "figure"],
      ],
      rows,
    ),
    plain(
      "details",
      plain("summary", `The histograms of seed ${seed} as a table`),
      ...kinds.map(([name, key]) => binTable(name, first[key])),
    ),
  );
}

function binTable(name: string, { right, wrong, most }: Uncertainty): Content {
  const edge = (bin: number) => ((bin * most) / right.length).toFixed(3);
  return table(
    `Number of answers by ${name}`,
    [
      ["nats", "text"],
      ["right", "figure"],
      ["wrong", "figure"],
    ],
    right.map((count, bin) => [`${edge(bin)}–${edge(bin + 1)}`, `${count}`, `${wrong[bin]}`]),
  );
}

function timeSection(times: StepTimes, { batch, backend }: Settings): Content {
  const share = ({ median, interval }: Summary) =>
    `${(100 * median).toFixed(1)}% (${interval.map((value) => (100 * value).toFixed(1)).join("–")})`;
  const rows = (
    [
      ["wasm-dropout/tfjs", times.ours],
      ["tf.layers.dropout", times.tfjs],
    ] as const
  ).map(([name, { step, alone, share: part }]) => [
    plain("code", name),
    formatFigure(step.median),
    formatFigure(alone.median),
    share(part),
  ]);
  return section(
    "What it costs",
    plain(
      "p",
      `Steps of ${batch} images on the "${backend}" backend of tfjs, forward, backward and update of the weights, in rounds in which all take turns; and the ` +
        "dropout layers alone, forward and backward. Medians, with 95% intervals of the median share.",
    ),
    figure("times", timeChart(times)),
    table(
      "Dropout's share of a training step",
      [
        ["dropout by", "text"],
        ["step, ms", "figure"],
        ["dropout alone, ms", "figure"],
        ["share", "figure"],
      ],
      [["without dropout", formatFigure(times.without.median), "–", "–"], ...rows],
    ),
  );
}

function provenance(outcomes: readonly Outcome[], seconds: number): string {
  const training = outcomes.reduce((sum, outcome) => sum + outcome.seconds, 0);
  return (
    `wasm-dropout ${VERSION} with TensorFlow.js on Node ${process.versions.node}, ${formatMachine(MACHINE)}; ${formatDate(new Date().toISOString())}. ` +
    `The command that wrote this took ${formatTime(seconds)}; the runs, side by side and perhaps of earlier commands, trained for ${formatTime(training)} in all.`
  );
}

function settingsTable(settings: Settings): Content {
  const { backend, images, hidden, schedules, batch, warmUp } = settings;
  const rises = warmUp > 0 ? `rising from 0 over ${warmUp} ${warmUp === 1 ? "epoch" : "epochs"}, then ` : "";
  const each = (text: (schedule: Schedule) => string) =>
    isSame(schedules) ? text(schedules.with) : `with dropout: ${text(schedules.with)}; without: ${text(schedules.without)}`;
  const rows: [string, string][] = [
    ["training images", `${images} of 60000`],
    ["layers", [784, ...hidden, 10].join("-")],
    ["drop probability", `input ${INPUT_RATE}, hidden ${HIDDEN_RATE}`],
    ["optimiser", each(optimizerText)],
    ["learning rate", `${each(({ learningRate }) => `${learningRate}`)}; ${rises}falling linearly to 0`],
    ["steps", `${each(({ epochs }) => `${epochs} epochs`)}; an epoch is ${Math.ceil(images / batch)} steps of ${batch} images`],
    ["max-norm", `on the weights into each hidden unit, ${each(({ maxNorm }) => `${maxNorm}`)}`],
    ["initial weights", "normal, variance 2 / inputs (He et al. 2015)"],
    ["backend", backend],
  ];
  return table(
    "Settings",
    [
      ["setting", "text"],
      ["value", "prose"],
    ],
    rows,
  );
}

/** "0.012", "2.1e-5" */
function formatProbability(p: number): string {
  return p < 0.001 ? p.toExponential(1) : p.toFixed(3);
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function optimizerText({ optimizer, momentum }: Schedule): string {
  return optimizer === "adam" ? "Adam (Kingma and Ba 2015), decays 0.9 and 0.999" : `gradient descent, momentum ${momentum}`;
}

function section(heading: string, ...content: readonly Content[]): Markup {
  return plain("section", plain("h2", heading), ...content);
}

/** "8.90% ± 0.12": mean and standard deviation. */
function formatSpread({ mean, deviation }: Spread): string {
  return `${mean.toFixed(2)}%${Number.isNaN(deviation) ? "" : ` ± ${deviation.toFixed(2)}`}`;
}
