// The reference: a page for each entry of the package, from the docstrings of its exports.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { Application } from "typedoc";
import { ENTRIES } from "../../modules.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Returns the name that an entry is imported by. @param {string} subpath */
const nameOf = (subpath) => (subpath === "" ? "wasm-dropout" : `wasm-dropout/${subpath}`);

/** The page of a source: a page is named as the folder whose index it documents. @param {string} source */
const pageOf = (source) => source.replace(/\/index$/, "");

/** The entries whose exports are their own: those in JavaScript export what the entry of the same source does. */
const OWN = ENTRIES.filter(({ plain }) => !plain);

/** The entries with their pages on the site. */
export const REFERENCE = OWN.map(({ subpath, source }) => ({ name: nameOf(subpath), page: `reference/${pageOf(source)}`, source }));

/** Writes the pages. @param {string} out a folder */
export async function reference(out) {
  const titles = new Map(OWN.map(({ subpath, source }) => [pageOf(source), nameOf(subpath)]));
  const app = await Application.bootstrapWithPlugins(
    /** @type {import("typedoc").TypeDocOptions} */ ({
      plugin: ["typedoc-plugin-markdown"],
      entryPoints: REFERENCE.map(({ source }) => `${root}src/${source}.ts`),
      tsconfig: `${root}tsconfig.build.json`,
      basePath: `${root}src`,
      name: "wasm-dropout",
      readme: "none",
      excludeInternal: true,
      excludePrivate: true,
      excludeProtected: true,
      excludeExternals: true,
      disableSources: true,
      disableGit: true,
      githubPages: false,
      out,
      outputFileStrategy: "modules",
      entryFileName: "index",
      hidePageHeader: true,
      hideBreadcrumbs: true,
      hideGroupHeadings: true,
      pageTitleTemplates: {
        index: () => "Entries",
        module: (/** @type {{ name: string }} */ { name }) => titles.get(name) ?? name,
      },
      groupOrder: ["Classes", "Functions", "Variables", "Interfaces", "*"],
      useCodeBlocks: true,
      expandParameters: true,
      tableColumnSettings: { hideDefaults: true, hideModifiers: true, hideInherited: true, hideOverrides: true, hideSources: true },
      parametersFormat: "table",
      interfacePropertiesFormat: "table",
      classPropertiesFormat: "table",
      typeAliasPropertiesFormat: "table",
      typeDeclarationFormat: "table",
      logLevel: "Warn",
    }),
  );
  const project = await app.convert();
  if (project === undefined) throw new Error("typedoc could not read the sources");
  await app.generateOutputs(project);
  if (app.logger.hasErrors()) throw new Error("typedoc found errors");
  const files = new Map(
    readdirSync(out, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".md"))
      .map((path) => [path, readable(readFileSync(join(out, path), "utf8"), path)]),
  );
  for (const [path, page] of files) writeFileSync(join(out, path), withAnchors(page, path, files));
}

/**
 * A page whose links to headings that were counted before groups of them were left out lead to those that are there.
 *
 * @param {string} page
 * @param {string} path
 * @param {ReadonlyMap<string, string>} files
 */
function withAnchors(page, path, files) {
  return page.replaceAll(/\]\(([^)#\s]*)#([\w-]+)-\d+\)/g, (link, target, name) => {
    const file = target === "" ? path : posix.join(posix.dirname(path), target);
    const names = [...(files.get(file) ?? "").matchAll(/^#+ (.*?)(?:\(\))?$/gm)].filter(([, heading]) => heading?.toLowerCase() === name);
    return names.length === 1 ? `](${target}#${name})` : link;
  });
}

/** Headings within the documentation of an export, which would fill the list of a page's headings. */
const PARTS =
  /^#+ (Parameters|Returns|Throws|Examples?|Extends|Extended by|Properties|Implements|Implementation of|Inherited from|Overrides|See|Deprecated|Type Declaration|Default Value|Call Signature)$/gm;

/**
 * A page without type parameters, whose constraints repeat every kind of array, and with what the entry exports of others in one line.
 *
 * @param {string} page
 * @param {string} path
 */
function readable(page, path) {
  const plain = ENTRIES.find(({ source, plain }) => plain && `${pageOf(source)}.md` === path);
  const same =
    plain === undefined ? "" : ` \`${nameOf(plain.subpath)}\` exports the same, [without WebAssembly](/engines.md#without-webassembly).`;
  /** @type {string[]} */
  const others = [];
  const own = page
    .replace(/^# .*\n/, `$&\nEvery export of the entry, from its docstring. [Calls and options](/api.md) is the overview.${same}\n`)
    .replaceAll(/^#+ Type Parameters\n\n(?:\|.*\n)+\n?/gm, "")
    .replaceAll(/^(```ts\n(?:function |abstract |static )?\w+)<(?:(?!```)[\s\S])*?>(?=\((?:\n|\)|\w+\??:))/gm, "$1")
    .replaceAll(/^#+ .*\n\n(?:Renames and re-exports|Re-exports) (\[.*\]\(.*\))\n\n?(?:\*\*\*\n\n?)?/gm, (_, link) => {
      others.push(link);
      return "";
    })
    .replaceAll(PARTS, "**$1**");
  return others.length === 0 ? own : `${own.trimEnd()}\n\n## Also exported\n\n${others.join(", ")}\n`;
}
