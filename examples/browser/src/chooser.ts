// The choice of pictures: a radio button for each MNIST digit, and one for the visitor's own.

import { DIGITS } from "./digits.js";
import { part } from "./page.js";
import { paint } from "./picture.js";

const OWN = "own";

/** Makes the radio buttons; `choose` gets the picture chosen, a digit, or undefined for the visitor's own. */
export function makeChooser(choose: (digit: string | undefined) => void): { show(x: string): void } {
  const box = part("digits", HTMLElement);
  for (const { label, index, pixels } of DIGITS) {
    const canvas = document.createElement("canvas");
    const name = document.createElement("span");
    name.className = "visually-hidden";
    name.textContent = `${label} (training image ${index})`;
    box.append(choice(`${label}`, canvas, name));
    paint(canvas, [...pixels]);
  }
  const own = document.createElement("span");
  own.textContent = "own";
  box.append(choice(OWN, own));
  box.addEventListener("change", ({ target }) => {
    const { value } = target as HTMLInputElement;
    choose(value === OWN ? undefined : value);
  });
  return {
    show(x) {
      for (const radio of box.querySelectorAll("input")) radio.checked = radio.value === (isDigit(x) ? x : OWN);
    },
  };
}

/** Returns true if x is a digit, false if it is a drawing. */
export function isDigit(x: string): boolean {
  return DIGITS.some(({ label }) => `${label}` === x);
}

function choice(value: string, ...content: HTMLElement[]): HTMLLabelElement {
  const radio = document.createElement("input");
  radio.type = "radio";
  radio.name = "x";
  radio.value = value;
  const label = document.createElement("label");
  label.append(radio, ...content);
  return label;
}
