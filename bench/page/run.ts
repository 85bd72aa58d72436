// npm run bench:page: the same benchmark in a page, in real browsers, headless.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { BROWSERS, type BrowserName, MissingBrowser, openBrowser } from "../../test/browsers.js";
import { serve } from "../../test/static-server.js";
import type { Verdict } from "../bars.js";
import { parseCommandLine, readRounds, readSizes, UsageError } from "../command-line.js";
import { MACHINE, VERSION } from "../machine.js";
import { formatSize, formatTable } from "../report.js";
import { FORMAT, type Result, type Run } from "../results.js";
import type { Found } from "../session.js";
import type { Request } from "./page.js";

const USAGE = `Measures every kernel and the API in real browsers, headless.

npm run bench:page -- [options]
  --browser a,b   of ${BROWSERS.join(", ")} (default all)
  --size 12,16    sizes, as powers of two of elements, 4 to 26 (default 12,16,20)
  --filter text   only what has text in its name, and what that is compared with
  --rounds N      rounds to take medians over (default 7)
  --json folder   where to write results-<browser>.json (default bench)
  --scalar        the scalar build instead of the SIMD one
  --help          this text`;

// A page that is isolated from others gets a finer clock (HTML, "cross-origin isolation"; High Resolution Time, section 7.1).
const ISOLATED = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
const NAMES: Record<BrowserName, string> = { chromium: "Chromium", firefox: "Firefox", webkit: "WebKit" };

function readOptions(args: string[]) {
  const { browser, size, rounds, ...rest } = parseCommandLine({
    args,
    options: {
      browser: { type: "string", default: BROWSERS.join(",") },
      size: { type: "string", default: "12,16,20" },
      filter: { type: "string", default: "" },
      rounds: { type: "string", default: "7" },
      json: { type: "string", default: fileURLToPath(new URL("..", import.meta.url)) },
      scalar: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  }).values;
  const browsers = browser.split(",").map((name) => {
    const known = BROWSERS.find((one) => one === name);
    if (known === undefined) throw new UsageError(`--browser expected ${BROWSERS.join(" or ")}, got ${JSON.stringify(name)}`);
    return known;
  });
  return { ...rest, browsers, sizes: readSizes(size), rounds: readRounds(rounds) };
}

async function measureIn(name: BrowserName, url: string, requests: readonly Request[]): Promise<Run & { bars: Verdict[] }> {
  const browser = await openBrowser(name);
  try {
    const page = await browser.newPage();
    await page.goto(`${url}/index.html`);
    const engine = { name: NAMES[name], version: browser.version, build: requests[0]?.scalar ? "scalar" : "simd" };
    console.log(`\n${engine.name} ${engine.version}, ${engine.build} build`);
    const results: Result[] = [];
    const bars: Verdict[] = [];
    for (const request of requests) {
      const found = await page.evaluate<Found>(`return measureSize(${JSON.stringify(request)})`);
      console.log(`\n${formatSize(found.size)} elements\n${formatTable(found.results, found.verdicts)}`);
      results.push(...found.results);
      bars.push(...found.verdicts);
    }
    const date = new Date().toISOString();
    return { format: FORMAT, version: VERSION, date, machine: MACHINE, engine, rounds: requests[0]?.rounds ?? 0, results, bars };
  } finally {
    await browser.close();
  }
}

async function run({ browsers, sizes, filter, rounds, scalar, json }: ReturnType<typeof readOptions>): Promise<void> {
  const outDir = mkdtempSync(join(tmpdir(), "bench-page-"));
  await build({ root: fileURLToPath(new URL(".", import.meta.url)), base: "./", configFile: false, logLevel: "error", build: { outDir } });
  const server = await serve(outDir, { headers: ISOLATED });
  const requests = sizes.map((size): Request => ({ size, filter, rounds, scalar }));
  try {
    for (const name of browsers) {
      try {
        const path = join(json, `results-${name}.json`);
        writeFileSync(path, `${JSON.stringify(await measureIn(name, server.url, requests), undefined, 2)}\n`);
        console.log(`\nResults: ${path}`);
      } catch (error) {
        if (!(error instanceof MissingBrowser)) throw error;
        console.error(`\n*** NOT MEASURED: ${NAMES[name]}: ${error.message}`);
        process.exitCode = 1;
      }
    }
  } finally {
    await server.close();
    rmSync(outDir, { recursive: true });
  }
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) console.log(USAGE);
  else await run(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
