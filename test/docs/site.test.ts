// The documentation site as it is built: every entry has its page, links lead somewhere, nothing is loaded from elsewhere, and its pages pass axe in a
// browser at two widths and in both schemes.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PICTURES } from "../../docs/site/pictures/draw.mjs";
import { ENTRIES } from "../../modules.mjs";
import { expectAccessible } from "../support/axe.js";
import { type Browser, ifInstalled, MissingBrowser, openBrowser, type Page } from "../support/browsers.js";
import { missing } from "../support/missing.js";
import { serve } from "../support/static-server.js";
import { until } from "../support/until.js";
import { blocksOf } from "./pages.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const built = join(root, "build/site");

/** A page of each sort, of which colours are those of the theme: checked at each width in each scheme. */
const SORTS = ["index", "start/node", "concepts/streams", "migrate", "reference/noise"];

/** Further pages, which take axe long: checked at each width. */
const MORE = ["guides/transformers", "api", "performance", "playground"];

let pages: ReadonlyMap<string, string>;

beforeAll(() => {
  execFileSync(process.execPath, [join(root, "docs/site/build.mjs")], { stdio: ["ignore", "ignore", "inherit"] });
  const paths = readdirSync(built, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".html"));
  pages = new Map(paths.map((path) => [path.replaceAll("\\", "/"), readFileSync(join(built, path), "utf8")]));
});

const attributes = (html: string, name: string) =>
  [...html.matchAll(new RegExp(`<[^>]* ${name}="([^"]*)"`, "g"))].map(([, value]) => `${value}`);

it("has a page of the reference for every entry, and a way to it", () => {
  for (const { subpath, source, plain } of ENTRIES) {
    const page = `reference/${source.replace(/\/index$/, "")}.html`;
    const name = `wasm-dropout${subpath === "" ? "" : `/${subpath}`}`;
    // Entries in JavaScript export what another does: its page names them.
    expect(pages.get(page), subpath).toMatch(new RegExp(plain ? `<code>${name}</code> exports the same` : `<h1[^>]*>${name} <`));
    expect(pages.get("api.html")).toContain(`href="/${page}"`);
  }
});

it("has every page of docs/, with a way to it", () => {
  for (const name of readdirSync(join(root, "docs")).filter((path) => path.endsWith(".md"))) {
    expect(pages.get("start/node.html"), name).toContain(`href="/${name.replace(/md$/, "html")}"`);
  }
});

it("links lead to pages and headings that exist", () => {
  const broken: string[] = [];
  for (const [path, html] of pages) {
    for (const link of [...attributes(html, "href"), ...attributes(html, "src")]) {
      if (/^(https?|data|mailto):/.test(link)) continue;
      const [target = "", heading = ""] = link.replace(/\?.*?(?=#|$)/, "").split("#");
      const file =
        target === "" ? path : target.startsWith("/") ? target.slice(1) || "index.html" : posix.join(posix.dirname(path), target);
      const found = pages.get(file);
      // Places in the playground's address are what it shows, not headings.
      const inPage = heading === "" || file.startsWith("playground/") || found?.includes(`id="${decodeURIComponent(heading)}"`);
      if (!existsSync(join(built, file)) || !inPage) broken.push(`${path}: ${link}`);
    }
  }
  expect(pages.size).toBeGreaterThan(30);
  expect(broken).toEqual([]);
});

it("loads nothing from elsewhere", () => {
  const files = readdirSync(built, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".css"));
  const loaded = [
    ...[...pages].flatMap(([path, html]) =>
      [...html.matchAll(/<(?:link|script|img|iframe)[^>]* (?:href|src)="((?:https?:)?\/\/[^"]*)"/g)].map(
        ([, address]) => `${path}: ${address}`,
      ),
    ),
    ...files.flatMap((path) => readFileSync(join(built, path), "utf8").match(/(?:@import|url\()\s*["']?(?:https?:)?\/\/[^)"']*/g) ?? []),
  ];
  expect(loaded).toEqual([]);
});

it("pictures show what the package draws: node docs/site/pictures/draw.mjs writes them", () => {
  for (const { name, svg } of PICTURES) {
    expect(readFileSync(join(root, `docs/site/pictures/${name}.svg`), "utf8") === svg, name).toBe(true);
  }
});

describe("in a browser", () => {
  let browser: Browser | MissingBrowser;
  let server: Awaited<ReturnType<typeof serve>>;
  beforeAll(async () => {
    browser = await ifInstalled(openBrowser("chromium"));
    // VitePress sets the scheme by a script in the page; style attributes are those of pictures and code.
    const policy =
      "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";
    server = await serve(built, { headers: { "content-security-policy": policy } });
  });
  afterAll(async () => {
    await server?.close();
    if (!(browser instanceof MissingBrowser)) await browser?.close();
  });

  const check = (page: Page, runOnly?: readonly string[]) => expectAccessible(page, { exclude: "iframe", ...(runOnly && { runOnly }) });

  // Each width by all rules in one scheme; in the other, what depends on the scheme.
  const SETTINGS = [
    { width: 390, scheme: "light", more: [...MORE, "reference/core"] },
    { width: 390, scheme: "dark", rules: ["color-contrast"] },
    { width: 1280, scheme: "light", rules: ["color-contrast"] },
    { width: 1280, scheme: "dark", more: [...MORE, "ports"] },
  ];

  it.for(SETTINGS)(
    "pages pass axe, fit, and load nothing from elsewhere: $width px, $scheme",
    async ({ width, scheme, rules, more }, context) => {
      if (browser instanceof MissingBrowser) return missing(context, "Chromium", browser.message);
      const page = await browser.newPage();
      await page.resize(width, 844);
      await page.goto(`${server.url}/index.html`);
      await page.evaluate(`localStorage.setItem("vitepress-theme-appearance", "${scheme}")`);
      for (const name of [...SORTS, ...(more ?? [])]) {
        await page.goto(`${server.url}/${name}.html`);
        const state = await page.evaluate<Record<string, unknown>>(`
        await new Promise((resolve) => setTimeout(resolve));
        const { scrollWidth, clientWidth, classList } = document.documentElement;
        const origins = performance.getEntriesByType("resource").map(({ name }) => new URL(name).origin);
        return { over: scrollWidth - clientWidth, dark: classList.contains("dark"), elsewhere: origins.filter((origin) => origin !== location.origin) }`);
        expect([name, state]).toEqual([name, { over: 0, dark: scheme === "dark", elsewhere: [] }]);
        await check(page, rules);
      }
      await page.close();
    },
  );

  it("finds what is searched for", async (context) => {
    if (browser instanceof MissingBrowser) return missing(context, "Chromium", browser.message);
    const page = await browser.newPage();
    await page.resize(1280, 844);
    await page.goto(`${server.url}/index.html`);
    // Again until the page's script answers.
    await until(
      page,
      `document.querySelector(".VPNavBarSearch button").click();
      return document.querySelector(".VPLocalSearchBox input") !== null;`,
    );
    await page.evaluate(`
      const input = document.querySelector(".VPLocalSearchBox input");
      input.value = "reserveStream";
      input.dispatchEvent(new Event("input"));`);
    const found = await until<string[]>(
      page,
      `const results = [...document.querySelectorAll(".VPLocalSearchBox .result")];
      return results.length > 0 && results.map(({ href }) => new URL(href).pathname);`,
    );
    expect(found.some((path) => path.startsWith("/concepts/states"))).toBe(true);
    await check(page);
    await page.close();
  });

  it("the playground runs within its page", async (context) => {
    if (browser instanceof MissingBrowser) return missing(context, "Chromium", browser.message);
    const page = await browser.newPage();
    await page.goto(`${server.url}/playground.html`);
    const checksum = await until<string>(
      page,
      `const frame = document.querySelector("iframe.playground");
      const shown = frame?.contentDocument?.documentElement;
      return shown && frame.offsetHeight >= shown.scrollHeight && shown.querySelector("#checksum")?.textContent;`,
    );
    expect(checksum).toMatch(/^[0-9a-f]{8}$/);
    await page.close();
  });

  it("pages without a bundler work as the site shows them", async (context) => {
    if (browser instanceof MissingBrowser) return missing(context, "Chromium", browser.message);
    const directory = mkdtempSync(join(tmpdir(), "wasm-dropout-site-"));
    const linked = {
      "wasm-dropout": ".",
      "@tensorflow/tfjs-core": "",
      "@tensorflow/tfjs-layers": "",
      "@tensorflow/tfjs-backend-cpu": "test",
    };
    for (const [name, folder] of Object.entries(linked)) {
      const path = join(directory, "node_modules", name);
      mkdirSync(dirname(path), { recursive: true });
      symlinkSync(join(root, folder, folder === "." ? "" : `node_modules/${name}`), path);
    }
    const blocks = blocksOf("docs/site/pages/start/page.md", "html");
    blocks.forEach((code, i) => {
      writeFileSync(join(directory, `${i}.html`), code);
    });
    const host = await serve(directory);
    const page = await browser.newPage();
    try {
      for (const i of blocks.keys()) {
        await page.goto(`${host.url}/${i}.html`);
        const text = await until<string>(
          page,
          `const text = document.body?.textContent.trim() ?? "";
          return !text.includes("{") && text;`,
        );
        const values = text.split(" ").map(Number);
        expect(values.length).toBe(8);
        for (const value of values) expect([0, 2]).toContain(value);
      }
    } finally {
      await page.close();
      await host.close();
      rmSync(directory, { recursive: true });
    }
  });
});
