import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // A third of the time is spent waiting for browsers and other programs: a machine of two cores runs two files at once.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    globalSetup: "test/support/packed.ts",
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
