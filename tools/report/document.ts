// The frame of every report: a document that needs no network and no script, with charts in it.

import { type Content, element, Markup, plain } from "./markup.js";
import { CHART_STYLE, type Chart, svg } from "./plot.js";
import { PAGE_STYLE } from "./style.js";

/** The text of a page. */
export function document(title: string, body: readonly Content[]): string {
  const head = [
    element("meta", { charset: "utf-8" }),
    element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    element("meta", { name: "color-scheme", content: "light dark" }),
    plain("title", title),
    plain("style", new Markup(PAGE_STYLE + CHART_STYLE)),
  ];
  return `<!doctype html>\n${element("html", { lang: "en" }, plain("head", head), plain("body", body)).text}\n`;
}

/** A chart with its title; nothing where there is none. The box, not the page, scrolls where it is wider than the screen. */
export function figure(id: string, chart: Chart | undefined): Content {
  if (chart === undefined) return [];
  const box = element("div", { class: "scroll", role: "region", "aria-label": chart.title, tabindex: 0 }, svg(chart, id));
  return plain("figure", plain("figcaption", chart.title), box);
}
