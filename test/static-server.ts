// A folder over HTTP, for pages that browsers open in tests: Vite's server of finished files, without its rewriting of what is not found.

import { preview } from "vite";

/** Serves `directory`, each response with `headers`, on a free port of this machine only. */
export async function serve(
  directory: string,
  { headers = {} }: { headers?: Record<string, string> } = {},
): Promise<{ url: string; close(): Promise<void> }> {
  const server = await preview({
    configFile: false,
    root: directory,
    appType: "mpa",
    build: { outDir: "." },
    logLevel: "error",
    preview: { host: "127.0.0.1", port: 0, headers },
  });
  const [url] = server.resolvedUrls?.local ?? [];
  if (url === undefined) throw new Error("the server has no address");
  return { url: url.replace(/\/$/, ""), close: () => server.close() };
}
