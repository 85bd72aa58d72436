// The parts over any number of processes and machines, by a queue in Redis (BullMQ). A part is a job, and its number is in the job's name: the same part
// can neither be added nor counted twice. A worker that dies stops to renew the lock of its job, which the queue then gives to another.

import { Queue, QueueEvents } from "bullmq";
import { join, partsOf } from "./parts.mjs";

/** @import { ConnectionOptions } from "bullmq" */
/** @import { Task } from "./parts.mjs" */

/** The name of the queue in Redis. */
export const QUEUE = "wasm-dropout-passes";

/** @param {ConnectionOptions} connection to Redis @returns {Queue} the queue, to look at; close() it */
export function openQueue(connection) {
  return new Queue(QUEUE, { connection });
}

/** Milliseconds after which a job whose worker is silent is given to another: longer than any pause of a live worker's event loop. */
export const LOCK_MS = 3000;

/** The time that Redis keeps the results of a run, which may be taken up again: a day. */
const KEPT_SECONDS = 24 * 60 * 60;

/** The most times that the job of a dead worker is given to another. */
export const MOST_DEATHS = 10;

/**
 * Adds the parts of a run to the queue, waits for their results, and merges them. Called again with the same `run`, after this process died, it goes on:
 * parts that are done stay done.
 *
 * @param {Task} task
 * @param {object} options
 * @param {ConnectionOptions} options.connection to Redis
 * @param {string} options.run name of the run, without ":"
 * @param {(done: number, all: number) => void} [options.onProgress] called after each part
 * @param {(worker: string, done: number) => void} [options.onPasses] called with the name of a worker and how many passes of its part it has done
 * @param {AbortSignal} [options.signal] ends the wait; jobs that nobody has begun are removed
 */
export async function inQueue(task, { connection, run, onProgress, onPasses, signal }) {
  const parts = partsOf(task);
  const queue = openQueue(connection);
  const events = new QueueEvents(QUEUE, { connection });
  const ids = parts.map(({ firstPass }) => `${run}-${firstPass}`);
  const open = new Set(ids);
  try {
    await events.waitUntilReady();
    const all = new Promise((resolve, reject) => {
      const settle = (/** @type {string} */ id) => {
        if (!open.delete(id)) return;
        onProgress?.(ids.length - open.size, ids.length);
        if (open.size === 0) resolve(undefined);
      };
      events.on("completed", ({ jobId }) => settle(jobId));
      events.on("failed", ({ jobId, failedReason }) => {
        if (open.has(jobId)) reject(new Error(`part ${jobId} failed: ${failedReason}`));
      });
      events.on("progress", ({ jobId, data }) => {
        const { worker, done } = /** @type {{ worker: string, done: number }} */ (data);
        if (open.has(jobId)) onPasses?.(worker, done);
      });
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      if (signal?.aborted) reject(signal.reason);
      // Jobs of an earlier call of this run keep their state, and those that ended send no event any more.
      addAll(queue, task, ids)
        .then((ended) => ended.forEach(settle))
        .catch(reject);
    });
    await all;
    const jobs = await Promise.all(ids.map((id) => queue.getJob(id)));
    return await join(
      task,
      jobs.map((job) => job?.returnvalue),
    );
  } finally {
    await Promise.all([...open].map((id) => queue.remove(id).catch(() => {})));
    await events.close();
    await queue.close();
  }
}

/**
 * @param {Queue} queue
 * @param {Task} task
 * @param {readonly string[]} ids
 * @returns {Promise<string[]>} the ids of the jobs that are done already
 */
async function addAll(queue, task, ids) {
  const parts = partsOf(task);
  await queue.addBulk(
    parts.map((part, i) => ({
      name: "part",
      data: { task, part },
      opts: { jobId: /** @type {string} */ (ids[i]), removeOnComplete: { age: KEPT_SECONDS }, removeOnFail: { age: KEPT_SECONDS } },
    })),
  );
  const states = await Promise.all(ids.map(async (id) => (await queue.getJob(id))?.getState()));
  return ids.filter((_, i) => states[i] === "completed");
}
