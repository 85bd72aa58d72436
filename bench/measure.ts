// Times subjects in rounds. A round runs each of them for a short while, so that a disturbance of some seconds slows a subject and
// the copy it is compared with by the same factor; figures and ratios are medians over rounds.

import { Bench, type Task } from "tinybench";
import { type Summary, summarise } from "./statistics.js";
import type { Subject } from "./subjects/subject.js";

/** The least time of one invocation of a task, in milliseconds and in ticks of the clock: shorter calls are repeated. */
const INVOCATION_MS = 0.1;
const INVOCATION_TICKS = 50;
/** The time of a task in a round, and its least number of invocations: many short rounds, so that a subject and its copy run close together. */
export const ROUND = { time: 30, iterations: 2, warmup: false } as const;
/** The time of the last batch of calls before measuring: enough for the engine to swap in optimised code. */
export const WARMUP_MS = 25;
/** Both times of a trial, which is one round: it shows that every subject runs, and how long it takes about. */
const TRIAL_MS = 1;

/** The times measured: that of one call of each subject in each round. */
export class Timings {
  readonly #rounds: readonly ReadonlyMap<string, number>[];

  /** @param rounds milliseconds a call, by name of the subject */
  constructor(rounds: readonly ReadonlyMap<string, number>[]) {
    this.#rounds = rounds;
  }

  /** Milliseconds that a call of subject `name` takes. */
  time(name: string): Summary {
    return summarise(this.#rounds.map((round) => timeIn(round, name)));
  }

  /** The time of subject `name` divided by that of `against` in the same round. */
  ratio(name: string, against: string): Summary {
    return summarise(this.#rounds.map((round) => timeIn(round, name) / timeIn(round, against)));
  }
}

function timeIn(round: ReadonlyMap<string, number>, name: string): number {
  const time = round.get(name);
  if (time === undefined) throw new RangeError(`${name} was not measured`);
  return time;
}

/** A program that measures its subjects by itself, in the rounds of the others: the milliseconds that a call of each takes. */
export type Beside = () => ReadonlyMap<string, number>;

/** Measures `subjects` in `rounds` rounds, each of which ends with those of `beside`; calls `onTask` after each subject of each round. */
export function measure(subjects: readonly Subject[], rounds: number, onTask: () => void, beside?: Beside): Timings {
  const trial = rounds === 1;
  const bench = new Bench({ ...ROUND, ...(trial && { time: TRIAL_MS }), throws: true });
  const repeats = new Map<string, number>();
  const invocationMs = leastInvocation();
  for (const { name, call } of subjects) {
    const count = warmUp(call, invocationMs, trial ? TRIAL_MS : WARMUP_MS);
    repeats.set(name, count);
    bench.add(name, () => repeat(call, count), { async: false });
  }
  bench.addEventListener("cycle", onTask);
  const measured = Array.from({ length: rounds }, () => {
    // A task that has a result is not run again.
    bench.reset();
    const tasks = bench.runSync();
    const times = tasks.map((task) => [task.name, medianOf(task) / (repeats.get(task.name) as number)] as const);
    return new Map([...times, ...(beside?.() ?? [])]);
  });
  return new Timings(measured);
}

/** Returns the least time of an invocation on this machine, in milliseconds. */
export function leastInvocation(): number {
  return Math.max(INVOCATION_MS, INVOCATION_TICKS * clockTick());
}

/** Calls `call` `count` times. */
export function repeat(call: () => void, count: number): void {
  for (let i = 0; i < count; ++i) call();
}

/** Returns the step of the clock, in milliseconds: that of a page is coarse, and uneven, against attacks that need a fine one. */
function clockTick(): number {
  const ticks = Array.from({ length: 20 }, () => {
    const start = performance.now();
    let now = start;
    while (now === start) now = performance.now();
    return now - start;
  });
  return summarise(ticks).median;
}

/** Calls `call` for `leastMs`, by default until its code is optimised; returns the number of calls that an invocation should make. */
export function warmUp(call: () => void, invocationMs: number, leastMs = WARMUP_MS): number {
  for (let count = 1; ; count *= 2) {
    const elapsed = timeOf(call, count);
    if (elapsed >= leastMs) return confirm(call, Math.ceil((count * invocationMs) / elapsed), invocationMs);
  }
}

/** Doubles `count` until an invocation takes long enough: a pause in the warm-up makes a call look longer than it is. */
function confirm(call: () => void, count: number, invocationMs: number): number {
  // The lesser of two, as a pause may fall into one.
  while (Math.min(timeOf(call, count), timeOf(call, count)) < invocationMs / 2) count *= 2;
  return count;
}

function timeOf(call: () => void, count: number): number {
  const start = performance.now();
  repeat(call, count);
  return performance.now() - start;
}

/** Milliseconds that an invocation of a task took. */
export function medianOf({ name, result }: Task): number {
  if (result.state !== "completed") throw new Error(`${name} ended as ${result.state}`);
  return result.latency.p50;
}
