// Pictures of 28 x 28 pixels. Their colours come from the style sheet: ink is `color`, what was dropped `accent-color`.

import { SIDE } from "./drawing.js";

/** The look of one pixel: a grey level, drawn clipped to [0, 1], or a mark. */
export type Cell = number | Mark;
export type Mark = "dropped" | "dropped on paper" | "newly dropped" | "kept" | "newly kept";

// Of canvas pixels, so that edges are sharp on dense screens.
const CELL = 20;

// Marks differ in size and darkness too, not only in colour.
const MARKS: Record<Mark, { size: number; alpha: number; colour: "color" | "accentColor" }> = {
  dropped: { size: 10, alpha: 1, colour: "accentColor" },
  "dropped on paper": { size: 6, alpha: 1, colour: "accentColor" },
  "newly dropped": { size: CELL, alpha: 1, colour: "accentColor" },
  kept: { size: CELL, alpha: 0.16, colour: "color" },
  "newly kept": { size: CELL, alpha: 0.8, colour: "color" },
};

const painted = new Map<HTMLCanvasElement, [cells: readonly Cell[], cursor: number | undefined]>();
const repaint = () => {
  for (const [canvas, picture] of painted) paint(canvas, ...picture);
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
// WebKit runs module scripts before the style sheet is there, but says that the page is loaded only then.
addEventListener("load", repaint);

/** Draws `cells`, row by row, and a frame around the pixel at index `cursor`; again whenever the colours change. */
export function paint(canvas: HTMLCanvasElement, cells: readonly Cell[], cursor?: number): void {
  painted.set(canvas, [cells, cursor]);
  canvas.width = canvas.height = SIDE * CELL;
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("the browser gives no canvas");
  const style = getComputedStyle(canvas);
  cells.forEach((cell, i) => {
    const { size, alpha, colour } =
      typeof cell === "number" ? { size: CELL, alpha: Math.min(cell, 1), colour: "color" as const } : MARKS[cell];
    context.globalAlpha = alpha;
    context.fillStyle = style[colour];
    const { left, top } = cornerOf(i);
    const inset = (CELL - size) / 2;
    context.fillRect(left + inset, top + inset, size, size);
  });
  if (cursor === undefined) return;
  context.globalAlpha = 1;
  context.strokeStyle = style.accentColor;
  context.lineWidth = CELL / 4;
  const { left, top } = cornerOf(cursor);
  context.strokeRect(left, top, CELL, CELL);
}

function cornerOf(index: number): { left: number; top: number } {
  return { left: (index % SIDE) * CELL, top: Math.floor(index / SIDE) * CELL };
}
