// A script that runs in a page before the page's own, and notes in `trouble` whatever goes wrong there.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const TROUBLE = `
globalThis.trouble = [];
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => trouble.push("policy: " + violatedDirective + " " + blockedURI));
addEventListener("error", ({ message, target }) => trouble.push("error: " + (message ?? target.outerHTML)), true);
addEventListener("unhandledrejection", ({ reason }) => trouble.push("rejection: " + reason));
for (const level of ["error", "warn"]) console[level] = (...words) => trouble.push(level + ": " + words.join(" "));
`;

/** Writes the script, and `more` behind it, beside the built page of a folder, and into its head. */
export function noteTrouble(directory: string, more = ""): void {
  const index = join(directory, "index.html");
  const html = readFileSync(index, "utf8");
  writeFileSync(join(directory, "probe.js"), TROUBLE + more);
  writeFileSync(index, html.replace('<meta charset="utf-8" />', '<meta charset="utf-8" /><script src="./probe.js"></script>'));
}
