// Errors of refused calls, for tests of their kind and message.

import { expect } from "vitest";

/** Returns the error that `act` throws; undefined if there is none. */
export function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Expects `act` to throw an error of `type`, and to say `message`. */
export function expectRefusal(act: () => unknown, type: typeof TypeError | typeof RangeError, message: string): void {
  const error = thrownBy(act);
  expect(error).toBeInstanceOf(type);
  expect((error as Error).message).toBe(message);
}
