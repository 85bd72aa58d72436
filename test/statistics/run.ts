// `npm run statistics`: prints the farthest deviate of each statistic and source; exits with 1 unless the package is fair and the control is not.

import { createDropout } from "../../src/core/index.js";
import { createNoise } from "../../src/noise/index.js";
import { KINDS } from "../support/oracle.js";
import { verdict } from "../support/stats.js";
import { BOUND, MASK_STATISTICS, NORMAL_STATISTICS, normalSource, type Statistic, worst } from "./battery.js";
import { laneSource, packageSource, unscrambled } from "./sources.js";

/** Prints a line for each statistic; returns what is wrong with each that is not fair. */
function report<S extends { readonly name: string }>(source: S, statistics: readonly Statistic<S>[]): string[] {
  return statistics.flatMap(({ name, zs }) => {
    const deviates = zs(source);
    const found = verdict(deviates, BOUND);
    const row = [source.name.padEnd(12), name.padEnd(24), `${deviates.length}`.padStart(6), worst(deviates).toFixed(2).padStart(10)];
    console.log(`${row.join("  ")}  ${found === "fair" ? "fair" : "NOT FAIR"}`);
    return found === "fair" ? [] : [`${source.name}, ${name}: ${found}`];
  });
}

const dropout = await createDropout({ seed: 1 });
const noise = await createNoise(dropout);
console.log(["source".padEnd(12), "statistic".padEnd(24), "number".padStart(6), "farthest".padStart(10)].join("  "));
const wrong = [
  ...KINDS.flatMap((kind) => report(packageSource(dropout, kind), MASK_STATISTICS)),
  ...report(normalSource(noise), NORMAL_STATISTICS),
];
console.log("\nThe control, xoshiro128 without its scramblers, has to fail:");
const control = report(laneSource("unscrambled", unscrambled), MASK_STATISTICS);
if (control.length === 0) wrong.push("the control is fair: the battery cannot tell a linear generator");
if (wrong.length > 0) {
  console.error(`\n${wrong.join("\n")}`);
  process.exitCode = 1;
}
