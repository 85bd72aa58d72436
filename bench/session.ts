// A run over sizes, in any engine: makes the subjects of each size, measures them together, judges the bars.

import { BARS, barsFor, CPP, judge } from "./bars.js";
import type { Program } from "./cpp/program.js";
import { type Beside, measure } from "./measure.js";
import { type Result, resultOf, type Verdict } from "./results.js";
import { P, type Subject } from "./subjects/subject.js";
import { type Modules, makeSubjects } from "./subjects.js";

/** The plan of a session. */
export interface Plan {
  readonly modules: Modules;
  /** Elements. */
  readonly sizes: readonly number[];
  /** Measures only subjects with this in their names, and those they are compared with. */
  readonly filter: string;
  readonly rounds: number;
  /** True if the bars apply. */
  readonly judged: boolean;
  /** True to measure only subjects that have a bar. */
  readonly barsOnly: boolean;
  /** The C++ yardstick, where there is one. */
  readonly cpp?: Program | undefined;
}

/** The results at one size. */
export interface Found {
  readonly size: number;
  readonly results: readonly Result[];
  readonly verdicts: readonly Verdict[];
}

/** Thrown for a filter that no subject passes. */
export class NothingSelected extends RangeError {}

/**
 * Measures size by size; between them, others may run. Bars that noise leaves open are measured again, twice as long each time.
 *
 * @param onBegin called with each size and the number of steps that it will take
 * @param onStep called after each of these steps
 */
export function* runSession(plan: Plan, onBegin: (size: number, steps: number) => void, onStep: () => void): Generator<Found> {
  const { modules, sizes, filter, rounds, judged, barsOnly, cpp } = plan;
  for (const size of sizes) {
    const subjects = select(makeSubjects(modules, size), filter, barsOnly);
    onBegin(size, subjects.length * rounds);
    const names = new Set(subjects.map(({ name }) => name));
    const needed = judged && cpp !== undefined && barsFor(new Set([...names, CPP]), size).some(({ against }) => against === CPP);
    const beside = needed ? () => roundOf(cpp, size) : undefined;
    if (beside !== undefined) names.add(CPP);
    const timings = measure(subjects, rounds, onStep, beside);
    const results = subjects.map((subject) =>
      resultOf(subject, size, timings.time(subject.name), timings.ratio(subject.name, subject.copy)),
    );
    let verdicts = judged ? judge(timings, barsFor(names, size), size) : [];
    // All that have a bar, not the doubtful ones alone: a call's time depends on what else the program calls.
    const compared = new Set(verdicts.flatMap(({ subject, against }) => [subject, against]));
    const some = subjects.filter(({ name }) => compared.has(name));
    for (let again = 2 * rounds; again <= 4 * rounds; again *= 2) {
      const open = verdicts.filter(({ outcome }) => outcome === "open");
      if (open.length === 0) break;
      onBegin(size, some.length * again);
      const longer = judge(measure(some, again, onStep, compared.has(CPP) ? beside : undefined), open, size);
      verdicts = verdicts.map((verdict) => (verdict.outcome === "open" ? (longer.shift() as Verdict) : verdict));
    }
    yield { size, results, verdicts };
  }
}

/** One round of the C++ yardstick. */
function roundOf(cpp: Program, size: number): ReturnType<Beside> {
  return new Map(cpp.measure(size, 1, P).subjects.map(({ name, times }) => [name, times[0] as number]));
}

/** The subjects with `filter` in their names, of those with bars if `barsOnly`, and those that they are compared with. */
function select(subjects: readonly Subject[], filter: string, barsOnly: boolean): Subject[] {
  const judged = new Set(BARS.map(({ subject }) => subject));
  const chosen = subjects.filter(({ name }) => name.toLowerCase().includes(filter.toLowerCase()) && (!barsOnly || judged.has(name)));
  if (chosen.length === 0) throw new NothingSelected(`--filter: nothing has ${JSON.stringify(filter)} in its name`);
  const names = new Set(chosen.flatMap(({ name, copy }) => [name, copy]));
  for (const { subject, against } of BARS) if (names.has(subject)) names.add(against);
  return subjects.filter(({ name }) => names.has(name));
}
