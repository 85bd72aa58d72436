// Chromium, driven by Playwright.

import { chromium } from "playwright-core";
import type { Browser, Page } from "../browsers.js";
import { HANG_MS } from "../limits.js";
import { findProgram } from "./find.js";

// Without a sandbox, as CI runs as root; without what would try to reach the network in the background.
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts Chromium, with `more` arguments than all tests need; throws MissingBrowser if it is not installed. */
export async function openChromium(...more: readonly string[]): Promise<Browser> {
  const executablePath = findProgram("chromium", "chromium-browser", "google-chrome");
  const browser = await chromium.launch({ executablePath, args: [...ARGUMENTS, ...more], timeout: HANG_MS });
  return {
    name: "chromium",
    version: browser.version(),
    close: () => browser.close(),
    async newPage(): Promise<Page> {
      const page = await browser.newPage();
      page.setDefaultTimeout(HANG_MS);
      return {
        goto: async (url) => void (await page.goto(url)),
        evaluate: (body) => page.evaluate(`(async () => { ${body} })()`),
        screenshot: async (path) => void (await page.screenshot({ path })),
        resize: (width, height) => page.setViewportSize({ width, height }),
        press: (key) => page.keyboard.press(key),
        close: () => page.close(),
      };
    },
  };
}
