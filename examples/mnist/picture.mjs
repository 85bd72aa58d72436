// Grey-scale images, side by side, in character cells.

import { COLOUR } from "./terminal.mjs";

/**
 * @typedef {object} Picture
 * @property {string} caption
 * @property {number} columns
 * @property {readonly number[]} pixels row by row; 0 = background, 1 = ink, beyond 1 is drawn as 1; NaN = dropped
 */

const SHADES = [" ", "░", "▒", "▓", "█"];
const DROPPED = "·";

// The xterm palette: 232 to 255 are 24 greys, 16 and 231 black and white; the other is dark blue, from the 6 x 6 x 6 cube.
const GREYS = [16, ...Array.from({ length: 24 }, (_, step) => 232 + step), 231];
const DROPPED_COLOUR = 18;
const RESET = "\x1b[0m";

/** The look of a dropped pixel. */
export const DROPPED_SAMPLE = COLOUR ? `\x1b[48;5;${DROPPED_COLOUR}m  ${RESET}` : DROPPED;

/** @param {readonly Picture[]} pictures of the same number of rows */
export function printPictures(pictures) {
  const columns = pictures.map((picture) => frame(picture, COLOUR ? colourLines(picture) : plainLines(picture)));
  const height = Math.max(...columns.map((lines) => lines.length));
  for (let line = 0; line < height; line++) {
    console.log(`  ${columns.map((lines) => lines[line]).join("    ")}`.trimEnd());
  }
}

/** @param {Picture} picture @param {readonly string[]} lines */
function frame({ caption, columns }, lines) {
  const edge = "─".repeat(columns);
  return [` ${caption}`.padEnd(columns + 2), `┌${edge}┐`, ...lines.map((line) => `│${line}│`), `└${edge}┘`];
}

/** @param {Picture} picture */
function plainLines(picture) {
  return rowsOf(picture).map((row) => row.map((value) => (Number.isNaN(value) ? DROPPED : pick(SHADES, value))).join(""));
}

/**
 * Two rows of pixels a line, as a character cell is about twice as high as wide: the upper half block in the colour of the upper pixel, on
 * the colour of the lower.
 *
 * @param {Picture} picture
 */
function colourLines(picture) {
  const rows = rowsOf(picture);
  return rows
    .filter((_, index) => index % 2 === 0)
    .map((upper, line) => {
      const lower = rows[2 * line + 1] ?? [];
      return upper.map((value, column) => `\x1b[38;5;${colour(value)};48;5;${colour(lower[column] ?? 0)}m▀`).join("") + RESET;
    });
}

/** @param {Picture} picture */
function rowsOf({ columns, pixels }) {
  return Array.from({ length: pixels.length / columns }, (_, row) => pixels.slice(row * columns, (row + 1) * columns));
}

/** @param {number} value */
function colour(value) {
  return Number.isNaN(value) ? DROPPED_COLOUR : pick(GREYS, value);
}

/**
 * @template T
 * @param {readonly T[]} ramp from background to ink
 * @param {number} value
 */
function pick(ramp, value) {
  return ramp[Math.round(Math.min(value, 1) * (ramp.length - 1))];
}
