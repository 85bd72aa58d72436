// The distributed example: however its parts are computed, the prediction is that of one process to the bit. On a real Redis, with workers that are
// killed in the middle of a part.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { createDropout } from "wasm-dropout";
import { type ClassPrediction, createMonteCarlo } from "wasm-dropout/monte-carlo";
import { modelOf, moons, train } from "../../examples/distributed/network.mjs";
import { compute, inOneProcess, join, partsOf } from "../../examples/distributed/parts.mjs";
import { inQueue, openQueue } from "../../examples/distributed/queue.mjs";
import { connectionTo, startRedis } from "../../examples/distributed/redis.mjs";
import { inThreads } from "../../examples/distributed/threads.mjs";
import { endWorkers, startWorkers } from "../../examples/distributed/workers.mjs";
import { missing } from "../support/missing.js";

const SEED = 11;
const PASSES = 330;
const PART_PASSES = 40;
const installed = spawnSync("redis-server", ["--version"]).status === 0;

let task: Parameters<typeof inOneProcess>[0];
let expected: ClassPrediction;
let redis: Awaited<ReturnType<typeof startRedis>> | undefined;

beforeAll(async () => {
  const { x } = moons();
  task = { weights: await train(SEED), points: x.flat(), seed: SEED, passes: PASSES, partPasses: PART_PASSES };
  expected = await inOneProcess(task);
  if (installed) redis = await startRedis();
});

afterAll(async () => {
  await redis?.stop();
});

/** The address of Redis; ends the test where there is none. */
function address(context: TestContext): string {
  return redis?.address ?? missing(context, "redis-server", "it is not installed");
}

/** The bits of all numbers of a prediction. */
function bitsOf(prediction: ClassPrediction): unknown {
  return Object.entries(prediction).map(([key, value]) =>
    value instanceof Float64Array ? [key, ...new BigUint64Array(value.buffer, value.byteOffset, value.length)] : [key, value],
  );
}

function expectSame(actual: ClassPrediction): void {
  expect(bitsOf(actual)).toEqual(bitsOf(expected));
}

describe("parts", () => {
  it("have every pass once, in order", () => {
    for (const [passes, partPasses] of [
      [1, 1],
      [7, 3],
      [9, 3],
      [5, 100],
    ] as const) {
      const all = partsOf({ passes, partPasses }).flatMap(({ firstPass, passes: count }) =>
        Array.from({ length: count }, (_, i) => firstPass + i),
      );
      expect(all).toEqual(Array.from({ length: passes }, (_, i) => i));
    }
    for (const bad of [0, -1, 1.5, Number.NaN, "3"]) {
      expect(() => partsOf({ passes: bad as number, partPasses: 1 })).toThrow('"passes" expected integer of at least 1');
      expect(() => partsOf({ passes: 1, partPasses: bad as number })).toThrow('"partPasses" expected integer of at least 1');
    }
  });

  it("are merged to the prediction of a run in one, to rounding", async () => {
    const monteCarlo = await createMonteCarlo(await createDropout());
    const { seed, passes, points } = task;
    const options = { seed, passes, samples: points.length / 2, classes: 2, output: "logits" } as const;
    const whole = await monteCarlo.predict(modelOf(task.weights), Float64Array.from(points), options);
    expect(expected.ranges).toEqual([[0, PASSES]]);
    expect(expected.votes).toEqual(whole.votes);
    for (const key of ["mean", "variance", "predictiveEntropy", "mutualInformation"] as const) {
      whole[key].forEach((value, i) => {
        expect(Math.abs((expected[key][i] as number) - value)).toBeLessThanOrEqual(1e-12);
      });
    }
    expect(Math.max(...expected.variance)).toBeGreaterThan(1e-3);
  });

  it("are the same in any order, and refused if one is missing or came twice", async () => {
    const results = await Promise.all(partsOf(task).map((part) => compute(task, part)));
    expectSame(await join(task, results.toReversed()));
    await expect(join(task, results.slice(1))).rejects.toThrow(`expected ${PASSES} passes`);
    await expect(join(task, [...results, results[0] as ClassPrediction])).rejects.toThrow("passes that those before do not have");
  });
});

describe("threads", () => {
  it("give the bits of one process, and tell of each part", async () => {
    const told: number[] = [];
    expectSame(await inThreads(task, { threads: 3, onProgress: (done) => told.push(done) }));
    expect(told).toEqual(partsOf(task).map((_, i) => i + 1));
  });

  it("end at a signal, and hand on errors", async () => {
    await expect(inThreads(task, { signal: AbortSignal.abort() })).rejects.toThrow();
    // Several times: answers of other threads that come after the end would be errors that nobody handles.
    for (let k = 0; k < 3; ++k) await expect(inThreads({ ...task, seed: -1 }, { threads: 4 })).rejects.toThrow('"seed" expected');
    const controller = new AbortController();
    const stopped: number[] = [];
    const onProgress = (done: number) => {
      stopped.push(done);
      controller.abort(new Error("enough"));
    };
    await expect(inThreads(task, { signal: controller.signal, onProgress })).rejects.toThrow("enough");
    expect(stopped.length).toBeLessThan(partsOf(task).length);
  });
});

describe("a queue in Redis", () => {
  it("gives the bits of one process though workers are killed in the middle of parts", async (context) => {
    const at = address(context);
    const connection = connectionTo(at);
    const long = { ...task, passes: 8 * 300, partPasses: 300 };
    const workers = startWorkers(3, at);
    const queue = openQueue(connection);
    const told: number[] = [];
    let killed = 0;
    let busy = false;
    /** Kills a worker if it is amid a part. It is stopped first, so that the part cannot end between the look and the kill. */
    async function kill(worker: string): Promise<void> {
      const { process: child } = workers.get(worker) as NonNullable<ReturnType<typeof workers.get>>;
      const amid = async () => (await queue.getActive()).some(({ processedBy }) => processedBy === worker);
      child.kill("SIGSTOP");
      // The second answer comes after all that the worker had sent before it was stopped.
      const active = (await amid()) && (await amid());
      child.kill(active ? "SIGKILL" : "SIGCONT");
      killed += Number(active);
    }
    try {
      const result = await inQueue(long, {
        connection,
        run: "killed",
        onProgress: (done) => told.push(done),
        onPasses(worker) {
          if (busy || killed === 2) return;
          busy = true;
          void kill(worker).finally(() => {
            busy = false;
          });
        },
      });
      expect(bitsOf(result)).toEqual(bitsOf(await inOneProcess(long)));
      expect(told).toEqual(partsOf(long).map((_, i) => i + 1));
      const jobs = await queue.getCompleted();
      const own = jobs.filter(({ id }) => id?.startsWith("killed-"));
      expect(own).toHaveLength(partsOf(long).length);
      // Each worker that was killed left a part behind, which another began anew.
      expect(killed).toBeGreaterThan(0);
      expect(own.reduce((sum, { attemptsStarted }) => sum + attemptsStarted - 1, 0)).toBeGreaterThanOrEqual(killed);
    } finally {
      await queue.close();
      await endWorkers(workers);
    }
  });

  it("goes on where a run was left: parts that are done stay done", async (context) => {
    const at = address(context);
    const connection = connectionTo(at);
    const workers = startWorkers(1, at);
    const queue = openQueue(connection);
    const controller = new AbortController();
    try {
      const left = inQueue(task, {
        connection,
        run: "left",
        signal: controller.signal,
        onProgress: () => controller.abort(new Error("left")),
      });
      await expect(left).rejects.toThrow("left");
      const done = (await queue.getCompleted()).filter(({ id }) => id?.startsWith("left-"));
      expect(done.length).toBeGreaterThan(0);
      expectSame(await inQueue(task, { connection, run: "left" }));
      // All are done now: no worker is needed.
      await endWorkers(workers);
      expectSame(await inQueue(task, { connection, run: "left" }));
      for (const { id, attemptsStarted } of done)
        expect([id, (await queue.getJob(id as string))?.attemptsStarted]).toEqual([id, attemptsStarted]);
    } finally {
      await queue.close();
      await endWorkers(workers);
    }
  });

  it("names a part that fails", async (context) => {
    const at = address(context);
    const workers = startWorkers(1, at);
    try {
      const bad = { ...task, seed: -1 };
      await expect(inQueue(bad, { connection: connectionTo(at), run: "bad" })).rejects.toThrow(/^part bad-\d+ failed: "seed" expected/);
    } finally {
      await endWorkers(workers);
    }
  });
});

describe("the program", () => {
  it("runs as the README says", (context) => {
    address(context);
    const { status, stdout, stderr } = spawnSync("node", ["all.mjs", "200"], {
      cwd: fileURLToPath(new URL("../../examples/distributed", import.meta.url)),
      encoding: "utf8",
      env: { ...process.env, REDIS_URL: undefined },
    });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout.match(/the same, bit for bit/g)).toHaveLength(3);
  });
});
