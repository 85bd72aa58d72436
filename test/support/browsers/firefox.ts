// Firefox, driven by Puppeteer over WebDriver BiDi.

import puppeteer, { type KeyInput } from "puppeteer-core";
import type { Browser, Page } from "../browsers.js";
import { HANG_MS } from "../limits.js";
import { findProgram } from "./find.js";

export async function openFirefox(): Promise<Browser> {
  const executablePath = findProgram("firefox-esr", "firefox");
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath,
    headless: true,
    timeout: HANG_MS,
    protocolTimeout: HANG_MS,
  });
  return {
    name: "firefox",
    version: (await browser.version()).replace(/^\D*/, ""),
    close: () => browser.close(),
    async newPage(): Promise<Page> {
      const page = await browser.newPage();
      page.setDefaultTimeout(HANG_MS);
      page.setDefaultNavigationTimeout(HANG_MS);
      return {
        goto: async (url) => void (await page.goto(url)),
        evaluate: <T>(body: string) => page.evaluate(`(async () => { ${body} })()`) as Promise<T>,
        screenshot: async (path) => void (await page.screenshot({ path: path as `${string}.png` })),
        resize: (width, height) => page.setViewport({ width, height }),
        press: (key) => page.keyboard.press(key as KeyInput),
        close: () => page.close(),
      };
    },
  };
}
