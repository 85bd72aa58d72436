// The second part of the page: a ticket as text, and the gradient that another instance makes from that text alone.

import type { Dropout, Ticket } from "wasm-dropout";
import { copyOnClick } from "./copy.js";
import { PIXELS } from "./drawing.js";
import { keptOf } from "./forward.js";
import { clearError, part, sayError } from "./page.js";
import { paint } from "./picture.js";

/** Shows the backward pass of `dropout`; gives what takes each new ticket and the mask that its forward pass used. */
export function showTickets(dropout: Dropout): (ticket: Ticket, mask: Uint8Array) => void {
  const text = part("ticket", HTMLTextAreaElement);
  const canvas = part("dx", HTMLCanvasElement);
  const gradient = part("gradient", HTMLElement);
  let forward: boolean[] = [];

  function forget(): void {
    clearError("ticket-error");
    paint(canvas, []);
    gradient.textContent = "Not drawn yet.";
  }

  function backward(): void {
    forget();
    try {
      const { dx } = dropout.backward(new Float32Array(PIXELS).fill(1), JSON.parse(text.value) as Ticket<"dropout">);
      const kept = Array.from(dx, (value) => value !== 0);
      paint(
        canvas,
        kept.map((isKept) => (isKept ? "kept" : "dropped")),
      );
      gradient.textContent = describe(dx, kept.filter((isKept, i) => isKept !== forward[i]).length);
    } catch (error) {
      sayError("ticket-error", error);
    }
  }

  text.addEventListener("input", forget);
  part("backward", HTMLButtonElement).addEventListener("click", backward);
  copyOnClick(part("copy-ticket", HTMLButtonElement), () => text.value);
  return (ticket, mask) => {
    forward = keptOf(mask);
    text.value = JSON.stringify(ticket, null, 2);
    forget();
  };
}

function describe(dx: Float32Array, different: number): string {
  const zeros = dx.filter((value) => value === 0).length;
  const scaled = zeros === PIXELS ? "" : `, ${Math.max(...dx).toFixed(4)} at ${PIXELS - zeros}`;
  return `0 at ${zeros} pixels${scaled}; ${different || "none"} ${different === 1 ? "differs" : "differ"} from the mask above.`;
}
