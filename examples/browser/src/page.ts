// Parts of the page by id, and what it says in them.

/** Shows the main part of the page once `start` has made it ready, as what is seen should answer; says in words if it cannot start. */
export async function startPage(start: () => Promise<void>): Promise<void> {
  try {
    if (typeof WebAssembly === "undefined") throw new Error("this browser has no WebAssembly, or it is switched off.");
    await start();
    part("main", HTMLElement).hidden = false;
  } catch (error) {
    say("failure", `This page cannot start: ${wordsOf(error)}`);
  }
}

/** The element of class `type` called `id`, which the page has. */
export function part<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`the page has no ${type.name} "${id}"`);
  return element;
}

/** Says `text` in the element called `id`, and hides it if there is nothing to say. */
export function say(id: string, text: string): void {
  const element = part(id, HTMLElement);
  element.textContent = text;
  element.hidden = text === "";
}

/** An error in words, with what it was caused by. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${wordsOf(error.cause)}`;
}

/** Says `error` in the element called `id`, and marks the control that it describes. */
export function sayError(id: string, error: unknown): void {
  say(id, wordsOf(error));
  controlOf(id)?.setAttribute("aria-invalid", "true");
}

/** Takes back what sayError() said in the element called `id`. */
export function clearError(id: string): void {
  say(id, "");
  controlOf(id)?.removeAttribute("aria-invalid");
}

function controlOf(id: string): Element | null {
  return document.querySelector(`[aria-describedby~="${id}"]`);
}
