import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { HANG_MS } from "./test/support/limits.js";

/** Projects beside the unit tests, each with its files. What they need installed comes with `node scripts/install.mjs --tests`. */
const PROJECTS = {
  /** Examples of README and docstrings, against what is built. */
  docs: ["test/docs/examples.test.ts"],
  /** The adapter for TensorFlow.js on the backends that Node has. */
  tfjs: [
    "test/tfjs/{device,fused,graph-model,heap,layers,models,monte-carlo,operations,predict}.test.ts",
    "test/monte-carlo/tensors.test.ts",
  ],
  /** Monte-Carlo dropout of ONNX models, in both packages of ONNX Runtime and in a page. */
  onnx: ["test/onnx/**/*.test.ts"],
  /** Pages in browsers. */
  pages: ["test/docs/site.test.ts", "test/tfjs/{gpu,threads}.test.ts", "test/examples/{browser,transformer}-page.test.ts"],
  /** The packed package in build tools. */
  packaging: ["test/packaging/**/*.test.ts"],
  /** The packed package in every engine. */
  engines: ["test/engines/**/*.test.ts"],
  /** The examples that run in a terminal or in a Worker. */
  examples: ["test/examples/{distributed,edge-worker,frameworks,host-memory,mnist,train,transformer}.test.ts"],
  /** The benchmarks and the tools beside them. */
  bench: ["test/bench/**/*.test.ts", "test/tools/**/*.test.ts"],
} satisfies Record<string, readonly string[]>;

/** Projects that try the package as npm would publish it. */
const PACKED: readonly string[] = ["packaging", "engines"] satisfies (keyof typeof PROJECTS)[];

export default defineConfig({
  test: {
    // A third of the time is spent waiting for browsers and other programs: a machine of two cores runs three files at once.
    maxWorkers: Math.max(3, availableParallelism()),
    setupFiles: "test/support/equality.ts",
    testTimeout: HANG_MS,
    hookTimeout: HANG_MS,
    teardownTimeout: HANG_MS,
    projects: [
      // Whatever belongs to no other project: a new folder is tested without a line here.
      {
        extends: true,
        test: { name: "unit", include: ["test/**/*.test.ts"], exclude: ["**/node_modules/**", ...Object.values(PROJECTS).flat()] },
      },
      ...Object.entries(PROJECTS).map(([name, include]) => ({
        extends: true as const,
        test: { name, include, ...(PACKED.includes(name) && { globalSetup: "test/support/packed.ts" }) },
      })),
    ],
  },
});
