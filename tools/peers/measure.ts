// Times calls that may be asynchronous, and may fail, in rounds as ../measure.ts does. What fails is left out; the others go on.

import { Bench } from "tinybench";
import { leastInvocation, medianOf, ROUND, repeat, Timings, WARMUP_MS, warmUp } from "../../bench/measure.js";

/** One thing to time. */
export interface Timed {
  readonly name: string;
  /** Returns a promise if it is asynchronous. */
  readonly call: () => unknown;
  readonly asynchronous: boolean;
  /** Called before one or more calls. */
  readonly enter?: (() => Promise<unknown>) | undefined;
}

/** Measures `subjects` in `rounds` rounds; calls `onTask` after each subject of each round, and `onFailure` once for each that failed. */
export async function measure(
  subjects: readonly Timed[],
  rounds: number,
  onTask: () => void,
  onFailure: (name: string, error: unknown) => void,
): Promise<Timings> {
  const bench = new Bench(ROUND);
  const repeats = new Map<string, number>();
  const leave = (name: string, error: unknown) => {
    repeats.delete(name);
    bench.remove(name);
    onFailure(name, error);
  };
  const invocationMs = leastInvocation();
  for (const { name, call, asynchronous, enter } of subjects) {
    try {
      await enter?.();
      const count = asynchronous ? await warmUpAsync(call) : warmUp(call, invocationMs);
      repeats.set(name, count);
      const options = { async: asynchronous, ...(enter && { beforeAll: async () => void (await enter()) }) };
      bench.add(name, asynchronous ? call : () => repeat(call, count), options);
    } catch (error) {
      leave(name, error);
    }
  }
  bench.addEventListener("cycle", onTask);
  const measured: Map<string, number>[] = [];
  for (let round = 0; round < rounds; ++round) {
    // A task that has a result is not run again.
    bench.reset();
    const times = new Map<string, number>();
    for (const task of await bench.run()) {
      if (task.result.state === "errored") leave(task.name, task.result.error);
      else times.set(task.name, medianOf(task) / (repeats.get(task.name) as number));
    }
    measured.push(times);
  }
  return new Timings(measured);
}

/** Brings an asynchronous call to its final speed; one lasts long enough not to be repeated, as it waits for a turn of the event loop. */
async function warmUpAsync(call: () => unknown): Promise<number> {
  const start = performance.now();
  while (performance.now() - start < WARMUP_MS) await call();
  return 1;
}
