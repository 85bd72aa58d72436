// The abilities of the terminal, and a layout for one of 80 columns.

const WIDTH = 78;
const { stdout } = process;

/** True to colour: a terminal of 256 colours, of a user who did not set NO_COLOR (Node looks at both). */
export const COLOUR = stdout.isTTY && stdout.hasColors(256);

/** @param {string} title */
export function printHeading(title) {
  console.log(`\n── ${title} ${"─".repeat(WIDTH - title.length - 4)}\n`);
}

/** @param {readonly (readonly string[])[]} rows @param {readonly number[]} widths negative = left-aligned */
export function printTable(rows, widths) {
  for (const row of rows) {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      // A figure wider than foreseen moves the rest, but stays apart from its neighbour.
      return width < 0 ? cell.padEnd(-width) : ` ${cell.padStart(width - 1)}`;
    });
    console.log(`  ${cells.join("").trimEnd()}`);
  }
}

/**
 * Rewrites the last line, or clears it; on a terminal only, as a log keeps every state of it.
 *
 * @param {string} [text]
 */
export function showProgress(text = "") {
  if (!stdout.isTTY) return;
  stdout.cursorTo(0);
  stdout.clearLine(0);
  stdout.write(text);
}

/** @param {number} count */
export function grouped(count) {
  return count.toLocaleString("en-US");
}
