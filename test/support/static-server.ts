// A folder over HTTP, for pages that browsers open in tests: Vite's server of finished files, without its fallback for files that are not found.

import { preview } from "vite";

/** Serves `directory`, each response with `headers`, style sheets after `styleMs` milliseconds, on a free port of this machine only. */
export async function serve(
  directory: string,
  { headers = {}, styleMs = 0 }: { headers?: Record<string, string>; styleMs?: number } = {},
): Promise<{ url: string; close(): Promise<void> }> {
  const server = await preview({
    configFile: false,
    root: directory,
    appType: "mpa",
    build: { outDir: "." },
    logLevel: "error",
    plugins: [
      {
        name: "late style sheets",
        configurePreviewServer({ middlewares }) {
          middlewares.use(({ url }, _, next) => (url?.includes(".css") ? void setTimeout(next, styleMs) : next()));
        },
      },
    ],
    preview: { host: "127.0.0.1", port: 0, headers },
  });
  const [url] = server.resolvedUrls?.local ?? [];
  if (url === undefined) throw new Error("the server has no address");
  return { url: url.replace(/\/$/, ""), close: () => server.close() };
}
