// The process of a run, which the command forks: is sent a run, and sends how far it is. It ends with the command, whatever ends that.

import { useBackend } from "./backend.js";
import { carryOut, type Status } from "./outcome.js";
import type { Run } from "./settings.js";

/** The message that starts a job. */
export interface Task {
  readonly run: Run;
  readonly directory: string;
}

process.once("message", async ({ run, directory }: Task) => {
  try {
    await useBackend(run.backend);
    await carryOut(run, directory, (status: Status) => process.send?.(status));
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
  process.exit();
});
// An interruption from the keyboard is for the command, which ends this process.
process.on("SIGINT", () => {});
process.once("disconnect", () => process.exit(1));
