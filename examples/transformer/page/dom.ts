// Stands for linkedom, which charts are drawn on in Node: the browser has documents of its own.

export function parseHTML(html: string): { document: Document } {
  return { document: new DOMParser().parseFromString(html, "text/html") };
}
