// The page of the transformer as it is served: it trains in workers with the bits of Node, stopped or not, and is kept by the browser.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { POLICY } from "../../examples/browser/policy.js";
import { useBackend } from "../../examples/mnist/train/backend.js";
import { readPages } from "../../examples/transformer/pages.js";
import { conclusion, NAMES } from "../../examples/transformer/report.js";
import { type Point, readSettings, settingsOf, usual, VARIANTS, type Variant } from "../../examples/transformer/settings.js";
import { train } from "../../examples/transformer/training.js";
import { expectAccessible } from "../support/axe.js";
import { type Browser, ifInstalled, MissingBrowser, openBrowser, type Page } from "../support/browsers.js";
import { missing } from "../support/missing.js";
import { serve } from "../support/static-server.js";
import { noteTrouble } from "../support/trouble.js";
import { until } from "../support/until.js";

const PROBE = `
globalThis.part = (id) => document.getElementById(id);
globalThis.enter = (id, value) => {
  part(id).value = value;
  part(id).dispatchEvent(new Event("input", { bubbles: true }));
};
const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
// Returns the state that the browser keeps of a training, as base64.
globalThis.kept = async (variant) => {
  const database = await done(indexedDB.open("wasm-dropout transformer"));
  const state = await done(database.transaction("states").objectStore("states").get(variant));
  database.close();
  return state && btoa(Array.from(state, (byte) => String.fromCharCode(byte)).join(""));
};
globalThis.rows = () => [...document.querySelectorAll("#losses tr")].map(({ cells }) => [...cells].map(({ textContent }) => textContent));
`;

let directory: string;
let server: Awaited<ReturnType<typeof serve>>;
let browser: Browser | MissingBrowser;
let page: Page;

beforeAll(async () => {
  browser = await ifInstalled(openBrowser("chromium"));
  if (browser instanceof MissingBrowser) return;
  directory = mkdtempSync(join(tmpdir(), "wasm-dropout-transformer-"));
  const configFile = fileURLToPath(new URL("../../examples/transformer/page/vite.config.ts", import.meta.url));
  await build({ configFile, logLevel: "error", build: { outDir: directory } });
  noteTrouble(directory, PROBE);
  server = await serve(directory, { headers: { "content-security-policy": POLICY } });
  page = await browser.newPage();
});
afterAll(async () => {
  if (browser !== undefined && !(browser instanceof MissingBrowser)) await browser.close();
  await server?.close();
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
});
beforeEach(async (context) => {
  if (browser instanceof MissingBrowser) missing(context, "chromium", browser.message);
  await visit();
});

async function visit(): Promise<void> {
  await page.goto(`${server.url}/index.html?tiny`);
  await until(page, "return !part('main').hidden || !part('failure').hidden");
}
const words = (id: string) => page.evaluate<string>(`return part("${id}").textContent`);

it("trains with the bits of Node, though it was stopped and left", async () => {
  expect(await words("start")).toBe("Train");
  // Stopped as soon as there is a point of the curve, with what the workers say after it still to come.
  await page.evaluate(`const seen = new Promise((resolve) => new MutationObserver((_, observer) => {
      observer.disconnect();
      part("stop").click();
      resolve();
    }).observe(part("losses"), { childList: true }));
    part("start").focus();
    part("start").click();
    if (document.activeElement !== part("stop")) trouble.push("focus is lost");
    await seen;`);
  expect([await words("status"), await words("start")]).toEqual(["Stopped.", "Continue"]);
  const rows = await page.evaluate<string[][]>("return rows()");
  expect(rows.map(([name]) => name)).toEqual(VARIANTS.map((variant) => NAMES[variant]));
  expect(rows.map(([, step]) => step).sort()).toEqual(["", "2"]);
  await until(page, `return (await kept("with")) ?? (await kept("without"))`);

  await visit();
  expect(await words("start")).toBe("Continue");
  await page.evaluate(`part("start").click()`);
  await until(page, `return !part("status").textContent.startsWith("Training")`);
  expect([await words("status"), await page.evaluate("return trouble")]).toEqual(["Done.", []]);

  await useBackend("wasm");
  const settings = readSettings(usual(true), true);
  const curves: Record<Variant, readonly Point[]> = { with: [], without: [] };
  for (const variant of VARIANTS) {
    let [state, sample] = [new Uint8Array(), ""];
    const store = {
      read: async () => undefined,
      write: async (given: Uint8Array) => {
        state = Uint8Array.from(given);
      },
    };
    curves[variant] = await train(settingsOf(settings, variant), readPages(), store, (news) => {
      if (news.type === "end") ({ sample } = news);
    });
    // All of it: settings, places in the sequences of masks, losses, weights and moments. It is read after the page's writes, as the database orders them.
    expect(await page.evaluate(`return kept("${variant}")`)).toBe(Buffer.from(state).toString("base64"));
    expect(await page.evaluate(`return [...document.querySelectorAll("#samples pre")].map((text) => text.textContent)`)).toContain(sample);
  }
  expect(await words("conclusion")).toBe(conclusion(curves));
  const loss = (value: number | undefined) => value?.toFixed(3);
  expect(await page.evaluate("return rows().map(([, ...row]) => row)")).toEqual(
    VARIANTS.map((variant) => {
      const last = curves[variant].at(-1);
      return ["6", loss(last?.training), loss(last?.validation), loss(Math.min(...curves[variant].map(({ validation }) => validation)))];
    }),
  );
  // A line of each loss of each network.
  const lines = `return [...document.querySelectorAll("#chart text")].map((text) => text.textContent).filter((text) => text.includes("dropout")).sort()`;
  expect(await page.evaluate(lines)).toEqual(
    VARIANTS.flatMap((variant) => [`training, ${NAMES[variant]}`, `validation, ${NAMES[variant]}`]).sort(),
  );
  expect(await words("chart")).toContain("Validation loss with dropout after step 6: ");
  for (const [width, dark] of [
    [390, false],
    [1280, true],
  ] as const) {
    await page.resize(width, 844);
    const over = await page.evaluate<number>(`
      for (const { cssRules } of ${dark} ? document.styleSheets : []) for (const rule of cssRules) if (rule.media?.mediaText.includes("dark")) rule.media.mediaText = "all";
      document.documentElement.style.colorScheme = "${dark ? "dark" : "light"}";
      return document.documentElement.scrollWidth - document.documentElement.clientWidth;`);
    expect([width, over]).toEqual([width, 0]);
    await expectAccessible(page);
  }
});

it("says which setting is wrong, offers to go on only where that is the same training, and starts again", async () => {
  await page.evaluate(`enter("rate", "1.5")`);
  const rate = `return [part("rate-error").textContent, part("rate").getAttribute("aria-invalid")]`;
  expect(await page.evaluate(rate)).toEqual(['rate expected number in (0, 1), got "1.5"', "true"]);
  await page.evaluate(`part("start").click()`);
  expect(await page.evaluate(`return [part("stop").disabled, part("status").textContent]`)).toEqual([true, ""]);
  await page.evaluate(`enter("rate", "0.3")`);
  expect(await page.evaluate(rate)).toEqual(["", null]);
  expect([await words("start"), await page.evaluate(`return part("again").hidden`)]).toEqual(["Train", true]);
  await page.evaluate(`enter("rate", "0.2")`);
  expect([await words("start"), await page.evaluate(`return part("again").hidden`)]).toEqual(["Continue", false]);
  // Steps are done before there is a point: points that were kept come before any step.
  const first = await page.evaluate<number>(`const seen = new Promise((resolve) => new MutationObserver((_, observer) => {
      observer.disconnect();
      part("stop").click();
      resolve(part("progress").value);
    }).observe(part("losses"), { childList: true }));
    part("again").click();
    return await seen;`);
  expect(first).toBeGreaterThan(0);
  expect(await page.evaluate("return trouble")).toEqual([]);
});
