// `npm run modules`: writes what follows from the table of modules into package.json.

import { readFileSync, writeFileSync } from "node:fs";
import { withModules } from "./manifest.mjs";

const path = new URL("../package.json", import.meta.url);
writeFileSync(path, `${JSON.stringify(withModules(JSON.parse(readFileSync(path, "utf8"))), undefined, 2)}\n`);
