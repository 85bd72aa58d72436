// Part of `npm run modules`: writes what follows from the tables of kernels into assembly/.

import { writeFileSync } from "node:fs";
import { ENTRIES } from "./entries.js";

for (const [path, text] of Object.entries(ENTRIES)) writeFileSync(new URL(`../${path}`, import.meta.url), text);
