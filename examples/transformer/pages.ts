// The pages of this repository that the text is made of.

import { readFileSync } from "node:fs";

const PAGES = ["keep-streams", "performance", "api", "tfjs", "migrate"] as const;

export function readPages(): string[] {
  return PAGES.map((name) => readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), "utf8"));
}
