// npm run bench:page: the same benchmark in a page, in real browsers, headless.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { BROWSERS, type BrowserName, MissingBrowser, openBrowser } from "../../test/support/browsers.js";
import { serve } from "../../test/support/static-server.js";
import { parseCommandLine, readRounds, readSizes, runCommand, UsageError } from "../command-line.js";
import { storeRun } from "../machine.js";
import type { Result, Verdict } from "../results.js";
import type { Found } from "../session.js";
import { formatSize, formatTable } from "../terminal.js";
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

type Options = ReturnType<typeof readOptions>;

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

/** Measures in a browser and stores the results; throws MissingBrowser. */
async function measureIn(name: BrowserName, url: string, { sizes, filter, rounds, scalar, json }: Options): Promise<void> {
  const browser = await openBrowser(name);
  try {
    const page = await browser.newPage();
    await page.goto(`${url}/index.html`);
    const engine = { name: NAMES[name], version: browser.version, build: scalar ? "scalar" : "simd" };
    console.log(`\n${engine.name} ${engine.version}, ${engine.build} build`);
    const results: Result[] = [];
    const bars: Verdict[] = [];
    for (const size of sizes) {
      const request: Request = { size, filter, rounds, scalar };
      const found = await page.evaluate<Found>(`return measureSize(${JSON.stringify(request)})`);
      console.log(`\n${formatSize(found.size)} elements\n${formatTable(found.results, found.verdicts)}`);
      results.push(...found.results);
      bars.push(...found.verdicts);
    }
    const path = join(json, `results-${name}.json`);
    storeRun(path, engine, { rounds, results, bars });
    console.log(`\nResults: ${path}`);
  } finally {
    await browser.close();
  }
}

async function run(options: Options): Promise<void> {
  const outDir = mkdtempSync(join(tmpdir(), "bench-page-"));
  await build({ root: fileURLToPath(new URL(".", import.meta.url)), base: "./", configFile: false, logLevel: "error", build: { outDir } });
  const server = await serve(outDir, { headers: ISOLATED });
  try {
    for (const name of options.browsers) {
      try {
        await measureIn(name, server.url, options);
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

await runCommand(USAGE, readOptions, run);
