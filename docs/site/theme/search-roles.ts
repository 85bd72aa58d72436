// VitePress's search box is a button and a list box that hold inputs and links, which no button or option may. Here it is a dialog with a list of links.

const BOX = ".VPLocalSearchBox";

function mend(box: Element): void {
  set(box, { role: "dialog", "aria-modal": "true", "aria-expanded": null, "aria-haspopup": null, "aria-owns": null });
  for (const input of box.querySelectorAll("input")) {
    set(input, { "aria-activedescendant": null, "aria-autocomplete": null, "aria-controls": null });
  }
  for (const list of box.querySelectorAll("ul")) set(list, { role: null, "aria-labelledby": null });
  for (const item of box.querySelectorAll("li")) set(item, { role: null, "aria-selected": null });
  // The name of a link is what it shows.
  for (const link of box.querySelectorAll("a.result")) set(link, { "aria-label": null });
  // Pictures of keys, which have names.
  for (const key of box.querySelectorAll("kbd[aria-label]")) set(key, { role: "img" });
}

function set(element: Element, attributes: Readonly<Record<string, string | null>>): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) element.removeAttribute(name);
    else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
}

/** Mends the box whenever it changes. */
export function mendSearchBox(): void {
  const observer = new MutationObserver(() => {
    const box = document.querySelector(BOX);
    if (box) mend(box);
  });
  observer.observe(document.body, {
    childList: true,
    subtree: true,
    attributeFilter: ["role", "aria-selected", "aria-owns", "aria-label"],
  });
}
