// Refuses to publish while package.json lacks what only the owner of the package knows. Run by itself, or imported.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** The fields, and what each is for. */
const FIELDS = {
  repository: "the address of the repository, which provenance is checked against",
  bugs: "the address for questions and bugs",
  homepage: "the address of the documentation",
};

/**
 * Returns a line for each field that is not set: its name, where it belongs, and what it is for.
 *
 * @param {Record<string, unknown>} manifest
 */
export function unsetFields(manifest) {
  return Object.entries(FIELDS)
    .filter(([name]) => addressOf(manifest[name]) === "")
    .map(([name, use]) => `"${name}" of package.json is not set: ${use}`);
}

/** @param {unknown} field */
function addressOf(field) {
  const address = typeof field === "object" && field !== null && "url" in field ? field.url : field;
  return typeof address === "string" ? address.trim() : "";
}

export const manifestPath = new URL("../../package.json", import.meta.url);

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const unset = unsetFields(JSON.parse(readFileSync(manifestPath, "utf8")));
  for (const line of unset) console.error(line);
  if (unset.length > 0) process.exitCode = 1;
}
