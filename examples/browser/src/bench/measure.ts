// Times contenders in rounds in which they take turns, so that what slows the machine for a while meets all alike.

import { summarise } from "../../../../bench/statistics.js";
import type { Contender } from "./contenders.js";
import type { Plan, Timing } from "./protocol.js";

/** Measures `contenders` over `n` elements, the first being what the others are compared with; calls `onRound` after each round. */
export function measure(
  contenders: readonly Contender[],
  n: number,
  { rounds, sampleMs }: Plan,
  onRound: (done: number) => void,
): Timing[] {
  const tasks = contenders.map(({ name, run }) => ({ name, run, calls: callsPerSample(run, sampleMs), times: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { run, calls, times } of tasks) {
      times.push(time(run, calls) / calls);
    }
    onRound(round + 1);
  }
  const copies = tasks[0]?.times ?? [];
  const nsPerMs = 1e6;
  return tasks.map(({ name, times }) => ({
    name,
    nsPerElement: (summarise(times).median * nsPerMs) / n,
    ratio: summarise(times.map((own, round) => own / (copies[round] ?? Number.NaN))).median,
  }));
}

/** Warms up `run`, and says how many calls last as long as a sample should. */
function callsPerSample(run: () => void, sampleMs: number): number {
  for (let calls = 1; ; calls *= 2) {
    const elapsed = time(run, calls);
    if (elapsed >= sampleMs) return Math.ceil((calls * sampleMs) / elapsed);
  }
}

/** Milliseconds that `calls` calls take. */
function time(run: () => void, calls: number): number {
  const begin = performance.now();
  for (let call = 0; call < calls; call++) run();
  return performance.now() - begin;
}
