// Writes the pictures of the site as SVG files. Masks in them are those that the package draws. `node docs/site/pictures/draw.mjs`, after a build.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { createDropout } from "../../../dist/core/index.js";

const WIDTH = 420;
/** The room of a cell of a mask, and its side. */
const [PITCH, SIDE] = [12, 9];

const style = readFileSync(new URL("style.css", import.meta.url), "utf8");
const dropout = await createDropout({ seed: 42 });

/** @param {number} length @param {number} p @param {import("../../../dist/core/index.js").MaskOptions<"bytes">} options */
const mask = (length, p, options) => [...dropout.mask(length, p, { format: "bytes", ...options })].map((byte) => byte === 1);

/** @param {number} x @param {number} y @param {string} words @param {string} classes */
const text = (x, y, words, classes = "") =>
  `<text x="${x}" y="${y}"${classes && ` class="${classes}"`}>${words.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</text>`;

/** @param {number} x @param {number} y @param {readonly boolean[]} keep */
const cells = (x, y, keep) =>
  keep
    .map(
      (kept, i) => `<rect x="${x + i * PITCH}" y="${y}" width="${SIDE}" height="${SIDE}" rx="1.5" class="${kept ? "kept" : "dropped"}"/>`,
    )
    .join("");

/** @param {number} x @param {number} y @param {number} width @param {number} height */
const box = (x, y, width, height) => `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6" class="box"/>`;

/** An arrow along points; it ends in a tip to the right or downwards. @param {...readonly [number, number]} points */
function arrow(...points) {
  const [[fromX], [x, y]] = /** @type {[[number, number], [number, number]]} */ (points.slice(-2));
  const tip = fromX === x ? `${x - 4},${y - 7} ${x + 4},${y - 7}` : `${x - 7},${y - 4} ${x - 7},${y + 4}`;
  return `<polyline points="${points.map((point) => point.join()).join(" ")}" class="line"/><polygon points="${x},${y} ${tip}" class="tip"/>`;
}

/** A bracket below what is between two places. @param {number} from @param {number} to @param {number} y */
const bracket = (from, to, y) => `<path d="M${from} ${y}v5H${to}v-5" class="line"/>`;

/** Returns the legend: the colours of kept and dropped elements. @param {number} x @param {number} y */
const legend = (x, y) =>
  cells(x, y - 9, [true]) + text(x + 14, y, "kept", "quiet") + cells(x + 52, y - 9, [false]) + text(x + 66, y, "dropped", "quiet");

/** The random number of each element as a share of 1, found by the least p at which it is dropped. @param {number} length */
function shares(length) {
  return Array.from({ length }, (_, start) => {
    let low = 0;
    for (let step = 0.5; step > 1e-4; step /= 2) if (mask(1, low + step, { stream: 0, start })[0]) low += step;
    return low;
  });
}

const COUNT = 30;
const LEFT = 46;

function stream() {
  const p = 0.3;
  const [top, height] = [26, 96];
  const base = top + height;
  const bars = shares(COUNT).map((share, i) => {
    const tall = Math.max(1, Math.round(share * height));
    return `<rect x="${LEFT + i * PITCH}" y="${base - tall}" width="${SIDE}" height="${tall}" class="${share < p ? "below" : "kept"}"/>`;
  });
  const level = base - p * height;
  const rows = [0.3, 0.5, 0.8].map((rate, i) => {
    const y = base + 30 + i * 20;
    return text(LEFT - 6, y + 9, `${rate}`, "code end") + cells(LEFT, y, mask(COUNT, rate, { stream: 0 }));
  });
  const slice = base + 94;
  return picture("stream", slice + 66, "The random numbers of a stream, and the masks that follow from them", [
    text(LEFT, 14, "a random number for each element, from seed and stream", "quiet"),
    text(LEFT - 6, top + 9, "1", "code end"),
    text(LEFT - 6, base, "0", "code end"),
    ...bars,
    `<line x1="${LEFT - 4}" x2="${LEFT + COUNT * PITCH}" y1="${level}" y2="${level}" class="level"/>`,
    text(LEFT - 6, level + 4, "p", "code end"),
    text(LEFT - 6, base + 18, "p =", "code end"),
    text(LEFT, base + 18, "the mask of each p: what one drops, every larger one drops", "quiet"),
    ...rows,
    bracket(LEFT + 12 * PITCH, LEFT + 20 * PITCH - 3, slice - 6),
    text(LEFT + 16 * PITCH, slice + 16, "start: 12, length 8", "code middle"),
    text(LEFT + 16 * PITCH, slice + 33, "the mask of a slice is the slice of the mask", "quiet middle"),
    legend(LEFT + 11 * PITCH, slice + 56),
  ]);
}

function ticket() {
  const keep = mask(12, 0.4, { stream: 7 });
  const fields = [
    '{ "version": 1, "op": "dropout", "kind": "tile",',
    '  "seed": "42", "stream": "7", "start": 0,',
    '  "length": 12, "p": 0.4, "rescale": "train" }',
  ];
  return picture("ticket", 276, "A ticket stands for a mask: another process draws it again", [
    box(4, 22, 160, 54),
    text(4, 14, "here", "quiet"),
    text(84, 44, "forward(x, 0.4)", "code middle"),
    cells(14, 56, keep),
    arrow([164, 49], [206, 49]),
    text(212, 53, "y", "code"),
    arrow([84, 76], [84, 100]),
    text(94, 93, "the ticket: some 100 bytes of JSON", "quiet"),
    box(4, 102, 330, 60),
    ...fields.map((line, i) => text(12, 120 + i * 16, line, "code")),
    arrow([84, 162], [84, 196]),
    text(94, 183, "stored, sent, replayed in Python or C", "quiet"),
    box(4, 198, 160, 54),
    text(84, 220, "backward(dy, ticket)", "code middle"),
    cells(14, 232, keep),
    arrow([164, 225], [206, 225]),
    text(212, 229, "dx", "code"),
    text(4, 270, "later, elsewhere: the same mask, never stored", "quiet"),
  ]);
}

function state() {
  const small = (/** @type {number} */ number) => mask(6, 0.4, { stream: number });
  const call = (/** @type {number} */ i, /** @type {number} */ y, /** @type {number} */ number) =>
    text(14 + i * 80, y, `stream ${number}`, "code") + cells(14 + i * 80, y + 8, small(number));
  return picture("state", 220, "A state stands for the place in the sequence of masks", [
    text(4, 14, "calls take the next number", "quiet"),
    box(4, 24, 412, 46),
    ...[0, 1, 2, 3, 4].map((number, i) => call(i, 42, number)),
    arrow([210, 70], [210, 96]),
    text(220, 89, "saved after three calls", "quiet"),
    box(70, 98, 280, 28),
    text(210, 116, '{ "version": 1, …, "nextStream": "3" }', "code middle"),
    arrow([300, 126], [300, 152]),
    text(310, 145, "restored elsewhere", "quiet"),
    box(242, 154, 174, 46),
    call(3, 172, 3),
    call(4, 172, 4),
    text(4, 180, "the masks that follow", "quiet"),
    text(4, 196, "are the same", "quiet"),
  ]);
}

function workers() {
  const keep = mask(30, 0.4, { stream: 0 });
  const part = (/** @type {number} */ rank) => {
    const x = 14 + rank * 136;
    return [
      arrow([x + 60, 62], [x + 60, 88]),
      box(x - 10, 90, 130, 76),
      text(x, 108, `rank ${rank}`, "code"),
      cells(x, 116, keep.slice(rank * 10, rank * 10 + 10)),
      text(x, 144, `start = ${rank} × 10`, "code"),
      text(x, 158, "drawn by itself", "quiet"),
    ].join("");
  };
  const whole = Array.from({ length: 3 }, (_, rank) => cells(14 + rank * 136, 40, keep.slice(rank * 10, rank * 10 + 10)));
  return picture("workers", 188, "Workers of one seed draw the parts of one mask", [
    text(4, 14, "one seed, one batch of three parts", "quiet"),
    box(4, 24, 412, 38),
    ...whole,
    ...[0, 1, 2].map(part),
    text(4, 184, "no worker waits for another; joined, the masks are that of one call", "quiet"),
  ]);
}

function memory() {
  return picture("memory", 236, "Arrays outside wasm memory are copied in and out; buffers are worked on where they lie", [
    text(4, 14, "a typed array of your own", "quiet"),
    box(4, 22, 112, 44),
    text(60, 48, "Float32Array", "code middle"),
    text(126, 38, "copy in", "quiet"),
    arrow([116, 46], [176, 46]),
    box(178, 22, 238, 44),
    text(190, 41, "staging area in wasm memory", "code"),
    text(190, 57, "kernel, a piece at a time", "quiet"),
    arrow([297, 66], [297, 100]),
    text(307, 87, "copy out", "quiet"),
    box(178, 102, 238, 30),
    text(190, 121, "a new Float32Array, or out", "code"),
    text(4, 160, "a buffer of alloc() or from()", "quiet"),
    box(4, 168, 412, 44),
    text(14, 187, "wasm memory", "code"),
    text(14, 203, "kernel on the buffer itself: no copy, no garbage", "quiet"),
    text(4, 230, "free() gives the memory back", "quiet"),
  ]);
}

/** @param {string} name @param {number} height @param {string} title @param {readonly string[]} parts */
function picture(name, height, title, parts) {
  const label = `${name}-title`;
  return {
    name,
    svg: `<svg class="sketch" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${label}">
<title id="${label}">${title}</title>
<style>
svg.sketch:root { color-scheme: light dark; background: light-dark(#ffffff, #15181c); }
${style}</style>
${parts.join("\n")}
</svg>
`,
  };
}

export const PICTURES = [stream(), ticket(), state(), workers(), memory()];

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const { name, svg } of PICTURES) writeFileSync(new URL(`${name}.svg`, import.meta.url), svg);
}
