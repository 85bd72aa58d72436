// Times contenders in rounds in which they take turns, so that what slows the machine for a while meets all alike.

import { summarise } from "../../../../bench/statistics.js";
import type { Contender } from "./contenders.js";
import type { Plan, Timing } from "./protocol.js";

// A sample looks at the clock that often: seldom enough to cost nothing, often enough to notice when the engine has made the code faster.
const BATCHES = 4;

/** Measures `contenders` over `n` elements, the first being what the others are compared with; calls `onRound` after each round. */
export function measure(
  contenders: readonly Contender[],
  n: number,
  { rounds, sampleMs }: Plan,
  onRound: (done: number) => void,
): Timing[] {
  const tasks = contenders.map(({ name, run }) => ({ name, run, batch: warmUp(run, sampleMs), times: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { run, batch, times } of tasks) times.push(sample(run, batch, sampleMs));
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

/** Brings `run` to its speed; gives how many calls make a batch. */
function warmUp(run: () => void, sampleMs: number): number {
  for (let calls = 1; ; calls *= 2) {
    const begin = performance.now();
    repeat(run, calls);
    const elapsed = performance.now() - begin;
    if (elapsed >= sampleMs) return Math.ceil((calls * sampleMs) / elapsed / BATCHES);
  }
}

/** Milliseconds a call, of as many as last `sampleMs` at least. */
function sample(run: () => void, batch: number, sampleMs: number): number {
  const begin = performance.now();
  for (let calls = batch; ; calls += batch) {
    repeat(run, batch);
    const elapsed = performance.now() - begin;
    if (elapsed >= sampleMs) return elapsed / calls;
  }
}

function repeat(run: () => void, calls: number): void {
  for (let call = 0; call < calls; call++) run();
}
