// Buttons that copy a text.

const SHOWN_MS = 2000;

/** Makes `button` copy what `text` gives, and say so for a while. */
export function copyOnClick(button: HTMLButtonElement, text: () => string): void {
  const label = button.textContent;
  let timer: number | undefined;
  button.addEventListener("click", async () => {
    const done = await copy(text());
    button.textContent = done ? "Copied" : "Copying is not allowed here";
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      button.textContent = label;
    }, SHOWN_MS);
  });
}

async function copy(text: string): Promise<boolean> {
  try {
    // Without https there is no clipboard, and a browser may refuse.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
