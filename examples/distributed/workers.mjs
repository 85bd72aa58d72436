// Processes that work on the queue.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** @import { ChildProcess } from "node:child_process" */

/**
 * Starts `count` workers.
 *
 * @param {number} count
 * @param {string} address of Redis
 * @returns {Map<string, { process: ChildProcess, ended: Promise<unknown> }>} by their names
 */
export function startWorkers(count, address) {
  const file = fileURLToPath(new URL("worker.mjs", import.meta.url));
  const workers = Array.from({ length: count }, () => {
    const child = spawn(process.execPath, [file], { env: { ...process.env, REDIS_URL: address }, stdio: ["ignore", "ignore", "inherit"] });
    return /** @type {const} */ ([`${child.pid}`, { process: child, ended: new Promise((resolve) => child.once("close", resolve)) }]);
  });
  return new Map(workers);
}

/**
 * Ends workers, those in the middle of a part too.
 *
 * @param {ReturnType<typeof startWorkers>} workers
 */
export async function endWorkers(workers) {
  for (const { process: child } of workers.values()) child.kill("SIGKILL");
  await Promise.all([...workers.values()].map(({ ended }) => ended));
}
