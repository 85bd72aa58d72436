// axe-core's rules of accessibility on pages in a browser.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, type TestContext } from "vitest";
import { ifInstalled, MissingBrowser, openBrowser, type Page } from "./browsers.js";
import { missing } from "./missing.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Expects no violation of all rules, or of those of `runOnly`, outside of the elements of `exclude`. */
export async function expectAccessible(page: Page, { exclude, ...options }: { exclude?: string; runOnly?: readonly string[] } = {}) {
  const context = exclude === undefined ? "document" : JSON.stringify({ exclude: [[exclude]] });
  const found = await page.evaluate<string[]>(`if (!globalThis.axe) { ${AXE} }
    const { violations } = await axe.run(${context}, ${JSON.stringify(options)});
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ": " + target.join(" ") + " " + failureSummary));`);
  expect(found).toEqual([]);
}

/** Expects no violation and no scrolling sideways of a document without scripts, on a phone and on a desk, in light and in dark. */
export async function expectDocumentAccessible(html: string, testContext: TestContext): Promise<void> {
  const browser = await ifInstalled(openBrowser("chromium"));
  if (browser instanceof MissingBrowser) return missing(testContext, "Chromium", browser.message);
  try {
    const page = await browser.newPage();
    for (const [width, scheme] of [
      [390, "light"],
      [1280, "dark"],
    ] as const) {
      await page.resize(width, 844);
      const inScheme = html.replaceAll("prefers-color-scheme: dark", scheme === "dark" ? "min-width: 0" : "max-width: 0");
      await page.evaluate(`document.open(); document.write(${JSON.stringify(inScheme)}); document.close();
        delete globalThis.axe;`);
      const { over, dark } = await page.evaluate<{ over: number; dark: boolean }>(`
        const { scrollWidth, clientWidth } = document.documentElement;
        const [red] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number);
        return { over: scrollWidth - clientWidth, dark: red < 128 };`);
      expect([width, over, dark]).toEqual([width, 0, scheme === "dark"]);
      await expectAccessible(page);
    }
  } finally {
    await browser.close();
  }
}
