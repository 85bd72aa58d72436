// The command line of the counts.

import { parseCommandLine, UsageError } from "../../bench/command-line.js";
import { MODULES as TABLE } from "../../modules.mjs";

const MODULES = TABLE.map(({ name }) => name);

export const USAGE = `Counts the instructions of the kernels' hot loops in the machine code that V8 makes of them, and of the C++ yardstick.

npm run bench:code -- [options]
  --module name   ${MODULES.join(", ")} or all (default core)
  --filter text   only kernels with text in their names
  --markdown      the table as Markdown
  --help          this text

Needs x86-64 and objdump of binutils.`;

/** The options of the command line. */
export interface Options {
  readonly modules: readonly (typeof MODULES)[number][];
  readonly filter: string;
  readonly markdown: boolean;
  readonly help: boolean;
}

/** Reads the command line; throws {@link UsageError}. */
export function readOptions(args: string[]): Options {
  const { module, ...rest } = parseCommandLine({
    args,
    options: {
      module: { type: "string", default: "core" },
      filter: { type: "string", default: "" },
      markdown: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  }).values;
  const modules = MODULES.filter((name) => module === "all" || module === name);
  if (modules.length === 0) throw new UsageError(`--module expected ${MODULES.join(", ")} or all, got ${JSON.stringify(module)}`);
  return { modules, ...rest };
}
