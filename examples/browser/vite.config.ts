// Builds the page, and serves what was built: only that, as Vite's development server needs inline styles, which the policy forbids.

import { defineConfig } from "vite";
import { POLICY, policy } from "./policy.js";

export default defineConfig({
  // Relative addresses, so that the page works wherever it is put.
  base: "./",
  // light-dark() stays as it is: what it would be rewritten to does not follow a change of color-scheme.
  build: { cssTarget: "esnext", outDir: "../../build/browser", emptyOutDir: true },
  worker: { format: "es" },
  preview: { host: "127.0.0.1", headers: { "content-security-policy": POLICY } },
  plugins: [policy],
});
