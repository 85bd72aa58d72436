// Runs side by side, each in a process of its own, as tfjs uses one core.

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Task } from "./job.js";
import { type Outcome, readOutcome, type Status } from "./outcome.js";
import { nameOf, type Run } from "./settings.js";

const JOB = fileURLToPath(new URL("job.ts", import.meta.url));

/** The events of runs as they go on. */
export interface Listener {
  status(run: Run, status: Status): void;
  outcome(outcome: Outcome): void;
}

/**
 * The outcomes of `runs`, in their order, of which `width` are on at a time.
 *
 * @throws (rejects with) an Error if one fails, or the signal's reason; all processes have ended then
 */
export async function carryOutAll(
  runs: readonly Run[],
  directory: string,
  width: number,
  listener: Listener,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const waiting = [...runs];
  const work = async () => {
    for (let run = waiting.shift(); run !== undefined && !stop.aborted; run = waiting.shift()) {
      const current = run;
      await carryOutApart({ run, directory }, (status) => listener.status(current, status), stop);
      listener.outcome(readOutcome(run, directory));
    }
  };
  await Promise.all(Array.from({ length: width }, () => work().catch((error) => failed.abort(error))));
  stop.throwIfAborted();
  return runs.map((run) => readOutcome(run, directory));
}

function carryOutApart(task: Task, onStatus: (status: Status) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const job = fork(JOB, { execArgv: ["--import", "tsx"] });
    const kill = () => void job.kill();
    signal.addEventListener("abort", kill);
    job.on("message", onStatus);
    job.on("error", reject);
    job.on("exit", (code, by) => {
      signal.removeEventListener("abort", kill);
      if (code === 0) resolve();
      else reject(signal.aborted ? signal.reason : new Error(`${nameOf(task.run)}: its process ended with ${by ?? `exit code ${code}`}`));
    });
    job.send(task);
  });
}
