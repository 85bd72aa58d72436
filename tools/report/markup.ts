// Elements of HTML and SVG as text. Their content is escaped, so that no name in a file of results can become markup. The output is
// well-formed XML, so that an SVG stands in a page as well as in a file of its own.

/** Text that is markup already. */
export class Markup {
  constructor(readonly text: string) {}
}

export type Content = Markup | string | readonly Content[];
export type Attributes = Readonly<Record<string, string | number>>;

/** An element; text among `content` is escaped. */
export function element(tag: string, attributes: Attributes, ...content: readonly Content[]): Markup {
  const pairs = Object.entries(attributes).map(([name, value]) => ` ${name}="${escaped(show(value))}"`);
  const inner = content.map(textOf).join("");
  const open = `<${tag}${pairs.join("")}`;
  return new Markup(inner === "" && ENDS_ITSELF.has(tag) ? `${open} />` : `${open}>${inner}</${tag}>`);
}

/** An element without attributes. */
export function plain(tag: string, ...content: readonly Content[]): Markup {
  return element(tag, {}, ...content);
}

// In HTML "<td />" opens an element; void ones and those of SVG may end themselves.
const ENDS_ITSELF = new Set(["meta", "line", "path", "polygon", "polyline", "rect"]);

function textOf(content: Content): string {
  if (content instanceof Markup) return content.text;
  return typeof content === "string" ? escaped(content) : content.map(textOf).join("");
}

function escaped(text: string): string {
  return printable(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** `text` with the replacement character in place of control characters, which XML has no way to write. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are looked for
  return text.replaceAll(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd");
}

// Hundredths of a pixel are finer than any screen.
function show(value: string | number): string {
  return typeof value === "number" ? `${Math.round(value * 100) / 100}` : value;
}
