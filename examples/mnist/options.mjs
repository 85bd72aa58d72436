// The command line.

import { parseArgs } from "node:util";
import { TRAINING_IMAGES } from "./idx.mjs";

export const USAGE = `usage: npm start -- [--digit N] [--p P] [--seed S]

  --digit N  which training image to draw, 0 to ${TRAINING_IMAGES - 1} (default 7)
  --p P      drop probability of the drawing, 0 to 1 (default 0.5)
  --seed S   seed of every mask, 0 to 2^64 - 1 (default 1)
  --help     show this`;

/** A command line that makes no sense. */
export class UsageError extends Error {}

/** @param {string[]} args */
export function readOptions(args) {
  const { digit, p, seed, help } = parse(args);
  return {
    digit: Number(readInteger(digit, "--digit", BigInt(TRAINING_IMAGES))),
    p: readProbability(p),
    seed: readInteger(seed, "--seed", 2n ** 64n),
    help,
  };
}

/** @param {string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args,
      options: {
        digit: { type: "string", default: "7" },
        p: { type: "string", default: "0.5" },
        seed: { type: "string", default: "1" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/**
 * @param {string} text
 * @param {string} flag
 * @param {bigint} end
 */
function readInteger(text, flag, end) {
  const value = /^\d+$/.test(text) ? BigInt(text) : end;
  if (value >= end) throw new UsageError(`"${flag}" expected integer in [0, ${end - 1n}], got "${text}"`);
  return value;
}

/** @param {string} text */
function readProbability(text) {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!(value >= 0 && value <= 1)) throw new UsageError(`"--p" expected number in [0, 1], got "${text}"`);
  return value;
}
