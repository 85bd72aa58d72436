// The backends of tfjs in Node, which finds their files among the packages.

import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import type { Backend } from "./settings.js";
import { startBackend } from "./start-backend.js";

/** Makes `name` the backend of this process. */
export async function useBackend(name: Backend): Promise<void> {
  await startBackend(name, dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm")) + sep);
}
