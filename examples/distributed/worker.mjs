// A worker of the queue: a process of its own, on this machine or another. Started with the address of Redis in REDIS_URL, it works until it is ended.

import { Worker } from "bullmq";
import { compute } from "./parts.mjs";
import { LOCK_MS, MOST_DEATHS, QUEUE } from "./queue.mjs";
import { connectionTo } from "./redis.mjs";

const address = process.env["REDIS_URL"];
if (address === undefined)
  throw new Error("REDIS_URL expected the address of Redis, such as redis://127.0.0.1:6379, or the path of its socket");

const name = `${process.pid}`;
const worker = new Worker(QUEUE, (job) => compute(job.data.task, job.data.part, (done) => job.updateProgress({ worker: name, done })), {
  connection: connectionTo(address),
  name,
  lockDuration: LOCK_MS,
  stalledInterval: LOCK_MS / 2,
  maxStalledCount: MOST_DEATHS,
});
// Without a listener the loss of a connection or of a lock would end the process; the queue deals with both.
worker.on("error", ({ message }) => console.error(message));

process.once("SIGTERM", async () => {
  // The part at hand is finished first.
  await worker.close();
  process.exit(0);
});
