// The work of the allocator with very many holes, counted as executed blocks of its code and not as time.

import { Session } from "node:inspector";
import { describe, expect, it } from "vitest";
import { Allocator } from "../../src/ground/allocator.js";

interface Coverage {
  readonly result: { url: string; functions: { ranges: { count: number; startOffset: number; endOffset: number }[] }[] }[];
}

/** Returns how often the blocks of the allocator's code run in `act`. */
function workOf(act: () => void): number {
  const session = new Session();
  session.connect();
  let work = 0;
  const post = (method: string, params: object, done?: (result: Coverage) => void) =>
    session.post(method, params, (error: Error | null, result?: object) => {
      if (error) throw error;
      done?.(result as Coverage);
    });
  post("Profiler.enable", {});
  post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  act();
  post("Profiler.takePreciseCoverage", {}, ({ result }) => {
    for (const { url, functions } of result) {
      if (url.includes("ground/allocator")) for (const { ranges } of functions) for (const { count } of ranges) work += count;
    }
  });
  post("Profiler.stopPreciseCoverage", {});
  session.disconnect();
  return work;
}

/** An allocator with so many holes of 64 bytes between blocks that stay. */
function withHoles(holes: number): Allocator {
  const allocator = new Allocator();
  allocator.extend(0, 2 ** 30);
  const blocks = Array.from({ length: 2 * holes }, () => allocator.take(64));
  for (let k = 0; k < blocks.length; k += 2) allocator.release(blocks[k] as number);
  return allocator;
}

describe("the allocator", () => {
  it("does hardly more work with 50,000 holes than with 500", () => {
    const work = [500, 50_000].map((holes) => {
      const allocator = withHoles(holes);
      return workOf(() => {
        for (let k = 0; k < 100; ++k) {
          // One that fits a hole, and one that fits none.
          for (const bytes of [64, 4096]) {
            if (allocator.shortage(bytes, 2 ** 30) !== 0) throw new Error("no room");
            allocator.release(allocator.take(bytes));
          }
        }
      });
    }) as [number, number];
    expect(work[0]).toBeGreaterThan(200);
    // A search of all holes takes a hundred times the work.
    expect(work[1]).toBeLessThan(8 * work[0]);
  });
});
