// The pages of the documentation, and the code in them.

import { readdirSync, readFileSync } from "node:fs";

const root = new URL("../../", import.meta.url);

/** Paths of all pages in the repository. */
export const PAGES: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "examples/README.md",
  ...["docs", "docs/site/pages"].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: folder !== "docs", encoding: "utf8" }).map((name) => `${folder}/${name}`),
  ),
].filter((path) => path.endsWith(".md"));

/** Returns the blocks of code of a page in a language, as it stands behind the fence. */
export function blocksOf(path: string, language: string): string[] {
  const text = readFileSync(new URL(path, root), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, code]) => code as string);
}
