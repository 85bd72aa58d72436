// The parts of the page that show trainings.

import { svg } from "../../../tools/report/plot.js";
import { part } from "../../browser/src/page.js";
import type { Pace } from "../../mnist/train/pace.js";
import { conclusion, lossChart, NAMES } from "../report.js";
import { type Curves, VARIANTS, type Variant } from "../settings.js";

export class View {
  readonly #start = part("start", HTMLButtonElement);
  readonly #stop = part("stop", HTMLButtonElement);
  readonly #again = part("again", HTMLButtonElement);
  readonly #bar = part("progress", HTMLProgressElement);
  readonly #pace = part("pace", HTMLElement);
  readonly #status = part("status", HTMLElement);

  /** Offers to go on, or to begin. */
  offer(goOn: boolean): void {
    this.#start.textContent = goOn ? "Continue" : "Train";
    this.#again.hidden = !goOn;
  }

  begin(): void {
    for (const id of ["curves", "end"]) part(id, HTMLElement).hidden = true;
    this.#bar.value = 0;
    this.#pace.textContent = "";
    this.#setRunning(true, "Training.");
  }

  end(text: string, goOn: boolean): void {
    this.offer(goOn);
    this.#setRunning(false, text);
  }

  progress({ share, left }: Pace): void {
    this.#bar.value = share;
    this.#pace.textContent = `${Math.floor(100 * share)}%${!left ? "" : `, about ${duration(left)} left`}`;
  }

  curves(curves: Curves): void {
    part("chart", HTMLElement).innerHTML = svg(lossChart(curves), "loss").text;
    part("losses", HTMLElement).replaceChildren(...VARIANTS.map((variant) => row(variant, curves)));
    part("curves", HTMLElement).hidden = false;
  }

  results(curves: Curves, samples: ReadonlyMap<Variant, string>): void {
    part("conclusion", HTMLElement).textContent = conclusion(curves);
    const make = (tag: string) => document.createElement(tag);
    part("samples", HTMLElement).replaceChildren(
      ...VARIANTS.map((variant) => {
        const [figure, caption, text] = [make("figure"), make("figcaption"), make("pre")];
        caption.textContent = `Text that the network writes, ${NAMES[variant]}`;
        text.textContent = samples.get(variant) ?? "";
        figure.append(caption, text);
        return figure;
      }),
    );
    part("end", HTMLElement).hidden = false;
  }

  #setRunning(running: boolean, text: string): void {
    // A button that is disabled loses the focus: pass it on.
    const focused = (running ? [this.#start, this.#again] : [this.#stop]).some((button) => button === document.activeElement);
    for (const button of [this.#start, this.#again]) button.disabled = running;
    this.#stop.disabled = !running;
    if (focused) (running ? this.#stop : this.#start).focus();
    this.#bar.hidden = !running;
    this.#status.textContent = text;
  }
}

/** A row of the table. */
function row(variant: Variant, curves: Curves): HTMLTableRowElement {
  const result = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = NAMES[variant];
  result.append(head);
  const curve = curves[variant];
  const last = curve.at(-1);
  const least = Math.min(...curve.map(({ validation }) => validation));
  const texts = last && [`${last.step}`, ...[last.training, last.validation, least].map((loss) => loss.toFixed(3))];
  for (const text of texts ?? ["", "", "", ""]) {
    const cell = result.insertCell();
    cell.className = "figure";
    cell.textContent = text;
  }
  return result;
}

/** "40 seconds", "3 minutes" */
function duration(seconds: number): string {
  const [value, unit] = seconds < 90 ? [seconds, "second"] : [seconds / 60, "minute"];
  return new Intl.NumberFormat("en", { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 }).format(Math.ceil(value));
}
