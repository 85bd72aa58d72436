// The report: what both trainings came to, as a page that needs no network.

import { document, figure } from "../../tools/report/document.js";
import { type Line, lineChart } from "../../tools/report/lines.js";
import { type Content, element, plain } from "../../tools/report/markup.js";
import type { Chart } from "../../tools/report/plot.js";
import { type Curves, type Settings, VARIANTS, type Variant } from "./settings.js";

/** The name of a training. */
export const NAMES: Readonly<Record<Variant, string>> = { with: "with dropout", without: "without dropout" };

/** A sentence on curves that go on. */
export function standing(curves: Curves): string {
  return VARIANTS.flatMap((variant) => {
    const last = curves[variant].at(-1);
    return last === undefined
      ? []
      : [`Validation loss ${NAMES[variant]} after step ${last.step}: ${last.validation.toFixed(3)} nats a character.`];
  }).join(" ");
}

/** The least validation loss, the last ones, and what is said of them. */
export function conclusion(curves: Curves): string {
  const [dropped, plain] = [curves.with, curves.without].map((curve) => curve.at(-1)?.validation ?? Number.NaN) as [number, number];
  const least = Math.min(...curves.without.map(({ validation }) => validation));
  return (
    `Validation loss after the last step: ${dropped.toFixed(3)} nats a character with dropout, ${plain.toFixed(3)} without, ` +
    `whose least was ${least.toFixed(3)}. With dropout it is ${dropped < plain ? "lower" : "NOT lower"}.`
  );
}

/** Curves of which one at least has a point. */
export function lossChart(curves: Curves): Chart {
  const lines = (["without", "with"] as const).flatMap((name) =>
    (["validation", "training"] as const).map((measure): Line => {
      const points = curves[name].map((point) => ({ x: point.step, y: point[measure] }));
      return { name: `${measure}, ${NAMES[name]}`, points, colour: name === "with" ? 0 : 1, dashed: measure === "training" };
    }),
  );
  const points = lines.flatMap((line) => line.points);
  return lineChart(
    {
      title: "Loss over steps",
      description: standing(curves),
      x: { label: "step", from: 0, to: Math.max(...points.map(({ x }) => x)) },
      y: { label: "nats a character, nothing dropped", from: 0, to: Math.max(...points.map(({ y }) => y)) * 1.05 },
    },
    lines,
  );
}

/** @param samples what each network writes */
export function report(curves: Curves, samples: Readonly<Record<Variant, string>>, settings: Settings): string {
  const { width, heads, blocks, length, windows, rate, text, seed } = settings;
  const form =
    `A transformer of ${blocks} blocks, ${width} columns and ${heads} heads, on ${text} characters of this repository's pages; steps of ${windows} windows of ` +
    `${length} characters; dropout of attention, residual branches and feed-forward at p = ${rate}; seed ${seed}.`;
  const title = "A small transformer, with dropout and without";
  const body: Content[] = [plain("h1", title), plain("p", conclusion(curves)), figure("loss", lossChart(curves)), plain("p", form)];
  body.push(plain("h2", "What they write"), ...VARIANTS.map((variant) => writing(NAMES[variant], samples[variant])));
  return document(title, [plain("main", ...body)]);
}

/** A text as it stands; the box, not the page, scrolls where it is wider than the screen. */
function writing(name: string, text: string): Content {
  return plain(
    "figure",
    plain("figcaption", name),
    element("div", { class: "scroll", role: "region", "aria-label": name, tabindex: 0 }, plain("pre", text)),
  );
}
