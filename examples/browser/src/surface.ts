// An element to draw on: by mouse, finger or pen, and by keyboard.

import { type Point, SIDE } from "./drawing.js";

export interface SurfaceEvents {
  /** A piece of a stroke. */
  stroke(from: Point, to: Point, erase: boolean): void;
  /** Index of the pixel under the keyboard's cursor, while that is to be seen. */
  cursor(index: number | undefined): void;
}

const STEPS: Record<string, Point> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};
// Pointer Events, section 4.1.1.2: `buttons` of the right button, and of the eraser end of a pen.
const ERASING_BUTTONS = 2 | 32;

/** Makes `element` a surface; `erasing` says whether the visitor has taken the eraser. */
export function listenForDrawing(element: HTMLElement, erasing: () => boolean, events: SurfaceEvents): void {
  element.tabIndex = 0;
  listenToPointer(element, erasing, events);
  listenToKeyboard(element, erasing, events);
}

function listenToPointer(element: HTMLElement, erasing: () => boolean, { stroke }: SurfaceEvents): void {
  const placeOf = ({ clientX, clientY }: PointerEvent): Point => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return { x: ((clientX - left) / width) * SIDE, y: ((clientY - top) / height) * SIDE };
  };
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  element.addEventListener("pointerdown", (down) => {
    if (!down.isPrimary) return;
    const erase = erasing() || (down.buttons & ERASING_BUTTONS) !== 0;
    let last = placeOf(down);
    stroke(last, last, erase);
    const lifted = new AbortController();
    const { signal } = lifted;
    // On the window, as a stroke may leave the element and come back.
    window.addEventListener(
      "pointermove",
      (event) => {
        if (event.pointerId !== down.pointerId) return;
        const place = placeOf(event);
        stroke(last, place, erase);
        last = place;
      },
      { signal },
    );
    for (const type of ["pointerup", "pointercancel"] as const) {
      window.addEventListener(type, ({ pointerId }) => pointerId === down.pointerId && lifted.abort(), { signal });
    }
  });
}

function listenToKeyboard(element: HTMLElement, erasing: () => boolean, { stroke, cursor }: SurfaceEvents): void {
  let place: Point = { x: SIDE / 2, y: SIDE / 2 };
  const show = () => cursor(place.y * SIDE + place.x);
  element.addEventListener("focus", () => element.matches(":focus-visible") && show());
  element.addEventListener("blur", () => cursor(undefined));
  element.addEventListener("keydown", (event) => {
    const { key, altKey, ctrlKey, metaKey } = event;
    if (altKey || ctrlKey || metaKey) return;
    const step = STEPS[key];
    const erase = key === "Backspace" || key === "Delete";
    if (step !== undefined) {
      place = { x: clampToSheet(place.x + step.x), y: clampToSheet(place.y + step.y) };
    } else if (key === " " || erase) {
      const centre = { x: place.x + 0.5, y: place.y + 0.5 };
      stroke(centre, centre, erase || erasing());
    } else {
      return;
    }
    event.preventDefault();
    show();
  });
}

function clampToSheet(coordinate: number): number {
  return Math.min(Math.max(coordinate, 0), SIDE - 1);
}
