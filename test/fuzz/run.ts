// `npm run fuzz -- --seed 1 --seconds 60`: cases until the time is up; `--cases 1000` runs so many, `--case 17` that one; with
// `--javascript`, of kernels in JavaScript. Exits with 1 if any failed.

import { parseArgs } from "node:util";
import { runCase } from "./fuzz.js";
import { makeWorld } from "./world.js";

const MOST_FAILURES = 20;
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seconds: { type: "string" },
    cases: { type: "string" },
    case: { type: "string" },
    javascript: { type: "boolean" },
  },
});
const numberOf = (name: "seed" | "seconds" | "cases" | "case", standard: number) => {
  const number = values[name] === undefined ? standard : Number(values[name]);
  if (!(number >= 0)) throw new RangeError(`--${name} expected a number of at least 0, got ${values[name]}`);
  return number;
};
const seed = numberOf("seed", Date.now() % 2 ** 32);
const single = values.case === undefined ? undefined : numberOf("case", 0);
const first = single ?? 0;
const last = single === undefined ? numberOf("cases", Number.POSITIVE_INFINITY) : first + 1;
const end = performance.now() + 1000 * (last < Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : numberOf("seconds", 60));
const world = await makeWorld(values.javascript);
let failures = 0;
let index = first;
for (; index < last && performance.now() < end && failures < MOST_FAILURES; ++index) {
  try {
    await runCase(world, seed, index);
  } catch (error) {
    ++failures;
    const { message } = error as Error;
    console.error(single === undefined ? message.split("\n").slice(0, 2).join("\n") : message);
  }
}
console.log(`seed ${seed}: ${index - first} cases, ${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;
