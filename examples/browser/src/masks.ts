// The first part of the page: from what the visitor sets to a state, a forward pass, and what is shown of it.

import type { Dropout, StreamKind, Ticket } from "wasm-dropout";
import { isDigit, makeChooser } from "./chooser.js";
import { copyOnClick } from "./copy.js";
import { Drawing, SIDE } from "./drawing.js";
import { pass } from "./forward.js";
import { clearError, part, sayError } from "./page.js";
import { drawPictures, type Shown, writeFigures } from "./report.js";
import { fromHash, INITIAL, parseP, parseSeed, pixelsOf, type State, toHash } from "./state.js";
import { listenForDrawing } from "./surface.js";

const ERRORS = ["p-error", "seed-error", "link-error"];
// The delay before a state is written to the address: browsers limit the number of changes.
const SETTLE_MS = 300;
const SEEDS = 2n ** 64n;

/** Shows the state in the address; `offer` gets the ticket and the mask of every pass. */
export function showMasks(dropout: Dropout, offer: (ticket: Ticket, mask: Uint8Array) => void): void {
  const range = part("p-range", HTMLInputElement);
  const p = part("p", HTMLInputElement);
  const seed = part("seed", HTMLInputElement);
  const kinds = [...document.querySelectorAll<HTMLInputElement>("[name=kind]")];
  const link = part("link", HTMLAnchorElement);
  const eraser = part("eraser", HTMLButtonElement);

  let shown: Shown = { state: INITIAL, pass: pass(dropout, INITIAL) };
  // The state that was shown when p last began to move.
  let before = shown;
  let moving = false;
  let own = `${new Drawing()}`;
  let cursor: number | undefined;
  let timer: number | undefined;

  const draw = () => drawPictures(shown, before, cursor);

  /** Goes on to what `change` makes of the state, or says why not in the element `errorId`; leaves `source` as the visitor typed it. */
  function go(change: Partial<State>, errorId = "link-error", source?: HTMLInputElement): void {
    const state = { ...shown.state, ...change };
    try {
      shown = { state, pass: pass(dropout, state) };
    } catch (error) {
      sayError(errorId, error);
      return;
    }
    for (const id of ERRORS) clearError(id);
    if (!moving) before = shown;
    if (!isDigit(state.x)) own = state.x;
    render(source);
  }

  function render(source?: HTMLInputElement): void {
    const { state } = shown;
    chooser.show(state.x);
    if (source !== range) range.value = `${state.p}`;
    if (source !== p) p.value = `${state.p}`;
    if (source !== seed) seed.value = `${state.seed}`;
    for (const radio of kinds) radio.checked = radio.value === state.kind;
    link.href = toHash(state);
    writeFigures(shown, before);
    draw();
    offer(shown.pass.ticket, shown.pass.mask);
    clearTimeout(timer);
    timer = window.setTimeout(() => history.replaceState(null, "", link.href), SETTLE_MS);
  }

  const chooser = makeChooser((digit) => go({ x: digit ?? own }));

  for (const input of [range, p]) {
    input.addEventListener("input", () => {
      if (!moving) before = shown;
      moving = true;
      go({ p: parseP(input.value) }, "p-error", input);
    });
    input.addEventListener("change", () => {
      moving = false;
    });
  }
  seed.addEventListener("input", () => go({ seed: parseSeed(seed.value) }, "seed-error", seed));
  part("next", HTMLButtonElement).addEventListener("click", () => go({ seed: (shown.state.seed + 1n) % SEEDS }));
  for (const radio of kinds) radio.addEventListener("change", () => go({ kind: radio.value as StreamKind }));

  const isErasing = () => eraser.getAttribute("aria-pressed") === "true";
  eraser.addEventListener("click", () => eraser.setAttribute("aria-pressed", `${!isErasing()}`));
  part("clear", HTMLButtonElement).addEventListener("click", () => go({ x: `${new Drawing()}` }));
  listenForDrawing(part("surface", HTMLElement), isErasing, {
    stroke(from, to, erase) {
      const drawing = new Drawing(pixelsOf(shown.state.x));
      drawing.stroke(from, to, erase);
      go({ x: `${drawing}` });
    },
    cursor(index) {
      cursor = index;
      part("cursor", HTMLElement).textContent = index === undefined ? "" : placeText(index, shown.pass.x[index] ?? 0);
      draw();
    },
  });

  copyOnClick(part("copy-link", HTMLButtonElement), () => link.href);
  const follow = () => go(fromHash(location.hash));
  window.addEventListener("hashchange", follow);
  render();
  follow();
}

function placeText(index: number, ink: number): string {
  return `Row ${Math.floor(index / SIDE) + 1}, column ${(index % SIDE) + 1}: ${Math.round(ink * 100)} % ink.`;
}
