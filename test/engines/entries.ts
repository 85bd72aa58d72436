// The entry of each extension. Made by `npm run modules` (scripts/entries.ts).

import * as attention from "wasm-dropout/attention";
import * as fused from "wasm-dropout/fused";
import * as half from "wasm-dropout/half";
import * as linear from "wasm-dropout/linear";
import * as monteCarlo from "wasm-dropout/monte-carlo";
import * as noise from "wasm-dropout/noise";
import * as shapes from "wasm-dropout/shapes";
import * as variants from "wasm-dropout/variants";

export const ENTRIES = { attention, fused, half, linear, "monte-carlo": monteCarlo, noise, shapes, variants };
