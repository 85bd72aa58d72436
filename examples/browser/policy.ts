// The rights of the pages that the examples serve.

/** Run own scripts, compile wasm, and no more. Sent as a header and written into the page, for hosts that send none. */
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

/** Vite's plugin that writes the policy into the page. */
export const policy = {
  name: "policy",
  transformIndexHtml: () => [
    { tag: "meta", attrs: { "http-equiv": "content-security-policy", content: POLICY }, injectTo: "head-prepend" as const },
  ],
};
