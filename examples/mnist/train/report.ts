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
import { HIDDEN_RATE, INPUT_RATE, type Settings } from "./settings.js";
import type { StepTimes } from "./step-time.js";
import { gainsOf, type Measure, measureOver, type Pair, pairsOf, type Spread, spreadOf, testError, type Variant } from "./summary.js";

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

/** The result in a sentence. */
export function conclusion(pairs: readonly Pair[]): string {
  const [without, withDropout] = [
    spreadOf(pairs.map((pair) => testError(pair.without))),
    spreadOf(pairs.map((pair) => testError(pair.with))),
  ];
  const gains = gainsOf(pairs);
  const gain = spreadOf(gains);
  const better = gains.filter((value) => value > 0).length;
  return (
    `Test error over ${pairs.length} ${pairs.length === 1 ? "seed" : "seeds"}: ${formatSpread(without)} without dropout, ${formatSpread(withDropout)} with. ` +
    `Dropout ${gain.mean < 0 ? "raises" : "lowers"} it by ${Math.abs(gain.mean).toFixed(2)} percentage points, that is ` +
    `${((100 * Math.abs(gain.mean)) / without.mean).toFixed(0)}% of the errors, and is better with ${better} of ${pairs.length}.`
  );
}

function setting({ images, hidden, maxNorm, epochs }: Settings): string {
  const layers = [784, ...hidden, 10].join("-");
  return (
    `A network ${layers} with ReLU is trained on ${images} images of MNIST for ${epochs} epochs, with dropout of ${100 * INPUT_RATE}% of the ` +
    `input and ${100 * HIDDEN_RATE}% of hidden units, and without. Each seed gives the subset of the training images, the initial weights and ` +
    `the order of images, which both variants share; both have the max-norm constraint of ${maxNorm}. Dropout is all they differ in. ` +
    "No setting was chosen by test errors, and no run was stopped early: errors are those after the last epoch, not the best."
  );
}

function errorTable(pairs: readonly Pair[], { testImages }: Settings): Content {
  const row = (label: string, values: readonly number[]) => [label, ...values.map((value) => value.toFixed(2))];
  const gains = gainsOf(pairs);
  const [without, withDropout] = [pairs.map((pair) => testError(pair.without)), pairs.map((pair) => testError(pair.with))];
  const spreads = [without, withDropout, gains].map(spreadOf);
  const rows = [
    ...pairs.map(({ seed }, i) => row(`seed ${seed}`, [without[i] as number, withDropout[i] as number, gains[i] as number])),
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
  ];
  return table(`Percent of ${testImages} test images classified wrong`, columns, rows);
}

const PUBLISHED_NOTE =
  "For comparison, what was published of networks that do not know which pixels are neighbours. All of them were trained on 60,000 images, for much " +
  "longer, with settings chosen on held-out images, and are of other sizes; the first has neither ReLU nor the max-norm constraint. The size of the " +
  "errors depends on all of that: what can be compared is that dropout lowers them.";

function publishedTable(): Content {
  return table(
    "Published: Srivastava et al. 2014, table 2",
    [
      ["network", "text"],
      ["units", "text"],
      ["test error in percent", "figure"],
    ],
    [
      ["without dropout (Simard et al. 2003)", "logistic, 2 layers of 800", "1.60"],
      ["with dropout", "ReLU, 3 layers of 1024", "1.25"],
      ["with dropout and max-norm constraint", "ReLU, 3 layers of 1024", "1.06"],
    ],
  );
}

function curvesNote({ images, curveImages }: Settings): string {
  return (
    `After each epoch, all ${images} training images and ${curveImages} test images, spread evenly over the 10,000, were classified without dropping ` +
    "anything. The gap between test and training error is what a network has learnt by heart. The axes end where the last epochs can be told apart."
  );
}

function curveTable(pairs: readonly Pair[], { epochs }: Settings): Content {
  const shown = [...new Set([1, 2, 5, 10, 20, 30, 50, 100, 200, 500, epochs])].filter((epoch) => epoch <= epochs).toSorted((a, b) => a - b);
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
      ...columns.map(([measure, variant]) => measureOver(pairs, variant, epoch - 1, measure).mean.toFixed(2)),
    ]),
  );
}

function averageSection(pairs: readonly Pair[], { passes, testImages }: Settings): Content {
  const averages = Array.from({ length: passes }, (_, k) =>
    spreadOf(pairs.map((pair) => (100 * (averageOf(pair).wrong[k] as number)) / testImages)),
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
      `Percent of ${testImages} test images classified wrong, over the seeds`,
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
  const { backend, images, hidden, epochs, batch, learningRate, momentum, maxNorm } = settings;
  const rows: [string, string][] = [
    ["training images", `${images} of 60000`],
    ["layers", [784, ...hidden, 10].join("-")],
    ["drop probability", `input ${INPUT_RATE}, hidden ${HIDDEN_RATE}`],
    ["optimiser", `gradient descent, momentum ${momentum}, learning rate ${learningRate} falling linearly to 0 over the epochs`],
    ["steps", `${epochs} epochs of ${Math.ceil(images / batch)} steps of ${batch} images`],
    ["max-norm", `${maxNorm}, on the weights into each hidden unit, in both variants`],
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

function section(heading: string, ...content: readonly Content[]): Markup {
  return plain("section", plain("h2", heading), ...content);
}

/** "8.90% ± 0.12": mean and standard deviation. */
function formatSpread({ mean, deviation }: Spread): string {
  return `${mean.toFixed(2)}%${Number.isNaN(deviation) ? "" : ` ± ${deviation.toFixed(2)}`}`;
}
