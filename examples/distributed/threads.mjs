// The parts over the threads of one process, in a pool of Piscina.

import { Piscina } from "piscina";
import { join, partsOf } from "./parts.mjs";

/** @import { Task } from "./parts.mjs" */

/**
 * @param {Task} task
 * @param {object} [options]
 * @param {number} [options.threads]
 * @param {(done: number, all: number) => void} [options.onProgress] called after each part
 * @param {AbortSignal} [options.signal] ends the run
 */
export async function inThreads(task, { threads = 2, onProgress, signal } = {}) {
  const parts = partsOf(task);
  const pool = new Piscina({ filename: new URL("thread.mjs", import.meta.url).href, minThreads: threads, maxThreads: threads });
  try {
    let done = 0;
    const results = await Promise.all(
      parts.map(async (part) => {
        const result = await pool.run({ task, part }, signal === undefined ? {} : { signal });
        onProgress?.(++done, parts.length);
        return result;
      }),
    );
    return await join(task, results);
  } finally {
    await pool.destroy();
  }
}
