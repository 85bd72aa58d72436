// Builds the page, and serves what was built: only that, as Vite's development server needs inline styles, which the policy forbids.

import { defineConfig } from "vite";

/** The rights of the page: run its own scripts, compile wasm, and no more. Sent as a header and written into the page, for hosts that send none. */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export default defineConfig({
  // Relative addresses, so that the page works wherever it is put.
  base: "./",
  // light-dark() stays as it is: what it would be rewritten to does not follow a change of color-scheme.
  build: { cssTarget: "esnext", outDir: "../../build/browser", emptyOutDir: true },
  worker: { format: "es" },
  preview: { host: "127.0.0.1", headers: { "content-security-policy": POLICY } },
  plugins: [
    {
      name: "policy",
      transformIndexHtml: () => [
        { tag: "meta", attrs: { "http-equiv": "content-security-policy", content: POLICY }, injectTo: "head-prepend" as const },
      ],
    },
  ],
});
