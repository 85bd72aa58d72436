// Parts of expected messages that list what a table holds, so that a row more needs no message by hand. Only words are joined here: no code under test.

import { DTYPES, HALF_DTYPES } from "../../src/ground/dtypes.js";
import { STREAM_KINDS } from "../../src/stream/kinds.js";

/** Strings as choices: `"a" or "b" or "c"`. */
export const choices = (values: readonly string[]): string => values.map((value) => `"${value}"`).join(" or ");

/** Words as a list: `a, b or c`. */
export const listed = (words: readonly string[]): string => `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;

/** The kinds of keep streams. */
export const KIND = choices(STREAM_KINDS);

/** The 16-bit dtypes. */
export const HALF_DTYPE = choices(HALF_DTYPES);

/** Data for operations that also take 16 bits. */
export const DATA_OR_HALVES = `Float32Array, Float64Array, Float16Array, Uint16Array with a dtype or buffer of ${listed([...DTYPES, ...HALF_DTYPES])}`;
