// The styles of the page, in light and dark, on paper and on a phone.

// A box that scrolls has a shadow at an edge that hides something: its paper moves with the content and covers the shadow at the end
// (Lea Verou, https://lea.verou.me/blog/2012/04/background-attachment-local/).

export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --quiet: #5b636b; --rule: #dfe3e7; --paper: #ffffff; --soft: #f4f6f8; --shade: #00000030; --link: #005a9c; --bad: #b3261e; --good: #1b6e3c; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --quiet: #a3abb3; --rule: #343a41; --paper: #15181c; --soft: #1d2126; --shade: #000000a0; --link: #7cc0f5; --bad: #ff8a80; --good: #6fcf97; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 61rem; padding: 2.5rem 1.25rem 5rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; letter-spacing: -0.015em; margin: 0 0 0.6rem; }
h2 { font-size: 1.35rem; line-height: 1.3; margin: 3.5rem 0 0.4rem; padding-top: 1.25rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 0; }
p { margin: 0.4rem 0; max-width: 46rem; }
header p, section p { color: var(--quiet); }
a { color: var(--link); }
figure { margin: 2.25rem 0; }
figcaption, caption { font-weight: 600; text-align: left; margin-bottom: 0.6rem; }
caption { padding: 0 0 0.5rem; }
.scroll { overflow-x: auto; margin: 1.5rem 0; background:
  linear-gradient(to right, var(--paper) 40%, transparent) left / 2.5rem 100% no-repeat local,
  linear-gradient(to left, var(--paper) 40%, transparent) right / 2.5rem 100% no-repeat local,
  linear-gradient(to right, var(--shade), transparent) left / 0.9rem 100% no-repeat scroll,
  linear-gradient(to left, var(--shade), transparent) right / 0.9rem 100% no-repeat scroll; }
figure .scroll { margin: 0; }
.scroll:focus-visible, summary:focus-visible, a:focus-visible { outline: 2px solid var(--link); outline-offset: 3px; }
svg.chart { display: block; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.9rem 0.3rem 0; text-align: left; vertical-align: baseline; white-space: nowrap; font-weight: 400; }
thead th { color: var(--quiet); font-weight: 600; border-bottom: 1px solid var(--quiet); }
tbody tr { border-bottom: 1px solid var(--rule); }
.figure { text-align: right; }
.prose { white-space: normal; min-width: 9rem; }
code { font: 0.93em ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.met { color: var(--good); }
.missed { color: var(--bad); }
.missing { background: var(--soft); border-left: 3px solid var(--bad); padding: 0.75rem 1rem; margin: 1.25rem 0; }
.missing ul { margin: 0.3rem 0 0; padding-left: 1.2rem; }
.missing li { overflow-wrap: anywhere; }
details { margin: 1.5rem 0; }
summary { cursor: pointer; color: var(--link); }
@media (max-width: 30rem) { body { padding-top: 1.5rem; } h1 { font-size: 1.5rem; } }
@media print { details::details-content { content-visibility: visible; } .scroll { overflow: visible; } }
`;
