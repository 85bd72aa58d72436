// The connection to Redis: to a server that runs already, or to one that is started for this program and ends with it.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** @import { ConnectionOptions } from "bullmq" */

/**
 * @param {string} address a URL, or the path of a socket
 * @returns {ConnectionOptions}
 */
export function connectionTo(address) {
  const place = address.startsWith("/") ? { path: address } : { url: address };
  // BullMQ demands it of workers, which wait for jobs as long as it takes.
  return { ...place, maxRetriesPerRequest: null };
}

/**
 * Starts a Redis of its own, on a socket in a new folder, in memory only.
 *
 * @returns {Promise<{ address: string, stop: () => Promise<void> }>}
 * @throws {Error} if redis-server is not installed or does not start
 */
export async function startRedis() {
  const folder = await mkdtemp(join(tmpdir(), "wasm-dropout-redis-"));
  const address = join(folder, "redis.sock");
  const server = spawn("redis-server", ["--port", "0", "--unixsocket", address, "--save", "", "--appendonly", "no", "--dir", folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => server.once("close", resolve));
  try {
    await new Promise((resolve, reject) => {
      server.once("error", ({ message }) => reject(new Error(`redis-server does not start: ${message}`)));
      ended.then((code) => reject(new Error(`redis-server ended with ${code}`)));
      let output = "";
      server.stdout.on("data", (text) => {
        output += text;
        if (output.includes("ready to accept connections")) resolve(undefined);
      });
    });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  const stop = async () => {
    server.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  return { address, stop };
}
