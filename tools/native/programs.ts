// The native programs: the needs of each, its preparation, and its times.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Missing, type Program, planOf, prepareCpp, read, run } from "../../bench/cpp/program.js";

/** All of them; compiled files go to `directory`. */
export function preparePrograms(directory: string): (Program | Missing)[] {
  return [prepareCpp(directory), preparePython("numpy"), preparePython("torch")];
}

function preparePython(library: "numpy" | "torch"): Program | Missing {
  // Debian's packages belong to its own Python, which need not be the first in PATH.
  const tried = ["python3", "/usr/bin/python3"].map((python) => ({ python, reason: whyNot(python, library) }));
  const found = tried.find(({ reason }) => reason === undefined);
  if (found === undefined) return new Missing(library, tried.map(({ python, reason }) => `${python}: ${reason}`).join("; "));
  const script = fileURLToPath(new URL(`${library}_dropout.py`, import.meta.url));
  return {
    name: library,
    // -B: no compiled files beside the sources.
    measure: (size, rounds, p) => read(run(found.python, ["-B", script, `${size}`, `${p}`, ...planOf(rounds)])),
  };
}

/** The reason why `python` cannot use `library`; undefined if it can. Looks for it without the seconds that loading takes. */
function whyNot(python: string, library: string): string | undefined {
  const find = `import importlib.util; print(importlib.util.find_spec("${library}") is not None)`;
  const { error, status, stdout, stderr } = spawnSync(python, ["-c", find], { encoding: "utf8" });
  if (error) return "not installed";
  if (status !== 0) return `does not run: ${stderr.trim().split("\n").at(-1)}`;
  return stdout.trim() === "True" ? undefined : `no module ${library}`;
}
