// The number of calls of an invocation, by a clock of the test's own.

import { afterEach, expect, it, vi } from "vitest";
import { warmUp } from "../../bench/measure.js";

const CALL_MS = 0.0001;
/** The step of the clock of a page that is not isolated from others. */
const TICK_MS = 0.1;
const INVOCATION_MS = 5;

afterEach(() => void vi.restoreAllMocks());

it.each([
  ["each call takes as long", []],
  ["the first call is slow", [0]],
  ["a pause falls into the warm-up and into the invocation after it", [2, 300]],
])("an invocation takes many ticks of the clock where %s", (_, pauses) => {
  let now = 0;
  let calls = 0;
  vi.spyOn(performance, "now").mockImplementation(() => Math.floor(now / TICK_MS) * TICK_MS);
  const call = () => {
    now += CALL_MS + (pauses.includes(calls++) ? 20 : 0);
  };
  const count = warmUp(call, INVOCATION_MS, 1);
  expect(count * CALL_MS).toBeGreaterThanOrEqual(INVOCATION_MS / 2);
  expect(count * CALL_MS).toBeLessThanOrEqual(4 * INVOCATION_MS);
});
