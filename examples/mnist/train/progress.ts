// Shows the progress of the runs on stderr: a bar with the time left that is rewritten on a terminal; elsewhere a line now and then.

import { type Outcome, type Status, workOf } from "./outcome.js";
import { Pace } from "./pace.js";
import type { Listener } from "./pool.js";
import { curveCounts, evaluated, finalCount, nameOf, type Run } from "./settings.js";

const WIDTH = 24;
const CLEAR = "\r\x1b[K";
// The number of epochs that a run reports where lines are not rewritten.
const LINES = 6;

export class ProgressBar implements Listener {
  readonly #live = process.stderr.isTTY;
  readonly #pace: Pace;

  constructor(runs: readonly Run[]) {
    this.#pace = new Pace(runs.reduce((sum, run) => sum + workOf(run).total, 0));
  }

  status(run: Run, status: Status): void {
    const { done, epochs, passes, point } = status;
    this.#count(run, done);
    const text = `${nameOf(run)}: ${describe(run, status)}`;
    if (this.#live) process.stderr.write(`${CLEAR}${`${this.#bar()} ${text}`.slice(0, (process.stderr.columns || 80) - 1)}`);
    else if (point !== undefined && passes === 0 && epochs % Math.ceil(run.epochs / LINES) === 0) this.say(text);
  }

  outcome({ run, testWrong }: Outcome): void {
    this.#count(run, 1);
    this.say(`${nameOf(run)}: ${percent(testWrong, finalCount(run))} of ${finalCount(run)} ${evaluated(run)} images wrong`);
  }

  /** Writes a line that stays. */
  say(text: string): void {
    process.stderr.write(`${this.#live ? CLEAR : ""}${text}\n`);
  }

  // The first report of a run says how many epochs were done before this command.
  #count(run: Run, done: number): void {
    this.#pace.note(nameOf(run), done * workOf(run).total);
  }

  #bar(): string {
    const { share, left } = this.#pace;
    const cells = Math.floor(share * WIDTH);
    return `[${"#".repeat(cells).padEnd(WIDTH, "-")}] ${Math.floor(100 * share)}%${left === undefined ? "" : `, ${formatTime(left)} left`};`;
  }
}

function describe(run: Run, { epochs: ended, passes: averaged, point }: Status): string {
  if (point === undefined) return "beginning";
  if (averaged > 0) return `pass ${averaged} of ${run.passes}`;
  const counts = curveCounts(run);
  const [training, test] = [percent(point.trainingWrong, counts.training), percent(point.testWrong, counts.test)];
  return `epoch ${ended} of ${run.epochs}, training error ${training}, ${evaluated(run)} error ${test}`;
}

/** "8.90%" */
export function percent(count: number, total: number): string {
  return `${((100 * count) / total).toFixed(2)}%`;
}

/** "2 h 5 min", "3 min 20 s", "7 s" */
export function formatTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
