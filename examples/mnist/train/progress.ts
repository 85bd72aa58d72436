// How far the runs are, on stderr: a bar with the time left that is rewritten on a terminal; elsewhere a line now and then.

import type { Outcome, Status } from "./outcome.js";
import { workOf } from "./outcome.js";
import type { Listener } from "./pool.js";
import { nameOf, type Run } from "./settings.js";

const WIDTH = 24;
const CLEAR = "\r\x1b[K";
// On average, how many epochs a run tells of where lines are not rewritten.
const LINES = 6;

export class ProgressBar implements Listener {
  readonly #live = process.stderr.isTTY;
  readonly #start = performance.now();
  readonly #total: number;
  /** Work done of each run by its name, and what of it was done before. */
  readonly #done = new Map<string, number>();
  readonly #before = new Map<string, number>();

  constructor(runs: readonly Run[]) {
    this.#total = runs.reduce((sum, run) => sum + workOf(run).total, 0);
  }

  status(run: Run, { done, epochs, point }: Status): void {
    const name = nameOf(run);
    this.#count(run, done, done);
    if (point === undefined) return;
    const errors = `training error ${percent(point.trainingWrong, run.images)}, test error ${percent(point.testWrong, run.curveImages)}`;
    const text = `${name}: epoch ${epochs} of ${run.epochs}, ${errors}`;
    if (this.#live) process.stderr.write(`${CLEAR}${this.#bar()} ${text}`.slice(0, CLEAR.length + (process.stderr.columns ?? 80) - 1));
    else if (epochs % Math.ceil(run.epochs / LINES) === 0) this.say(text);
  }

  outcome({ run, testWrong }: Outcome): void {
    this.#count(run, 1, 1);
    this.say(`${nameOf(run)}: ${percent(testWrong, run.testImages)} of ${run.testImages} test images wrong`);
  }

  /** Writes a line that stays. */
  say(text: string): void {
    process.stderr.write(`${this.#live ? CLEAR : ""}${text}\n`);
  }

  #count(run: Run, done: number, before: number): void {
    const { total } = workOf(run);
    const name = nameOf(run);
    if (!this.#before.has(name)) this.#before.set(name, before * total);
    this.#done.set(name, done * total);
  }

  #bar(): string {
    const [done, before] = [sum(this.#done), sum(this.#before)];
    const share = done / this.#total;
    const cells = Math.floor(share * WIDTH);
    const left = ((performance.now() - this.#start) / 1000 / (done - before)) * (this.#total - done);
    return `[${"#".repeat(cells).padEnd(WIDTH, "-")}] ${Math.floor(100 * share)}%${done > before ? `, ${formatTime(left)} left` : ""};`;
  }
}

function sum(values: ReadonlyMap<string, number>): number {
  return [...values.values()].reduce((a, b) => a + b, 0);
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
