// The choices of the charts: which of the runs and of their results each shows.

import type { Group, Result, Run } from "../../bench/results.js";
import { formatDate, formatMachine } from "./figures.js";
import { PLAIN_NAMES } from "./names.js";

/** The kernels that people ask about first, and the plain multiplication beside them. */
export const MAIN: readonly string[] = [
  "tile_dropout_f32",
  "tile_dropout_f32 in place",
  "bits_apply_f32",
  "tile_mask_bits",
  "multiply_f32",
];

/** The size for comparing subjects: larger than a core's own caches, small enough to be quick everywhere. */
const USUAL_SIZE = 2 ** 20;

/** The name of each run: engine, version and build; where several are alike, also the date and, if they differ in it, the machine. */
export function labelsOf(runs: readonly Run[]): string[] {
  // The compilers and libraries behind native code fill lines; they stand beside the run's machine instead.
  const short = runs.map(({ engine: { name, version, build } }) => (name === "native" ? name : `${name} ${version}, ${build}`));
  const long = runs.map((run, i) => {
    const label = short[i] as string;
    if (isOnce(short, label)) return label;
    const alike = runs.filter((other, j) => short[j] === label && !isSameMachine(other, run));
    return `${label}, ${formatDate(run.date)}${alike.length > 0 ? `, ${formatMachine(run.machine)}` : ""}`;
  });
  return long.map((label, i) =>
    isOnce(long, label) ? label : `${label} (${long.slice(0, i + 1).filter((other) => other === label).length})`,
  );
}

function isOnce(labels: readonly string[], label: string): boolean {
  return labels.indexOf(label) === labels.lastIndexOf(label);
}

/** The run that measured the main kernels at the most sizes; the latest of several. */
export function mainRun(runs: readonly Run[]): Run | undefined {
  return mostCovering(runs, (run) => seriesOf(run, MAIN).flat().length);
}

/** The run for which `coverage` is largest, but not 0; the latest of several. */
function mostCovering(runs: readonly Run[], coverage: (run: Run) => number): Run | undefined {
  const ranked = runs.map((run) => ({ run, covered: coverage(run), time: Date.parse(run.date) })).filter(({ covered }) => covered > 0);
  return ranked.toSorted((a, b) => b.covered - a.covered || b.time - a.time)[0]?.run;
}

/** A result under its name in plain words. */
export interface Answer {
  readonly name: string;
  readonly result: Result;
}

/** The results that answer a user's question, from quick to slow: one dropout by this package and by its alternatives. All at one size. */
export function answersOf(runs: readonly Run[]): { run: Run; answers: Answer[] } | undefined {
  const run = mostCovering(runs, (one) => answersIn(one).length);
  return run && { run, answers: answersIn(run).toSorted((a, b) => a.result.nsPerElement - b.result.nsPerElement) };
}

function answersIn({ results }: Run): Answer[] {
  const named = results.flatMap((result): Answer[] => {
    const name = PLAIN_NAMES.get(result.name);
    return name === undefined ? [] : [{ name, result }];
  });
  const size = commonSize(named.map(({ result }) => result));
  return named.filter(({ result }) => result.size === size);
}

/** The results of each of `names` that was measured. */
export function seriesOf({ results }: Run, names: readonly string[]): Result[][] {
  return names.map((name) => results.filter((result) => result.name === name)).filter(({ length }) => length > 0);
}

/** The size at which there are most results; the nearest to the usual one if several are alike. */
export function commonSize(results: readonly Result[]): number | undefined {
  const counts = new Map<number, number>();
  for (const { size } of results) counts.set(size, (counts.get(size) ?? 0) + 1);
  const distance = (size: number) => Math.abs(Math.log2(size / USUAL_SIZE));
  return [...counts].toSorted(([a, m], [b, n]) => n - m || distance(a) - distance(b))[0]?.[0];
}

/** Tells if a run measured peers or native code. */
export function hasPeers({ results }: Run): boolean {
  return results.some(({ group }) => group === "peer" || group === "native");
}

/**
 * The results of a run with peers at one size, from quick to slow: theirs, ours, and the copies. Where it has nothing of ours, that is taken
 * from another run on the same machine, `lender`.
 */
export function peersOf(run: Run, runs: readonly Run[]): { results: Result[]; lender?: Run } {
  const theirs = run.results.filter(({ group }) => group === "peer" || group === "native");
  const size = commonSize(theirs);
  const at = ({ results }: Run) => results.filter((result) => result.size === size);
  const places = [run, ...runs.filter((other) => other !== run && isSameMachine(run, other))];
  const source = places.find((other) => at(other).some(isOurs));
  const ours = source === undefined ? [] : at(source).filter(isOurs);
  const shown = [...theirs.filter((result) => result.size === size), ...ours, ...at(run).filter(isYardstick)];
  const results = shown.toSorted((a, b) => a.nsPerElement - b.nsPerElement);
  return source === undefined || source === run ? { results } : { results, lender: source };
}

function isOurs({ name, group }: Result): boolean {
  return group === "api" || name === MAIN[0];
}

function isYardstick({ name, copy, group }: Result): boolean {
  return group === "reference" && name === copy;
}

function isSameMachine({ machine: a }: Run, { machine: b }: Run): boolean {
  return a.cpu === b.cpu && a.cores === b.cores && a.os === b.os;
}

/** A subject, with its variant at another p if there is one. */
export interface Pair {
  readonly result: Result;
  readonly variant?: Result;
}

const VARIANT = /, p = [\d.]+$/;

/** The results of kernels and the API at their common size, in the order of the run. */
export function pairsOf({ results }: Run): Pair[] {
  const groups: readonly Group[] = ["kernel", "api"];
  const size = commonSize(results);
  const here = results.filter((result) => result.size === size && groups.includes(result.group));
  const names = new Set(here.map(({ name }) => name));
  const isVariant = ({ name }: Result) => VARIANT.test(name) && names.has(name.replace(VARIANT, ""));
  return here
    .filter((result) => !isVariant(result))
    .map((result) => {
      const variant = here.find((other) => isVariant(other) && other.name.replace(VARIANT, "") === result.name);
      return variant === undefined ? { result } : { result, variant };
    });
}
