// The parts over the threads of one process, in a pool of Piscina.

import { Piscina } from "piscina";
import { join, partsOf } from "./parts.mjs";

/** @import { Task } from "./parts.mjs" */

/**
 * Each thread takes one part after another. After a failure, or an abort, none takes a new one, and the parts that run are waited for: a thread that is
 * ended while it loads its modules may take the process with it, and the pool cannot place an answer that comes after the end.
 *
 * @param {Task} task
 * @param {object} [options]
 * @param {number} [options.threads]
 * @param {(done: number, all: number) => void} [options.onProgress] called after each part
 * @param {AbortSignal} [options.signal] ends the run
 */
export async function inThreads(task, { threads = 2, onProgress, signal } = {}) {
  const parts = partsOf(task);
  const count = Math.min(threads, parts.length);
  signal?.throwIfAborted();
  const pool = new Piscina({ filename: new URL("thread.mjs", import.meta.url).href, minThreads: count, maxThreads: count });
  const results = new Array(parts.length);
  let next = 0;
  let done = 0;
  async function takeParts() {
    try {
      while (next < parts.length) {
        signal?.throwIfAborted();
        const i = next++;
        results[i] = await pool.run({ task, part: parts[i] });
        onProgress?.(++done, parts.length);
      }
    } catch (error) {
      next = parts.length;
      throw error;
    }
  }
  try {
    const ends = await Promise.allSettled(Array.from({ length: count }, takeParts));
    const failed = ends.find(({ status }) => status === "rejected");
    if (failed !== undefined) throw /** @type {PromiseRejectedResult} */ (failed).reason;
    return await join(task, results);
  } finally {
    await pool.destroy();
  }
}
