// npm run site: the documentation site in build/site. Its pages are those of docs/ and of pages/, put together in build/site-source with links between
// them as they are in the repository, the reference of every entry from its docstrings, and the page of examples/browser.
// With --dev: serves the site and follows changes of the pages.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { build, createServer } from "vitepress";
import { reference } from "./reference.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const site = join(root, "docs/site");
const source = join(root, "build/site-source");

/** Pages of the repository beside docs/, with their places on the site. */
// Not changelog.md: npm packs files of that name wherever they lie.
const OTHERS = new Map([
  ["CHANGELOG.md", "changes.md"],
  ["CONTRIBUTING.md", "contributing.md"],
  ["SECURITY.md", "security.md"],
  ["README.md", "index.md"],
]);

/** Files that a page of the site shows, with that page. */
const SHOWN = new Map([
  ["docs/reference.ts", "ports.md#typescript"],
  ["docs/normal-reference.ts", "ports.md#normal-numbers-in-typescript"],
  ["docs/order-reference.ts", "ports.md#order-in-typescript"],
  ["docs/ports/keep_streams.py", "ports.md#python"],
  ["docs/ports/keep_streams.c", "ports.md#c"],
  ["docs/ports/keep-streams.wgsl", "ports.md#wgsl"],
  ["docs/ports/normal_stream.py", "ports.md#normal-numbers-in-python"],
]);

/** All pages: the path in the repository, and on the site. */
function pages() {
  const markdown = (/** @type {string} */ folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .map((path) => path.replaceAll("\\", "/"))
      .filter((path) => path.endsWith(".md") && !path.includes("site/"));
  return new Map([
    ...[...OTHERS].filter(([, place]) => place !== "index.md"),
    ...markdown("docs").map((path) => /** @type {const} */ ([`docs/${path}`, path])),
    ...markdown("docs/site/pages").map((path) => /** @type {const} */ ([`docs/site/pages/${path}`, path])),
  ]);
}

/**
 * A page as it stands on the site: pictures and files of code are part of it.
 *
 * @param {string} path in the repository
 * @param {ReadonlyMap<string, string>} known
 */
function forSite(path, known) {
  const from = posix.dirname(path);
  const text = readFileSync(join(root, path), "utf8")
    .replaceAll(/^!\[(.*)\]\((\S+\.svg)\)$/gm, (_, alternative, target) => figure(posix.join(from, target), alternative))
    .replaceAll(/^\[(\S+)\]: # "example"$/gm, (_, target) => example(posix.join(from, target)))
    .replaceAll(/^\[(\S+)\]: # "file"$/gm, (_, target) => code(posix.join(from, target)));
  return withLinks(text, from, known);
}

/**
 * Markdown of a page in the folder `from`, whose links lead to pages of the site, those to other files of the repository being their names.
 *
 * @param {string} text
 * @param {string} from
 * @param {ReadonlyMap<string, string>} known
 */
function withLinks(text, from, known) {
  return text.replaceAll(/(?<!!)\[([^\]]*)\]\((?![a-z]+:|#)([^)#\s]+)(#[^)]*)?\)/g, (_, words, target, heading = "") => {
    const path = posix.join(from, target);
    const shown = SHOWN.get(path);
    if (shown !== undefined) return `[${words}](/${shown})`;
    const place = known.get(path) ?? OTHERS.get(path);
    if (place !== undefined) return `[${words}](/${place}${heading})`;
    return words.startsWith("`") ? words : `${words} (\`${path}\`)`;
  });
}

/** @param {string} path @param {string} alternative */
function figure(path, alternative) {
  const svg = readFileSync(join(root, path), "utf8");
  if (!svg.includes('class="sketch"')) {
    const name = posix.basename(path);
    write(`public/${name}`, svg);
    return `<figure class="chart"><img src="/${name}" alt="${alternative.replaceAll('"', "&quot;")}"></figure>`;
  }
  // Without its own style: it is that of the page. In a line of its own, which Markdown leaves as it is.
  return `<figure class="sketch" v-pre>${svg.replace(/<style>.*<\/style>\n/s, "").replaceAll("\n", "")}</figure>`;
}

/** @param {string} path */
function code(path) {
  const language = posix.extname(path).slice(1);
  return `\`\`\`${language}\n${readFileSync(join(root, path), "utf8")}\`\`\``;
}

/** The first example of a page. @param {string} path */
function example(path) {
  const [block] = /^```js\n.*?^```$/ms.exec(readFileSync(join(root, path), "utf8")) ?? [];
  if (block === undefined) throw new Error(`${path} has no example`);
  return block;
}

/** @param {string} path @param {string} contents */
function write(path, contents) {
  const full = join(source, path);
  if (existsSync(full) && readFileSync(full, "utf8") === contents) return;
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, contents);
}

function writePages() {
  const known = pages();
  for (const [path, place] of known) write(place, forSite(path, known));
}

rmSync(source, { recursive: true, force: true });
writePages();
for (const path of ["examples/browser/icon.svg", "docs/site/pictures/stream.svg"]) {
  write(`public/${posix.basename(path)}`, readFileSync(join(root, path), "utf8"));
}
await reference(join(source, "reference"));
const playground = join(source, "public/playground");
execFileSync(
  process.execPath,
  [join(root, "examples/browser/node_modules/vite/bin/vite.js"), "build", "--outDir", playground, "--logLevel", "warn"],
  {
    cwd: join(root, "examples/browser"),
    stdio: "inherit",
  },
);

if (process.argv.includes("--dev")) {
  for (const folder of ["docs", "docs/site/pages", "docs/site/pictures"])
    watch(join(root, folder), { recursive: folder !== "docs" }, writePages);
  const server = await createServer(site);
  await server.listen();
  server.printUrls();
} else {
  await build(site);
}
