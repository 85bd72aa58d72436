// A call that is refused: what it throws, for tests of the kind and the words of it.

import { expect } from "vitest";

/** Expects `act` to throw an error of `type`, and to say `message`. */
export function expectRefusal(act: () => unknown, type: typeof TypeError | typeof RangeError, message: string): void {
  let error: unknown;
  try {
    act();
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(type);
  expect((error as Error).message).toBe(message);
}
