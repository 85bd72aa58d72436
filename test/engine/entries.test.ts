// The files of assembly/ that follow from the tables of kernels; tests of each module say that its exports are its table.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ENTRIES } from "../../scripts/entries.js";

it.each(Object.entries(ENTRIES))("%s is what `npm run modules` writes", (path, text) => {
  expect(readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")).toBe(text);
});
