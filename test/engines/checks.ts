// The check of each extension. Made by `npm run modules` (scripts/entries.ts).

import { check as attention } from "./extensions/attention.js";
import { check as fused } from "./extensions/fused.js";
import { check as half } from "./extensions/half.js";
import { check as linear } from "./extensions/linear.js";
import { check as monteCarlo } from "./extensions/monte-carlo.js";
import { check as noise } from "./extensions/noise.js";
import { check as shapes } from "./extensions/shapes.js";
import { check as variants } from "./extensions/variants.js";

export const CHECKS = { attention, fused, half, linear, "monte-carlo": monteCarlo, noise, shapes, variants };
