// The site's settings. Navigation to the reference follows from the table of modules.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { REFERENCE } from "../reference.mjs";
import { SECTIONS } from "../sections.mjs";

const at = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const source = at("build/site-source");

/** Pages of docs/ that no section names, by their titles: a new page is found without an edit here. */
function others() {
  const known = SECTIONS.flatMap(({ items }) => items.map(({ link }) => link));
  return readdirSync(source)
    .filter((name) => name.endsWith(".md") && !["index.md", "contributing.md", "security.md"].includes(name))
    .map((name) => ({ name, link: `/${name.slice(0, -3)}` }))
    .filter(({ link }) => !known.includes(link))
    .map(({ name, link }) => ({ text: /^# (.*)$/m.exec(readFileSync(join(source, name), "utf8"))?.[1] ?? name, link }));
}

/** The anchor of a heading as repositories' hosts make it, so that links between pages work there and here. */
const slugify = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{Letter}\p{Number}_\- ]/gu, "")
    .trim()
    .replaceAll(" ", "-");

export default defineConfig({
  title: "wasm-dropout",
  description: "Dropout for JavaScript machine learning: a WebAssembly SIMD core, exact probabilities, the same bits on every engine.",
  lang: "en",
  // The folder of the site on its host, such as "/wasm-dropout/".
  base: process.env.SITE_BASE ?? "/",
  srcDir: source,
  outDir: at("build/site"),
  cacheDir: at("build/site-cache"),
  cleanUrls: false,
  metaChunk: true,
  head: [
    ["meta", { name: "color-scheme", content: "light dark" }],
    ["link", { rel: "icon", type: "image/svg+xml", href: `${process.env.SITE_BASE ?? "/"}icon.svg` }],
  ],
  markdown: {
    anchor: { slugify },
    headers: { slugify },
    toc: { slugify },
    // Indented code is shown as fenced code is: it scrolls where it is wider than the page.
    config: (md) =>
      void md.core.ruler.push("indented code", ({ tokens }) => {
        for (const token of tokens) if (token.type === "code_block") Object.assign(token, { type: "fence", info: "txt", tag: "code" });
      }),
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
  },
  themeConfig: {
    outline: { level: [2, 4], label: "On this page" },
    search: { provider: "local", options: { detailedView: true } },
    nav: [
      { text: "Start", link: "/start/node" },
      { text: "Guides", link: "/guides/training" },
      { text: "Reference", link: "/api" },
      { text: "Playground", link: "/playground" },
    ],
    sidebar: [
      ...SECTIONS,
      ...(others().length > 0 ? [{ text: "More", items: others() }] : []),
      { text: "Reference by entry", items: REFERENCE.map(({ name, page }) => ({ text: name, link: `/${page}` })) },
    ],
    docFooter: { prev: "Before", next: "Next" },
    footer: { message: "MIT licence" },
  },
  vite: { logLevel: "warn" },
});
