// Ends a test that the machine lacks something for: it fails where everything has been installed, else it says loudly that it did not run.

import type { TestContext } from "vitest";

/** Throws in CI; elsewhere skips the test and says so. */
export function missing(context: TestContext, what: string, reason: string): never {
  if (process.env.CI) throw new Error(`${what} is missing: ${reason}`);
  console.warn(`\n*** NOT RUN on this machine: ${context.task.name} (${what}: ${reason})\n`);
  return context.skip(`${what}: ${reason}`) as never;
}
