// Dropout on GPUs, measured in a page of Chromium, headless: its software does the work where there is no GPU, and ratios are of that.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { summarise } from "../../bench/statistics.js";
import { formatSize } from "../../bench/terminal.js";
import { openChromium } from "../../test/support/browsers/chromium.js";
import { ifInstalled, MissingBrowser } from "../../test/support/browsers.js";
import { serve } from "../../test/support/static-server.js";
import type { PageTimes } from "./page.js";

/** The most time as a share of tf.dropout's, and the size it holds at. */
export const GPU_BARS = { webgl: 0.4, webgpu: 0.15 } as const;
export type GpuBackend = keyof typeof GPU_BARS;
const BAR_SIZE = 2 ** 20;

/** The measurements on a backend: lines of a table, and whether each bar that applies is met. */
export interface GpuOutcome {
  readonly rows: readonly (readonly string[])[];
  readonly outcomes: readonly boolean[];
}

/** Measures forward dropout on both backends; throws MissingBrowser without Chromium. */
export async function measureGpus(
  sizes: readonly number[],
  rounds: number,
  p: number,
  onStart: (what: string) => void,
): Promise<GpuOutcome> {
  const directory = mkdtempSync(join(tmpdir(), "bench-tfjs-"));
  const rows = [["backend", "elements", "tf.dropout, ms", "wasm-dropout, ms", "share", "bar", "device"]];
  const outcomes: boolean[] = [];
  try {
    const entry = fileURLToPath(new URL("page.ts", import.meta.url));
    await build({ entryPoints: [entry], bundle: true, format: "esm", outfile: join(directory, "page.js"), logLevel: "error" });
    writeFileSync(join(directory, "index.html"), '<!doctype html><meta charset="utf-8" /><script type="module" src="./page.js"></script>');
    const server = await serve(directory);
    const browser = await ifInstalled(openChromium("--enable-unsafe-webgpu"));
    try {
      if (browser instanceof MissingBrowser) throw browser;
      const page = await browser.newPage();
      await page.goto(`${server.url}/index.html`);
      for (const backend of ["webgl", "webgpu"] as const) {
        for (const size of sizes) {
          onStart(`${backend}, ${formatSize(size)} elements`);
          const times = await page.evaluate<PageTimes | null>(`return measureGpu(${JSON.stringify(backend)}, ${size}, ${rounds}, ${p})`);
          if (times === null) throw new Error(`the backend ${backend} does not start in Chromium ${browser.version}`);
          const [tfjs, ours] = [times.tfjs, times.ours].map((all) => summarise(all).median) as [number, number];
          const share = ours / tfjs;
          const met = share <= GPU_BARS[backend];
          if (size === BAR_SIZE) outcomes.push(met);
          const bar = size === BAR_SIZE ? `at most ${GPU_BARS[backend]}: ${met ? "met" : "MISSED"}` : "";
          rows.push([backend, formatSize(size), tfjs.toFixed(1), ours.toFixed(1), share.toFixed(3), bar, times.device.slice(0, 60)]);
        }
      }
    } finally {
      if (!(browser instanceof MissingBrowser)) await browser.close();
      await server.close();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return { rows, outcomes };
}
