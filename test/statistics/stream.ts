// `npm run stream`: writes a stream as raw bytes to standard output.

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { runCommand, UsageError } from "../../bench/command-line.js";
import { createDropout } from "../../src/core/index.js";
import { createNoise } from "../../src/noise/index.js";
import { bytesOf } from "./bytes.js";
import { type Options, readOptions, USAGE } from "./options.js";

async function run(options: Options): Promise<void> {
  if (process.stdout.isTTY) throw new UsageError("standard output is a terminal: pipe the bytes into a program or a file");
  if (process.env.npm_lifecycle_event === "stream" && process.env.npm_config_loglevel !== "silent") {
    console.error("npm has written lines of its own in front of the bytes: leave them out with npm run --silent stream");
  }
  const dropout = await createDropout({ seed: options.seed });
  const noise = await createNoise(dropout);
  try {
    await pipeline(Readable.from(bytesOf(dropout, noise, options, options.bytes), { objectMode: false }), process.stdout, { end: false });
  } catch (error) {
    // A battery closes the pipe when it has read enough.
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  }
}

await runCommand(USAGE, readOptions, run);
