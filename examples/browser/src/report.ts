// The report of a forward pass: three pictures and the figures beside them.

import { PIXELS } from "./drawing.js";
import { checksum, keptOf, type Pass } from "./forward.js";
import { part } from "./page.js";
import { type Cell, paint } from "./picture.js";
import type { State } from "./state.js";

/** A state, and the pass that it gave. */
export interface Shown {
  readonly state: State;
  readonly pass: Pass;
}

/** Draws x with the keyboard's cursor, the mask compared with that of `before`, and y. */
export function drawPictures({ pass: { x, y, mask } }: Shown, before: Shown, cursor: number | undefined): void {
  const [now, then] = [keptOf(mask), keptOf(before.pass.mask)];
  const maskCell = (kept: boolean, i: number): Cell => {
    if (kept === then[i]) return kept ? "kept" : "dropped";
    return kept ? "newly kept" : "newly dropped";
  };
  const yCell = (kept: boolean, i: number): Cell => (kept ? (y[i] ?? 0) : x[i] === 0 ? "dropped on paper" : "dropped");
  paint(part("x", HTMLCanvasElement), [...x], cursor);
  paint(part("mask", HTMLCanvasElement), now.map(maskCell));
  paint(part("y", HTMLCanvasElement), now.map(yCell));
}

/** Writes the figures of `shown`, and how its mask differs from that of `before`. */
export function writeFigures(shown: Shown, before: Shown): void {
  const { kept, probability, mask } = shown.pass;
  const texts = {
    dropped: `${PIXELS - kept} of ${PIXELS}`,
    kept: `${kept} of ${PIXELS}`,
    share: (kept / PIXELS).toFixed(4),
    probability: `${probability}`,
    checksum: checksum(mask),
    scale: probability === 0 ? "Nothing is kept." : `Kept ones times ${(1 / probability).toFixed(4)}; drawn clipped at full ink.`,
    summary: `${PIXELS - kept} of ${PIXELS} pixels dropped. ${comparison(shown, before)}`,
  };
  for (const [id, text] of Object.entries(texts)) part(id, HTMLElement).textContent = text;
}

function comparison(shown: Shown, before: Shown): string {
  if (shown.state.p === before.state.p) return "";
  const [now, then] = [keptOf(shown.pass.mask), keptOf(before.pass.mask)];
  const dropped = now.filter((kept, i) => !kept && then[i]).length;
  const returned = now.filter((kept, i) => kept && !then[i]).length;
  return `From p = ${before.state.p} to ${shown.state.p}: ${dropped || "none"} newly dropped, ${returned || "none"} newly kept.`;
}
